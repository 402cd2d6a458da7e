// Looks at what newman was answered to a collection that Postman made of the description: each
// request was done, and answered with a status that the description has for it.
// node postman.mjs DESCRIPTION REPORT

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const [description, report] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file)));
const { executions } = report.run;
const described = Object.entries(description.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation]),
);
const unsent = new Map(described);
for (const { item, request, response, requestError } of executions) {
  const path = `/${item.request.url.path.join("/")}`.replace(":id", "{id}");
  const name = `${request.method} ${path}`;
  assert(response, `${name}: ${requestError?.message}`);
  const { code } = response;
  assert(unsent.get(name), `${name} is not in the description, or was sent twice`);
  assert(code < 300, `${name}: ${code} ${Buffer.from(response.stream).toString()}`);
  assert(unsent.get(name).responses[code], `${name}: ${code} is not in the description`);
  unsent.delete(name);
}
assert.deepEqual([...unsent.keys()], []);
console.log(`Postman: ${executions.length} of ${described.length} requests as described`);
