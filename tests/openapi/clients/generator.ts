// Calls a live server with OpenAPI Generator's TypeScript client: node generator.js URL

import { Configuration, ResponseError, RoomsApi } from "./typescript-fetch/index";

async function main(url: string) {
  const rooms = new RoomsApi(new Configuration({ basePath: url }));
  const ids: string[] = [];
  for (const floor of [1, 2, 3]) {
    const made = await rooms.createRooms({ roomsDocument: { building: "fetch", floor } });
    ids.push(made.id!);
  }

  const read = await rooms.getRooms({ id: ids[0] });
  equal([read.id, read.building, read.floor], [ids[0], "fetch", 1]);

  const found: (number | undefined)[] = [];
  let cursor: string | undefined;
  do {
    const page = await rooms.listRooms({ building: "fetch", order: "asc", limit: 1, cursor });
    found.push(...page.items.map((item) => item.item.floor));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  equal(found, [1, 2, 3]);

  const patched = await rooms.patchRooms({ id: ids[0], requestBody: { floor: 9 } });
  equal([patched.floor, patched.building], [9, "fetch"]);

  for (const id of ids) await rooms.deleteRooms({ id });
  const gone = await rooms.getRooms({ id: ids[0] }).catch((error: ResponseError) => error.response.status);
  equal(gone, 404);
  console.log("OpenAPI Generator, typescript-fetch: compiled, called");
}

function equal(found: unknown, expected: unknown) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${left}, not ${right}`);
}

main(process.argv[2]);
