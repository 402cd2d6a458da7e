// Calls a live server with openapi-fetch and openapi-typescript's types: node fetch.js URL

import createClient from "openapi-fetch";
import type { paths } from "./everything";

async function main(url: string) {
  const api = createClient<paths>({ baseUrl: url });
  const ids: string[] = [];
  for (const floor of [1, 2, 3]) {
    const { data } = await api.POST("/rooms", { body: { building: "types", floor } });
    ids.push(data!.id!);
  }
  const path = { id: ids[0] };

  const { data: read } = await api.GET("/rooms/{id}", { params: { path } });
  equal([read!.id, read!.building, read!.floor], [ids[0], "types", 1]);

  const found: (number | undefined)[] = [];
  let cursor: string | undefined;
  do {
    const query = { building: "types", order: "asc" as const, limit: 1, cursor };
    const { data: page } = await api.GET("/rooms", { params: { query } });
    found.push(...page!.items.map((item) => item.item.floor));
    cursor = page!.next ?? undefined;
  } while (cursor !== undefined);
  equal(found, [1, 2, 3]);

  const { data: patched } = await api.PATCH("/rooms/{id}", { params: { path }, body: { floor: 9 } });
  equal([patched!.floor, patched!.building], [9, "types"]);

  for (const id of ids) await api.DELETE("/rooms/{id}", { params: { path: { id } } });
  const { error } = await api.GET("/rooms/{id}", { params: { path } });
  equal(error!.detail, "Resource does not exist");
  console.log("openapi-typescript: compiled, called");
}

function equal(found: unknown, expected: unknown) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${left}, not ${right}`);
}

main(process.argv[2]);
