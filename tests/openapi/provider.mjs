// Runs the data providers of docs/guides/admin.md against a live server: node provider.mjs PAGE URL

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const [page, url] = process.argv.slice(2);
const code = [...readFileSync(page, "utf8").matchAll(/^```js\n(.*?)^```$/gms)].map(([, block]) => block);
const source = `data:text/javascript,${encodeURIComponent(code.join("\n"))}`;
const { dataProvider, refineProvider } = await import(source);

const admin = dataProvider(url);
const made = [];
for (let floor = 1; floor <= 7; floor += 1) {
  const { data } = await admin.create("rooms", { data: { building: "admin", floor } });
  assert.equal(typeof data.id, "string");
  made.push(data);
}
const list = async (page, order = "ASC") => {
  const pagination = { page, perPage: 3 };
  const filter = { building: "admin" };
  const { data, pageInfo } = await admin.getList("rooms", { pagination, filter, sort: { order } });
  return [data.map(({ floor }) => floor), pageInfo.hasPreviousPage, pageInfo.hasNextPage];
};
// The third is walked to, since the second has not been seen.
assert.deepEqual(await list(3), [[7], true, false]);
assert.deepEqual(await list(2), [[4, 5, 6], true, true]);
assert.deepEqual(await list(1, "DESC"), [[7, 6, 5], false, true]);
assert.deepEqual(await list(9), [[], true, false]);
const all = await admin.getList("rooms", { pagination: { page: 1, perPage: 3 }, filter: {} });
assert.equal(all.data.length, 3);

const [room] = made;
const edited = { ...room, floor: 10 };
const { data: updated } = await admin.update("rooms", { id: room.id, data: edited, previousData: room });
assert.deepEqual(updated, edited);
assert.deepEqual((await admin.getOne("rooms", { id: room.id })).data, edited);
const { data: many } = await admin.getMany("rooms", { ids: [room.id, "absent", made[1].id] });
assert.deepEqual(many, [edited, made[1]]);

const refine = refineProvider(url);
const seen = await refine.getList({
  resource: "rooms",
  pagination: { currentPage: 1, pageSize: 2 },
  filters: [
    { field: "building", operator: "eq", value: "admin" },
    { field: "floor", operator: "lte", value: 4 },
  ],
  sorters: [{ field: "floor", order: "asc" }],
});
assert.deepEqual([seen.data.map(({ floor }) => floor), seen.total], [[2, 3], 3]);
await refine.update({ resource: "rooms", id: room.id, variables: { floor: 11 } });
await refine.deleteOne({ resource: "rooms", id: room.id });
const gone = await refine.getOne({ resource: "rooms", id: room.id }).catch((error) => error);
assert.deepEqual([gone.status, gone.message], [404, "Resource does not exist"]);
await admin.deleteMany("rooms", { ids: made.slice(1).map(({ id }) => id) });
console.log("the data providers of docs/guides/admin.md: called");
