// Opens /_docs in a browser, sends requests from the page, and looks at the answers on it:
// node page.mjs BROWSER URL PLAYWRIGHT

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [browser, url, tools] = process.argv.slice(2);
const { chromium } = createRequire(join(tools, "/"))("playwright-core");

/** A front door that serves `url` below /dev, as a REST API does. */
async function frontDoor() {
  const server = http.createServer((request, response) => {
    const { method, headers } = request;
    const target = new URL(request.url.replace(/^\/dev/, ""), url);
    const passed = http.request(target, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(passed);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return server;
}

/** Fills in the form of an operation, sends it, and is what the page then shows. */
async function send(page, operation, values) {
  const shown = page.locator(`#${operation}`);
  if ((await shown.getAttribute("open")) === null) await shown.locator("summary").first().click();
  for (const [name, value] of Object.entries(values)) {
    await page.locator(`[id="${operation}-${name}"]`).fill(value);
  }
  await shown.getByRole("button", { name: "Send" }).click();
  await shown.locator("output .answer").waitFor({ state: "attached" });
  const text = (part) => shown.locator(`output .${part}`).textContent();
  return { status: await text("status"), headers: await text("headers"), body: await text("answer") };
}

async function tryPage(context, address) {
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  // A refusal that is asked for is no mistake of the page.
  const isRefusal = (text) => /the server responded with a status of 40[14]/.test(text);
  page.on("console", (message) => {
    if (message.type() === "error" && !isRefusal(message.text())) wrong.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL("/", address).href)) wrong.push(`asks for ${request.url()}`);
  });
  await page.goto(address);
  await page.getByRole("heading", { level: 1, name: "Everything" }).waitFor();

  // More digits than a JavaScript number has, an id that must be encoded.
  const document = '{"n":12345678901234567890123}';
  const id = "a/b é?";
  const put = await send(page, "put_verb", { "path-id": id, body: document });
  assert.equal(put.status, "200 OK");
  assert.match(put.headers, /^etag: "/m);
  const get = await send(page, "get_verb", { "path-id": id });
  assert.equal(get.status, "200 OK");
  assert.equal(get.body, JSON.stringify({ GET: { verbId: id, data: document } }));
  const list = await send(page, "list_verb", { "query-limit": "1" });
  assert.equal(list.status, "200 OK");

  const guarded = () => send(page, "get_guarded", { "path-id": "absent" });
  assert.equal((await guarded()).status, "401 Unauthorized");
  await page.locator("#credential-partners").fill("the-key-of-the-tests");
  assert.equal((await guarded()).status, "404 Not Found");

  await page.getByRole("searchbox").fill("/plain/{id}");
  assert.equal(await page.locator("#put_verb").isVisible(), false);
  assert.equal(await page.locator("#put_plain").isVisible(), true);
  assert.deepEqual(wrong, []);
  await page.close();
}

const profile = mkdtempSync(join(tmpdir(), "modulo-page-"));
const door = await frontDoor();
const context = await chromium.launchPersistentContext(profile, {
  executablePath: browser,
  headless: true,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  await tryPage(context, `${url}/_docs`);
  await tryPage(context, `${url}/_docs/`);
  await tryPage(context, `http://127.0.0.1:${door.address().port}/dev/_docs`);
  console.log("the page: 3 passed, 0 failed");
} finally {
  await context.close();
  door.close();
  door.closeAllConnections();
  rmSync(profile, { recursive: true, force: true });
}
