// What people do with the console, in a browser, and what must hold as they do it:
// node steps.mjs BROWSER TOOLS SERVED MANY THROUGH
// SERVED is a `modulo serve` of modules.toml, MANY one of 1,000 modules below /v1, THROUGH a
// `modulo console` of SERVED. SERVED and THROUGH may be one `modulo console` of an API elsewhere.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [executable, tools, SERVED, MANY, THROUGH] = process.argv.slice(2);
const require = createRequire(join(tools, "/"));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const PICTURES = process.env.MODULO_PICTURES && new URL("../../docs/images/", import.meta.url).pathname;
const ONLY = process.env.MODULO_STEP;
const DELAY = Number(process.env.MODULO_DELAY ?? 0);

const folder = mkdtempSync(join(tmpdir(), "modulo-console-"));
const browser = await chromium.launch({
  executablePath: executable,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});

/** Asks the API itself, beside the page. */
async function api(method, path, document, headers = {}) {
  const answer = await fetch(`${SERVED}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: typeof document === "string" ? document : document && JSON.stringify(document),
  });
  return { status: answer.status, text: await answer.text() };
}
const put = async (path, document, headers) => {
  const { status, text } = await api("PUT", path, document, headers);
  assert.ok(status < 300, `${path}: ${text}`);
};
/** The text of a document in the verb envelope; undefined where there is none. */
async function stored(path, headers) {
  const { status, text } = await api("GET", `${path}?consistent=true`, undefined, headers);
  return status === 404 ? undefined : JSON.parse(text).GET.data;
}

function token(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iss: "https://issuer.example.com/", aud: "console", exp, ...claims })}`;
  const signature = createHmac("sha256", "the-secret-of-the-tests-of-the-console")
    .update(signed)
    .digest("base64url");
  return `${signed}.${signature}`;
}

/** Refusals that a step asks for are no mistakes of the page, but the browser notes them. */
const isRefusal = (text) => /the server responded with a status of (4\d\d|503)/.test(text);
const contexts = [];

/** A browser of its own with the console open. */
async function open({ at = SERVED, hash = "", ...options } = {}) {
  const context = await browser.newContext({
    locale: "en-US",
    viewport: { width: 1200, height: 850 },
    acceptDownloads: true,
    ...options,
  });
  contexts.push(context);
  const page = await context.newPage();
  page.wrong = [];
  page.sent = [];
  page.setDefaultTimeout(60_000);
  page.on("pageerror", (error) => page.wrong.push(error.stack));
  page.on("console", (message) => isRefusal(message.text()) || page.wrong.push(message.text()));
  page.on("request", (request) => {
    page.sent.push(request);
    const isOurs = request.url().startsWith(new URL("/", at).href) || /^(blob|data):/.test(request.url());
    if (!isOurs) page.wrong.push(`asks for ${request.url()}`);
  });
  if (DELAY) {
    await page.route("**", async (route) => {
      await new Promise((done) => setTimeout(done, Math.random() * DELAY));
      // Who has left the page no longer asks.
      await route.continue().catch(() => {});
    });
  }
  await page.goto(`${at}/_console${hash}`);
  await page.locator("nav").waitFor();
  return page;
}

const button = (page, name) => page.getByRole("button", { name, exact: true });
const link = (page, name) => page.getByRole("link", { name, exact: true });
const says = (page, text) => page.locator(".notices").getByText(text).last().waitFor();
const rowsOf = (page) => page.locator("main tbody tr");
const idsOf = (page) => page.locator("main tbody th a").allTextContents();
const field = (page, path) => page.locator(`[id="field${path}"]`);

async function saved(page, id) {
  // Of an earlier save.
  const before = page.locator(".notice", { hasText: `${id} is saved.` });
  while ((await before.count()) > 0) await before.first().getByRole("button", { name: "Close" }).click();
  await button(page, "Save").click();
  await says(page, `${id} is saved.`);
  await page.locator("form[aria-busy]").waitFor({ state: "detached" });
}

/** What axe finds that keeps people out. */
async function axe(page, what) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const found = violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html.slice(0, 150)).join(" | ")}`,
  );
  assert.deepEqual(found, [], what);
}

async function picture(page, name) {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

async function choose(page, name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  await page.getByLabel(/^(File|Arquivo)$/).setInputFiles(path);
}

async function download(page, act) {
  const [file] = await Promise.all([page.waitForEvent("download"), act()]);
  return { name: file.suggestedFilename(), text: readFileSync(await file.path(), "utf8") };
}

async function rooms(count, prefix, buildings = prefix) {
  await Promise.all(
    Array.from({ length: count }, (_, at) => {
      const id = `${prefix}${String(at).padStart(3, "0")}`;
      const building = `${buildings}-${"AB"[at % 2]}`;
      return put(`/rooms/${id}`, { building, chairs: 10 + at, floor: at % 7, kind: "classroom" });
    }),
  );
}

/** Holds up requests until what it gives is called. */
async function held(page, url) {
  let release;
  const mayGo = new Promise((resolve) => {
    release = resolve;
  });
  await page.route(url, (route) => mayGo.then(() => route.continue()));
  return release;
}

const steps = {
  async "a module's items are shown by page"() {
    await rooms(30, "sala", "Prédio");
    const page = await open();
    await link(page, "rooms").click();
    await page.getByText("Page 1, 25 items").waitFor();
    assert.equal(await rowsOf(page).count(), 25);
    const first = await idsOf(page);
    await picture(page, "console-list");
    await button(page, "Next page").click();
    await page.getByText("Page 2,").waitFor();
    assert.ok((await idsOf(page)).every((id) => !first.includes(id)));
    // Who comes back from an item is where they were.
    await rowsOf(page).first().getByRole("link").click();
    await button(page, "Save").waitFor();
    await page.goBack();
    await page.getByText("Page 2,").waitFor();
    await button(page, "Previous page").click();
    await page.getByText("Page 1, 25 items").waitFor();
    assert.deepEqual(await idsOf(page), first);
    // Columns are chosen from what the documents have.
    const heads = () => page.locator("main thead th").allTextContents();
    assert.deepEqual((await heads()).slice(1), ["roomId", "building", "chairs", "floor", "kind"]);
    await page.getByText("Columns").click();
    await page.getByRole("checkbox", { name: "floor" }).uncheck();
    assert.deepEqual((await heads()).slice(1), ["roomId", "building", "chairs", "kind"]);
    await axe(page, "the list");
    return page;
  },

  async "an item is found by its key"() {
    await put("/notes/a%2Fb%20é%3F", { text: "found" });
    const page = await open({ hash: "#/notes" });
    await page.getByLabel("noteId").fill("a/b é?");
    await button(page, "Open").click();
    await page.getByRole("heading", { name: "a/b é?" }).waitFor();
    assert.equal(await field(page, "/text").inputValue(), "found");
    await page.goto(`${SERVED}/_console#/notes/item/absent`);
    await page.getByText("There is no such item.").waitFor();
    return page;
  },

  async "an index lists with its sort conditions and order"() {
    await rooms(14, "ix");
    const page = await open({ hash: "#/rooms" });
    // The answer to this question may come late.
    await page.getByText("Page 1,").waitFor();
    const show = async (operator, from, to, order = "ascending") => {
      await page.getByLabel("List", { exact: true }).selectOption("building (by-building)");
      await page.locator("form.query").getByLabel("building", { exact: true }).fill("ix-A");
      await page.getByLabel("Condition on floor").selectOption(operator);
      await page.getByLabel("Value of floor", { exact: true }).fill(from);
      if (to) await page.getByLabel("Greatest value of floor").fill(to);
      await page.getByLabel("Order").selectOption(order);
      const [answer] = await Promise.all([
        page.waitForResponse((answer) => answer.url().includes("/rooms?")),
        button(page, "Show").click(),
      ]);
      return new URL(answer.url()).searchParams;
    };
    assert.equal(`${await show("is", "")}`, "limit=25&building=ix-A");
    await page.getByText("Page 1, 7 items").waitFor();
    assert.equal(`${await show("is", "4")}`, "limit=25&building=ix-A&floor=4");
    await page.getByText("Page 1, 1 item").waitFor();
    assert.deepEqual(await idsOf(page), ["ix004"]);
    assert.equal(
      `${await show("from … to …", "2", "4", "descending")}`,
      "limit=25&building=ix-A&floor.ge=2&floor.le=4&order=desc",
    );
    await page.getByText("Page 1, 3 items").waitFor();
    assert.equal(await page.title(), "rooms · The school · Console");
    // Its place is in the address, so that it can be kept and sent on.
    await page.reload();
    await page.getByText("Page 1, 3 items").waitFor();
    assert.deepEqual(await idsOf(page), ["ix004", "ix010", "ix002"]);
    await axe(page, "a query");
    return page;
  },

  async "a partition lists in the order of its sort key"() {
    for (const day of [3, 20, 1]) await put(`/bookings/sala90/${day}`, { who: `d${day}` });
    await put("/bookings/sala91/5", { who: "other" });
    const page = await open({ hash: "#/bookings" });
    await page.getByLabel("List", { exact: true }).selectOption("roomId");
    await page.locator("form.query").getByLabel("roomId").last().fill("sala90");
    await page.getByLabel("Condition on day").selectOption("at least");
    await page.getByLabel("Value of day", { exact: true }).fill("2");
    await button(page, "Show").click();
    await page.getByText("Page 1, 2 items").waitFor();
    assert.deepEqual(await idsOf(page), ["sala90 / 3", "sala90 / 20"]);
    await link(page, "sala90 / 20").click();
    await field(page, "/who").fill("mended");
    await saved(page, "sala90 / 20");
    assert.deepEqual(JSON.parse((await api("GET", "/bookings/sala90/20")).text), {
      roomId: "sala90",
      day: 20,
      who: "mended",
    });
    return page;
  },

  async "a form is made of the schema"() {
    await put("/rooms/form", { building: "A", chairs: 1 });
    const page = await open({ hash: "#/rooms/item/form" });
    await field(page, "/building").fill("B");
    await field(page, "/chairs").fill("12");
    await field(page, "/kind").selectOption("laboratory");
    await field(page, "/accessible").selectOption("yes");
    await field(page, "/opened").fill("2026-03-01");
    await page
      .locator("details.nested", { hasText: "doors" })
      .getByRole("button", { name: "Add", exact: true })
      .click();
    await button(page, "Add an entry").click();
    await page.locator("summary", { hasText: /^1/ }).click();
    await field(page, "/doors/0/to").fill("hall");
    await field(page, "/doors/0/width").fill("0,9");
    await page
      .locator("details.nested", { hasText: "contact" })
      .getByRole("button", { name: "Add", exact: true })
      .click();
    await field(page, "/contact/name").fill("Ana");
    await axe(page, "the form");
    await saved(page, "form");
    assert.deepEqual(JSON.parse(await stored("/rooms/form")), {
      accessible: true,
      building: "B",
      chairs: 12,
      contact: { name: "Ana" },
      doors: [{ to: "hall", width: 0.9 }],
      kind: "laboratory",
      opened: "2026-03-01",
    });
    // What is emptied is taken out, unless it is required.
    await field(page, "/opened").fill("");
    await button(page, "Remove doors").click();
    await saved(page, "form");
    assert.deepEqual(Object.keys(JSON.parse(await stored("/rooms/form"))), [
      "accessible",
      "building",
      "chairs",
      "contact",
      "kind",
    ]);
    await field(page, "/chairs").fill("");
    await field(page, "/chairs").pressSequentially("many");
    assert.equal(await field(page, "/chairs").inputValue(), "many");
    await page.getByText("This is not a number.").first().waitFor();
    assert.ok(await button(page, "Save").isDisabled());
    await button(page, "Revert").click();
    assert.equal(await field(page, "/chairs").inputValue(), "12");
    return page;
  },

  async "a document without a schema has a form, too"() {
    await put(
      "/notes/free",
      '{"text":"a","big":12345678901234567890.10,"list":[1,2],"2":{"1":null},"flag":true}',
    );
    const page = await open({ hash: "#/notes/item/free" });
    await field(page, "/text").fill("b");
    await page.getByLabel("New member").last().fill("more");
    await page.getByLabel("Type").last().selectOption("number");
    await page.getByRole("button", { name: "Add", exact: true }).last().click();
    await field(page, "/more").fill("98765432109876543210");
    await saved(page, "free");
    // What was not touched keeps its text: digits, order and all.
    assert.equal(
      await stored("/notes/free"),
      '{"text":"b","big":12345678901234567890.10,"list":[1,2],"2":{"1":null},"flag":true,"more":98765432109876543210}',
    );
    return page;
  },

  async "JSON text shows the place of a mistake"() {
    await put("/notes/text", '{"a":1,"b":"x"}');
    const page = await open({ hash: "#/notes/item/text" });
    await button(page, "JSON").click();
    const area = page.getByRole("textbox", { name: "JSON" });
    assert.equal(await area.inputValue(), '{\n  "a": 1,\n  "b": "x"\n}');
    await area.fill('{\n  "a": 1,\n  b: 2\n}');
    await button(page, "Line 3, column 3").click();
    assert.equal(await area.evaluate((element) => element.selectionStart), '{\n  "a": 1,\n  '.length);
    assert.ok(await button(page, "Save").isDisabled());
    await picture(page, "console-json");
    await area.fill('{"b":1.10,"a":1e400}');
    await saved(page, "text");
    assert.equal(await stored("/notes/text"), '{"b":1.10,"a":1e400}');
    await axe(page, "the text");
    return page;
  },

  async "an item is created, duplicated, deleted, and brought back"() {
    const page = await open({ hash: "#/rooms" });
    await link(page, "New item").click();
    await page.getByLabel("roomId").fill("new1");
    await field(page, "/building").fill("N");
    await field(page, "/chairs").fill("5");
    await button(page, "Create").click();
    await says(page, "new1 is created.");
    await page.getByRole("heading", { name: "new1" }).waitFor();
    const sent = page.sent.findLast((request) => request.method() === "PUT");
    assert.equal(sent.headers()["if-none-match"], "*");

    await link(page, "Duplicate").click();
    await page.getByRole("heading", { name: "New item" }).waitFor();
    await page.getByLabel("roomId").fill("new1");
    await button(page, "Create").click();
    await says(page, /There is an item new1 already/);
    await field(page, "/chairs").fill("6");
    await page.getByLabel("roomId").fill("");
    await button(page, "Create").click();
    await page.getByRole("heading", { name: /^[0-9a-f-]{36}$/ }).waitFor();
    assert.equal(await field(page, "/chairs").inputValue(), "6");

    await page.goto(`${SERVED}/_console#/rooms/item/new1`);
    await page.getByRole("heading", { name: "new1" }).waitFor();
    await button(page, "Delete").click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await says(page, "new1 is deleted.");
    assert.ok(page.sent.findLast((request) => request.method() === "DELETE").headers()["if-match"]);
    assert.equal(await stored("/rooms/new1"), undefined);
    await button(page, "Undo").click();
    await says(page, "1 item is back.");
    assert.deepEqual(JSON.parse(await stored("/rooms/new1")), { building: "N", chairs: 5 });
    return page;
  },

  async "a patch is seen before it is sent"() {
    await put("/rooms/sala91", { building: "Prédio A", chairs: 90, contact: { name: "Ana", phone: "1234" } });
    const page = await open({ hash: "#/rooms/item/sala91" });
    await field(page, "/chairs").fill("40");
    await field(page, "/contact/phone").fill("");
    const rows = await page.locator(".changes tbody tr").allInnerTexts();
    assert.deepEqual(
      rows.map((row) => row.split("\t")),
      [
        ["chairs", "90", "40"],
        ["contact › phone", "1234", "removed"],
      ],
    );
    await picture(page, "console-item");
    await saved(page, "sala91");
    const sent = page.sent.findLast((request) => request.method() === "PATCH");
    assert.ok(sent.headers()["if-match"]);
    assert.deepEqual(JSON.parse(sent.postData()), [
      { op: "replace", path: "/chairs", value: 40 },
      { op: "remove", path: "/contact/phone" },
    ]);
    return page;
  },

  async "several are selected, deleted and exported"() {
    for (const id of ["sel1", "sel2", "sel3"]) await put(`/notes/${id}`, { n: id });
    const page = await open({ hash: "#/notes" });
    for (const id of ["sel1", "sel2", "sel3"])
      await page.getByRole("checkbox", { name: `Select ${id}` }).check();
    const lines = await download(page, () => button(page, "JSON Lines").click());
    assert.equal(lines.name, "notes.jsonl");
    assert.deepEqual(
      lines.text
        .trim()
        .split("\n")
        .map(JSON.parse)
        .sort((one, other) => (one.id < other.id ? -1 : 1)),
      ["sel1", "sel2", "sel3"].map((id) => ({ id, item: { n: id } })),
    );
    // One is changed by somebody else: it is kept.
    await put("/notes/sel2", { n: "changed" });
    await button(page, "Delete").click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await says(page, "2 items are deleted.");
    await says(page, "sel2: Somebody has changed it since.");
    assert.equal(await stored("/notes/sel1"), undefined);
    assert.equal(await stored("/notes/sel2"), '{"n":"changed"}');
    await button(page, "Undo").click();
    await says(page, "2 items are back.");
    assert.equal(await stored("/notes/sel1"), '{"n":"sel1"}');
    return page;
  },

  async "two edit one item, and both edits are kept by choice"() {
    await put("/rooms/sala92", { building: "A", chairs: 10, floor: 1, kind: "gym" });
    const [one, other] = [
      await open({ hash: "#/rooms/item/sala92" }),
      await open({ hash: "#/rooms/item/sala92" }),
    ];
    await field(one, "/chairs").fill("11");
    await field(one, "/floor").fill("2");
    await field(other, "/kind").selectOption("laboratory");
    await field(other, "/floor").fill("3");
    await saved(one, "sala92");
    await button(other, "Save").click();
    await other.getByRole("heading", { name: "Somebody else has changed this item" }).waitFor();
    await picture(other, "console-conflict");
    await axe(other, "a conflict");
    const save = button(other, "Save what is chosen");
    // What only one has changed is chosen; the floor, which both have, is not.
    assert.ok(await save.isDisabled());
    const group = other.getByRole("group", { name: "floor" });
    assert.deepEqual(await group.locator("pre").allTextContents(), ["3", "2"]);
    await group.getByRole("radio", { name: "Mine" }).check();
    await save.click();
    await says(other, "sala92 is saved.");
    assert.deepEqual(JSON.parse(await stored("/rooms/sala92")), {
      building: "A",
      chairs: 11,
      floor: 3,
      kind: "laboratory",
    });
    assert.deepEqual(one.wrong, []);
    return other;
  },

  async "a deletion does not undo somebody else's edit"() {
    await put("/notes/kept", { n: 1 });
    // Where nobody tells of the edit.
    const page = await open({ at: THROUGH, hash: "#/notes/item/kept" });
    await field(page, "/n").waitFor();
    await put("/notes/kept", { n: 2 });
    await button(page, "Delete").click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await says(page, "Somebody has changed it since.");
    assert.equal(await field(page, "/n").inputValue(), "2");
    assert.equal(await stored("/notes/kept"), '{"n":2}');
    // Nor this page's own, that is not saved yet.
    await field(page, "/n").fill("3");
    await put("/notes/kept", { n: 4 });
    await button(page, "Delete").click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    const group = page.getByRole("group", { name: "n" });
    await group.locator("pre").nth(1).waitFor();
    assert.deepEqual(await group.locator("pre").allTextContents(), ["3", "4"]);
    return page;
  },

  async "an edit of what somebody has deleted is kept by choice"() {
    await put("/notes/gone", { n: 1 });
    const page = await open({ hash: "#/notes/item/gone" });
    await field(page, "/n").fill("2");
    await api("DELETE", "/notes/gone");
    await button(page, "Save").click();
    await button(page, "Choose all of mine").click();
    await button(page, "Save what is chosen").click();
    await says(page, "gone is saved.");
    assert.equal(await stored("/notes/gone"), '{"n":2}');
    return page;
  },

  async "what the API refuses stands at its field"() {
    await put("/rooms/refused", { building: "A", chairs: 1 });
    const page = await open({ hash: "#/rooms/item/refused" });
    await field(page, "/chairs").fill("901");
    await button(page, "Save").click();
    await says(page, "The API refuses the document in 1 place.");
    const input = field(page, "/chairs");
    assert.equal(await input.getAttribute("aria-invalid"), "true");
    const described = (await input.getAttribute("aria-describedby")).split(" ");
    const texts = await Promise.all(described.map((id) => page.locator(`[id="${id}"]`).textContent()));
    assert.match(texts.join(), /901/);
    await axe(page, "a refusal");
    await page.getByRole("alert").getByRole("link", { name: "chairs" }).click();
    assert.equal(await page.evaluate(() => document.activeElement.id), "field/chairs");
    await button(page, "JSON").click();
    await button(page, "Save").click();
    await button(page, "Line 3").click();
    const area = page.getByRole("textbox", { name: "JSON" });
    assert.equal(await area.evaluate((one) => one.value.slice(one.selectionStart, one.selectionEnd)), "901");
    return page;
  },

  async "a call that comes too early waits"() {
    const page = await open({ hash: "#/slow" });
    await page.getByText(/There are no items here|Page 1/).waitFor();
    const statuses = [];
    page.on("response", (answer) => statuses.push(answer.status()));
    for (let status = 200; status !== 429;) {
      const [answer] = await Promise.all([
        page.waitForResponse((answer) => answer.url().includes("/slow?")),
        button(page, "Reload").click(),
      ]);
      status = answer.status();
    }
    await says(page, /The API asks to wait \d+ s/);
    // It is sent again by itself.
    await page.locator(".notice").waitFor({ state: "detached" });
    await page.getByText("There are no items here.").waitFor();
    assert.equal(statuses.at(-1), 200);
    return page;
  },

  async "a 503 waits as Retry-After says, and nothing is done twice"() {
    await put("/notes/later", { n: 1 });
    const door = await frontDoor({ failing: (request) => request.method === "PATCH" });
    const page = await open({ at: `${door.url}/dev`, hash: "#/notes/item/later" });
    await field(page, "/n").fill("2");
    await button(page, "Save").click();
    await says(page, /The API asks to wait 1 s/);
    await says(page, "later is saved.");
    assert.equal(door.count("PATCH"), 2);
    assert.equal(await stored("/notes/later"), '{"n":2}');
    // An answer that was lost is no edit of somebody else.
    door.lose("PATCH");
    await field(page, "/n").fill("3");
    await saved(page, "later");
    assert.equal(await stored("/notes/later"), '{"n":3}');
    await page.close();
    door.close();
    return page;
  },

  async "a page with unsaved changes asks before it is left"() {
    await put("/notes/unsaved", { n: 1 });
    const page = await open({ hash: "#/notes/item/unsaved" });
    // A browser asks only where a person has done something.
    await field(page, "/n").press("2");
    await page.getByText("1 change").waitFor();
    const asked = [];
    page.on("dialog", (dialog) => (asked.push(dialog.type()), dialog.dismiss()));
    await page.close({ runBeforeUnload: true });
    await page.waitForTimeout(300);
    assert.deepEqual(asked, ["beforeunload"]);
    await link(page, "rooms").click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.equal(await field(page, "/n").inputValue(), "21");
    await link(page, "rooms").click();
    await page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
    await page.getByRole("heading", { name: "rooms" }).waitFor();
    return page;
  },

  async "each action's cost is shown, and the session's"() {
    await put("/notes/cost", { n: 1 });
    const page = await open({ hash: "#/notes/item/cost" });
    await field(page, "/n").waitFor();
    const cost = page.locator("footer");
    await cost.getByText(/Last action: 1 call, [\d.,]+ ms, capacity units: 1 read, 0 write/).waitFor();
    await field(page, "/n").fill("2");
    await saved(page, "cost");
    await cost.getByText(/Last action: 2 calls, [\d.,]+ ms, capacity units: 2 read, 1 write/).waitFor();
    await cost.getByText(/This session: 3 calls, [\d.,]+ ms, capacity units: 3 read, 1 write/).waitFor();
    return page;
  },

  async "a token is in memory only, and shows what its scopes allow"() {
    await put(
      "/teachers/ana",
      { name: "Ana" },
      { authorization: `Bearer ${token({ sub: "t", scope: "teachers:write" })}` },
    );
    const page = await open({ hash: "#/teachers" });
    await link(page, "ana").click();
    await page.getByRole("alert").waitFor();
    const shown = token({ sub: "maria", scope: "teachers:write" });
    await page.getByLabel("Token for staff").fill(shown);
    await button(page, "Use").first().click();
    await page.getByText(/In use: maria · valid until/).waitFor();
    await field(page, "/name").fill("Ana Maria");
    await saved(page, "ana");
    const remove = button(page, "Delete");
    assert.ok(await remove.isDisabled());
    await page.getByText("Your token does not have the scope teachers:admin.").waitFor();
    await picture(page, "console-scopes");
    // An edit stays while a token is taken away and another filled in.
    await field(page, "/name").fill("Ana Clara");
    await button(page, "Remove").click();
    await page.getByText("Fill in the token or key for staff first.").first().waitFor();
    await page.getByLabel("Token for staff").fill(shown);
    await button(page, "Use").first().click();
    await saved(page, "ana");
    const kept = await page.evaluate(() => [
      localStorage.length,
      sessionStorage.length,
      document.cookie,
      location.href,
    ]);
    assert.deepEqual(kept, [0, 0, "", `${SERVED}/_console#/teachers/item/ana`]);
    await page.reload();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByText("In use:").count(), 0);
    return page;
  },

  async "the tenant is shown, and only its items"() {
    const acme = token({ sub: "a", school: { id: "acme" } });
    const other = token({ sub: "b", school: { id: "other" } });
    await put("/invoices/1", { of: "acme" }, { authorization: `Bearer ${acme}` });
    await put("/invoices/2", { of: "other" }, { authorization: `Bearer ${other}` });
    const page = await open({ hash: "#/invoices" });
    await page.getByText("Fill in the token or key for staff first.").waitFor();
    await page.getByLabel("Token for staff").fill(acme);
    await button(page, "Use").first().click();
    await page.locator(".tenant", { hasText: "acme" }).waitFor();
    await page.getByText("Page 1, 1 item").waitFor();
    assert.deepEqual(await idsOf(page), ["1"]);
    await page.getByLabel("Token for staff").fill(other);
    await button(page, "Use").first().click();
    await page.locator(".tenant", { hasText: "other" }).waitFor();
    await link(page, "2").waitFor();
    assert.deepEqual(await idsOf(page), ["2"]);
    return page;
  },

  async "what a key may not do is learnt from the first refusal"() {
    await put("/orders/o1", { n: 1 }, { "x-api-key": "the-key-of-the-tests" });
    const page = await open({ hash: "#/orders/item/o1" });
    await page.getByLabel("Key for partners").fill("the-key-of-the-tests");
    await button(page, "Use").last().click();
    await button(page, "Delete").click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("The API has refused this:").first().waitFor();
    assert.ok(await button(page, "Delete").isDisabled());
    return page;
  },

  async "a refusal that comes late does not hide what came before it"() {
    await put("/orders/o2", { n: 2 }, { "x-api-key": "the-key-of-the-tests" });
    const page = await open({ hash: "#/orders" });
    const isAnonymous = (request) => request.headers()["x-api-key"] === undefined;
    const [late] = await Promise.all([
      new Promise((resolve) =>
        page.route("**/orders/o2?*", (route) => (isAnonymous(route.request()) ? resolve(route) : route.continue())),
      ),
      page.goto(`${SERVED}/_console#/orders/item/o2`),
    ]);
    await page.getByLabel("Key for partners").fill("the-key-of-the-tests");
    await button(page, "Use").last().click();
    await field(page, "/n").waitFor();
    await Promise.all([page.waitForResponse((answer) => answer.status() === 401), late.continue()]);
    await page.waitForTimeout(300);
    assert.equal(await field(page, "/n").inputValue(), "2");
    return page;
  },

  async "a table is imported after a preview, and comes out as it went in"() {
    await put("/rooms/csv002", { building: "old", chairs: 1 });
    const lines = Array.from(
      { length: 200 },
      (_, at) => `csv${String(at).padStart(3, "0")};Prédio ${at % 3};${at};${at % 5}`,
    );
    lines[7] = "csv007;Prédio 1;901;1";
    lines[8] = ";Prédio 1;9;1";
    lines[9] = "csv003;Prédio 1;9;1";
    const page = await open({ hash: "#/rooms/import" });
    // As Excel writes it on a Portuguese Windows.
    const text = `roomId;building;chairs;floor\r\n${lines.join("\r\n")}\r\n`;
    const path = join(folder, "rooms.csv");
    writeFileSync(path, Buffer.from(text, "latin1"));
    await page.getByLabel(/^(File|Arquivo)$/).setInputFiles(path);
    await page
      .getByText(
        "rooms.csv: 197 rows can be imported, 3 would be refused. Items that exist with another document: 1.",
      )
      .waitFor();
    const wrong = await page.locator("td.wrong").allTextContents();
    assert.equal(wrong.length, 3);
    assert.match(wrong[0], /901/);
    assert.deepEqual(wrong.slice(1), ["roomId is missing.", "Line 5 has the same id."]);
    assert.equal(await stored("/rooms/csv001"), undefined);
    await picture(page, "console-import");
    await axe(page, "a preview");
    await button(page, "Import 197 items").click();
    await page.getByText("196 created, 0 replaced, 1 left as they are, 0 were there already.").waitFor();
    assert.deepEqual(JSON.parse(await stored("/rooms/csv001")), {
      building: "Prédio 1",
      chairs: 1,
      floor: 1,
    });
    assert.equal(JSON.parse(await stored("/rooms/csv002")).building, "old");
    return page;
  },

  async "JSON Lines and tables go out and come in again"() {
    const documents = {
      x1: '{"t":"=1+1","n":12345678901234567890,"o":{"a":[1,null]},"e":"","b":"true","s":" x"}',
      x2: '["not","an","object"]',
      x4: '{"":"1","a.b":2,"__proto__":{"c":"=x"},"\\"q\\"":"[1]"}',
      'x,3"': '{"t":"line\\nbreak; \\"quoted\\""}',
    };
    for (const [id, text] of Object.entries(documents)) await put(`/notes/${encodeURIComponent(id)}`, text);
    const page = await open({ hash: "#/notes/export" });
    const table = await download(page, () => button(page, "Table (CSV)").click());
    const lines = await download(page, () => button(page, "JSON Lines").click());
    assert.ok(table.text.startsWith("\ufeffnoteId,"));
    for (const [name, text] of [
      ["again.csv", table.text],
      ["again.jsonl", lines.text],
    ]) {
      for (const id of Object.keys(documents)) await api("DELETE", `/notes/${encodeURIComponent(id)}`);
      await page.goto(`${SERVED}/_console#/notes/import`);
      await page.getByRole("heading", { name: "Import into notes" }).waitFor();
      await choose(page, name, text);
      await page.getByText(/0 would be refused\. Items that exist with another document: 0\./).waitFor();
      await page.getByRole("button", { name: /^Import \d+ items$/ }).click();
      await page.getByText(/^4 created, 0 replaced, 0 left as they are, \d+ were there already\./).waitFor();
      for (const [id, text] of Object.entries(documents)) {
        const again = await stored(`/notes/${encodeURIComponent(id)}`);
        // The columns of a table have one order for all.
        const sorted = (text) => (text.startsWith("{") ? text.slice(1, -1).split(",").sort().join() : text);
        if (name.endsWith(".csv")) assert.equal(sorted(again), sorted(text), id);
        else assert.equal(again, text, id);
      }
      await page.goto(`${SERVED}/_console#/notes`);
    }
    return page;
  },

  async "a table in Portuguese has a decimal comma"() {
    const text = '{"n":1.5,"t":"1,5","u":"a;b"}';
    await put("/notes/vírgula", text);
    const page = await open({ locale: "pt-BR", hash: "#/notes/export" });
    const table = await download(page, () => button(page, "Tabela (CSV)").click());
    const [head, ...lines] = table.text.replace("\ufeff", "").trim().split("\r\n");
    const own = lines.find((line) => line.startsWith("vírgula;"));
    await page.goto(`${SERVED}/_console#/notes/import`);
    await page.getByRole("heading", { name: "Importar para notes" }).waitFor();
    await api("DELETE", "/notes/vírgula");
    await choose(page, "v.csv", `${head}\n${own}\n`);
    await button(page, "Importar 1 item").click();
    await page.getByText("1 criados, 0 substituídos").waitFor();
    assert.deepEqual(JSON.parse(await stored("/notes/vírgula")), JSON.parse(text));
    // A workbook is no table.
    const path = join(folder, "rooms.xlsx.csv");
    writeFileSync(path, Buffer.from("PK\u0003\u0004"));
    await page.getByLabel("Arquivo").setInputFiles(path);
    await page.getByText("Isto é uma pasta de trabalho.").waitFor();
    return page;
  },

  async "an import replaces only what a person wants replaced"() {
    await put("/notes/re1", { n: 1 });
    const page = await open({ hash: "#/notes/import" });
    await choose(
      page,
      "re.jsonl",
      '{"id":"re1","item":{"n":2}}\n{"id":"re2","item":\n{"noteId":"re3","n":3}\n',
    );
    await page
      .getByText(
        "re.jsonl: 2 rows can be imported, 1 would be refused. Items that exist with another document: 1.",
      )
      .waitFor();
    await page.getByText(/Column \d+: A value is expected here\./).waitFor();
    await page.getByLabel("Replace the item that exists").check();
    await button(page, "Import 2 items").click();
    await page.getByText("1 created, 1 replaced, 0 left as they are").waitFor();
    assert.equal(await stored("/notes/re1"), '{"n":2}');
    assert.equal(await stored("/notes/re3"), '{"n":3}');
    return page;
  },

  async "an item's versions are shown, and one is brought back"() {
    const kept = async (count) => {
      for (;;) {
        const { text } = await api("GET", "/_history/menus/monday");
        if (JSON.parse(text).GET.versions.length === count) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const versions = (page) => page.locator(".versions > li");
    const brings = (page, at) => versions(page).nth(at).getByRole("button", { name: /^Bring back/ }).click();
    await put("/menus/monday", '{"dish":"soup","price":1.10}');
    await put("/menus/monday", '{"dish":"rice","price":1.10}');
    await kept(2);
    const page = await open({ hash: "#/menus/item/monday" });
    await link(page, "History").click();
    await versions(page).nth(1).waitFor();
    assert.match(await versions(page).nth(0).textContent(), /updated.*This is what is there now\./s);
    assert.match(await versions(page).nth(1).textContent(), /created.*Differs from now in 1 place/s);
    await versions(page).nth(1).getByText("Differs from now").click();
    assert.deepEqual(await versions(page).nth(1).locator("tbody tr > *").allTextContents(), ["dish", "rice", "soup"]);
    await axe(page, "the history");
    await brings(page, 1);
    await says(page, "monday is as it was.");
    await versions(page).nth(2).waitFor();
    assert.equal(await stored("/menus/monday"), '{"dish":"soup","price":1.10}');

    // Somebody writes meanwhile: nothing of that is lost.
    await put("/menus/monday", '{"dish":"beans"}');
    await kept(4);
    await brings(page, 1);
    await says(page, "Somebody has changed it since. Look at it again.");
    await versions(page).nth(3).waitFor();
    assert.equal(await stored("/menus/monday"), '{"dish":"beans"}');

    // What is deleted comes back, too.
    await api("DELETE", "/menus/monday");
    await kept(5);
    await page.goto(`${SERVED}/_console#/menus/item/monday`);
    await page.reload();
    await page.getByText("There is no such item.").waitFor();
    await link(page, "History").click();
    await page.getByText("The item is not there now.").waitFor();
    assert.match(await versions(page).nth(0).textContent(), /deleted/);
    await brings(page, 1);
    await says(page, "monday is as it was.");
    await versions(page).nth(5).waitFor();
    assert.equal(await stored("/menus/monday"), '{"dish":"beans"}');
    await link(page, "Document").click();
    await field(page, "/dish").waitFor();
    // Of a module without a history there is nothing of it.
    await put("/notes/plain", { a: 1 });
    await page.goto(`${SERVED}/_console#/notes/item/plain`);
    await field(page, "/a").waitFor();
    assert.equal(await link(page, "History").count(), 0);
    return page;
  },
  async "it speaks Portuguese to who reads it, and can be switched"() {
    await put("/rooms/sala90", { building: "Prédio A", chairs: 90, contact: { name: "Ana", phone: "1234" } });
    const page = await open({ locale: "pt-BR", hash: "#/rooms/item/sala90" });
    await field(page, "/chairs").fill("40");
    await field(page, "/contact/phone").fill("");
    await picture(page, "console-item.pt-BR");
    await button(page, "Salvar").click();
    await says(page, "sala90 foi salvo.");
    assert.equal(await page.locator("html").getAttribute("lang"), "pt-BR");
    await axe(page, "in Portuguese");
    await page.getByLabel("Idioma").selectOption("English");
    await button(page, "Save").waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), "en");
    return page;
  },

  async "it fits a small screen, light and dark"() {
    await put("/rooms/small", { building: "A".repeat(300), chairs: 1, doors: [{ to: "x" }] });
    for (const colorScheme of ["light", "dark"]) {
      const page = await open({ viewport: { width: 360, height: 720 }, colorScheme, hash: "#/rooms" });
      await rowsOf(page).first().waitFor();
      for (const view of ["", "/item/small", "/new", "/import", "/export"]) {
        await page.goto(`${SERVED}/_console#/rooms${view}`);
        await page.locator("main h2").waitFor();
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.equal(width, 360, `${view} ${colorScheme}`);
        await axe(page, `${view}, 360 px, ${colorScheme}`);
        if (view === "/item/small" && colorScheme === "dark") await picture(page, "console-small");
      }
      assert.deepEqual(page.wrong, []);
      await page.close();
    }
  },

  async "it is used by keyboard alone"() {
    await put("/notes/keys", { n: 1 });
    const page = await open({ hash: "#/notes/item/keys" });
    await field(page, "/n").waitFor();
    await page.locator("body").focus();
    const tabTo = async (matches) => {
      for (let at = 0; at < 60; at += 1) {
        await page.keyboard.press("Tab");
        if (await page.evaluate(matches)) return;
      }
      assert.fail(`no way by Tab to ${matches}`);
    };
    await tabTo(() => document.activeElement.id === "field/n");
    await page.keyboard.press("Control+A");
    await page.keyboard.type("7");
    await page.keyboard.press("Enter");
    await says(page, "keys is saved.");
    await page.waitForFunction(() => document.activeElement.id === "field/n");
    assert.equal(await stored("/notes/keys"), '{"n":7}');
    await tabTo(() => document.activeElement.textContent.trim() === "Delete");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await page.getByRole("dialog").count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), "Delete");
    return page;
  },

  async "hostile ids, documents, titles and names are shown as text"() {
    const page = await open({ hash: "#/naughty" });
    for (const [at, text] of NAUGHTY.entries()) {
      await put(`/naughty/${encodeURIComponent(`${at} ${text}`)}`, {
        [text]: text,
        n: [text, { [text]: text }],
      });
    }
    await page.goto(`${SERVED}/_console#/naughty`);
    await button(page, "Reload").click();
    await page.getByText(`Page 1, ${NAUGHTY.length} items`).waitFor();
    await page.getByText("Columns").click();
    const elements = () =>
      page.evaluate(
        () =>
          document.querySelectorAll(
            "main script, main img, main iframe, main svg, main object, [onerror], [onload]",
          ).length,
      );
    assert.equal(await elements(), 0);
    for (const [at, text] of NAUGHTY.entries()) {
      const id = `${at} ${text}`;
      await page.goto(`${SERVED}/_console#/naughty/item/${encodeURIComponent(id)}`);
      await page.getByRole("heading", { level: 2 }).waitFor();
      await page.waitForFunction((id) => document.querySelector("main h2")?.textContent === id, id);
      const name = `field/${text.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      assert.equal(await page.evaluate((name) => document.getElementById(name).value, name), text);
      assert.equal(await elements(), 0, id);
      await button(page, "JSON").click();
      assert.deepEqual(JSON.parse(await page.getByRole("textbox", { name: "JSON" }).inputValue()), {
        [text]: text,
        n: [text, { [text]: text }],
      });
    }
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    return page;
  },

  async "a document of 350 KB is shown and edited"() {
    const list = Array.from({ length: 3000 }, (_, at) => ({ name: `entry ${at}`, text: "x".repeat(60), at }));
    const large = { list, long: "y".repeat(50_000), n: 1 };
    assert.ok(JSON.stringify(large).length > 330_000);
    await put("/notes/large", large);
    const page = await open({ hash: "#/notes/item/large" });
    await field(page, "/n").fill("2");
    await saved(page, "large");
    await button(page, "JSON").click();
    const area = page.getByRole("textbox", { name: "JSON" });
    await area.focus();
    await area.evaluate((one) => {
      const start = one.value.indexOf("entry 2999");
      one.setSelectionRange(start, start + "entry 2999".length);
    });
    await page.keyboard.type("the last");
    await saved(page, "large");
    const now = JSON.parse(await stored("/notes/large"));
    assert.deepEqual([now.n, now.list[2999].name, now.list.length], [2, "the last", 3000]);
    // Several of them on one page.
    for (let at = 0; at < 8; at += 1) await put(`/notes/large${at}`, { ...large, n: at });
    await page.goto(`${SERVED}/_console#/notes`);
    await page.getByText(/Page 1, \d+ items/).waitFor();
    for (const id of ["", 0, 1, 2, 3, 4, 5, 6, 7]) await api("DELETE", `/notes/large${id}`);
    return page;
  },

  async "it is usable with 1,000 modules, below a base path"() {
    // A debug build takes its time to describe them, once.
    await (await fetch(`${MANY}/v1/_console/openapi.json`)).arrayBuffer();
    const page = await open({ at: `${MANY}/v1` });
    await page.getByLabel("Find a module").fill("module0777");
    await link(page, "module0777").click();
    await page.getByText("There are no items here.").waitFor();
    await axe(page, "1,000 modules");
    await link(page, "New item").click();
    await page.getByLabel("id", { exact: true }).fill("x");
    await page.getByLabel("New member").fill("n");
    await button(page, "Add").click();
    await button(page, "Create").click();
    await says(page, "x is created.");
    return page;
  },

  async "what others write is shown while it is looked at"() {
    // Only a server of one's own tells of changes.
    if (SERVED === THROUGH) return;
    await put("/rooms/live1", { building: "Live", chairs: 1, floor: 1 });
    const page = await open({ hash: "#/rooms/list?index=by-building&value=Live" });
    await page.getByText("Page 1, 1 item").waitFor();
    await put("/rooms/live2", { building: "Live", chairs: 2, floor: 2 });
    await page.getByText("Page 1, 2 items").waitFor();
    // What is written after the item is read, and before its changes are listened to, is shown too.
    const chairs = (value) =>
      page.waitForFunction((value) => document.querySelector('[id="field/chairs"]')?.value === value, value);
    const listen = await held(page, "**/_changes/rooms");
    await link(page, "live2").click();
    await chairs("2");
    await put("/rooms/live2", { building: "Live", chairs: 9, floor: 2 });
    listen();
    await chairs("9");
    await put("/rooms/live2", { building: "Live", chairs: 3, floor: 2 });
    await chairs("3");
    await field(page, "/floor").fill("4");
    await put("/rooms/live2", { building: "Live", chairs: 5, floor: 2 });
    await page.getByText("Somebody else has just changed this item.").waitFor();
    assert.equal(await field(page, "/chairs").inputValue(), "3");
    await button(page, "Save").click();
    await page.getByRole("heading", { name: "Somebody else has changed this item" }).waitFor();
    return page;
  },

  async "what others write holds up nobody on the way to another page"() {
    if (SERVED === THROUGH) return;
    await rooms(54, "next", "Next");
    const page = await open({ hash: "#/rooms/list?index=by-building&value=Next-A" });
    await page.getByText("Page 1, 25 items").waitFor();
    const answer = await held(page, "**/rooms?*");
    const reads = () => page.waitForRequest("**/rooms?*");
    await Promise.all([reads(), button(page, "Next page").click()]);
    await Promise.all([reads(), put("/rooms/next0000", { building: "Next-A", chairs: 1, floor: 1 })]);
    answer();
    await page.getByText("Page 2,").waitFor();
    return page;
  },

  async "stamps are shown and can't be edited"() {
    await put("/visits/one", { guest: "Ana" });
    await put("/tours/one", { guest: "Ana" });
    const page = await open({ hash: "#/visits/item/one" });
    const stamps = page.locator(".stamps");
    assert.match(await stamps.textContent(), /^createdAt: 20\S+Z · updatedAt: 20\S+Z$/);
    const before = await stamps.textContent();
    await field(page, "/guest").fill("Rui");
    await saved(page, "one");
    assert.notEqual(await stamps.textContent(), before);
    await page.goto(`${SERVED}/_console#/tours/item/one`);
    await field(page, "/createdAt").waitFor();
    assert.ok(await field(page, "/createdAt").isDisabled());
    await field(page, "/guest").fill("Eva");
    await saved(page, "one");
    await page.goto(`${SERVED}/_console#/tours/new`);
    await page.getByRole("heading", { name: "New item" }).waitFor();
    assert.equal(await field(page, "/createdAt").count(), 0);
    return page;
  },

  async "/_docs leads to it, and does not list HEAD and OPTIONS"() {
    const page = await open();
    await page.goto(`${SERVED}/_docs`);
    await page.locator(".operation").first().waitFor();
    const methods = await page.locator(".operation .method").allTextContents();
    assert.deepEqual([...new Set(methods)].sort(), ["DELETE", "GET", "PATCH", "POST", "PUT"]);
    const toConsole = page.getByRole("link", { name: /^Console/ });
    if (SERVED === THROUGH) {
      // The API elsewhere knows of no console.
      assert.equal(await toConsole.count(), 0);
    } else {
      await toConsole.click();
      await page.getByRole("heading", { name: "The school" }).waitFor();
      assert.equal(page.url(), `${SERVED}/_console`);
    }
    // Of /_docs, whose fields for passwords are in no form.
    page.wrong = page.wrong.filter((line) => !line.includes("Password field"));
    return page;
  },

  async "through modulo console it does the same for an API elsewhere"() {
    await put("/rooms/through", { building: "A", chairs: 1 });
    await put(
      "/teachers/through",
      { name: "Rui" },
      { authorization: `Bearer ${token({ sub: "t", scope: "teachers:write" })}` },
    );
    const page = await open({ at: THROUGH, hash: "#/rooms/item/through" });
    await field(page, "/chairs").fill("2");
    await saved(page, "through");
    assert.equal(JSON.parse(await stored("/rooms/through")).chairs, 2);
    await page
      .locator("footer")
      .getByText(/Last action: 2 calls, [\d.,]+ ms/)
      .waitFor();
    await page.goto(`${THROUGH}/_console#/teachers/item/through`);
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Token for staff").fill(token({ sub: "maria", scope: "teachers:write" }));
    await button(page, "Use").first().click();
    await field(page, "/name").fill("Rui Costa");
    await saved(page, "through");
    const other = await open({ at: THROUGH, hash: "#/rooms/item/through" });
    await field(other, "/chairs").fill("3");
    await page.goto(`${THROUGH}/_console#/rooms/item/through`);
    await field(page, "/chairs").fill("4");
    await saved(page, "through");
    await button(other, "Save").click();
    await button(other, "Choose all of mine").click();
    await button(other, "Save what is chosen").click();
    await says(other, "through is saved.");
    assert.equal(JSON.parse(await stored("/rooms/through")).chairs, 3);
    assert.deepEqual(other.wrong, []);
    return page;
  },
};

/** Of the Big List of Naughty Strings, what browsers have tripped over. */
const NAUGHTY = [
  "<script>window.hacked = 1</script>",
  '"><img src=x onerror=window.hacked=1>',
  "<svg/onload=window.hacked=1>",
  "javascript:window.hacked=1",
  "{{constructor.constructor('window.hacked=1')()}}",
  "${window.hacked=1}",
  "</textarea><iframe src=javascript:window.hacked=1>",
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "toString",
  "../../../etc/passwd",
  "a/b?c=d#e&f%20g%2F",
  "~0~1/",
  "田中さん ﷽ 👩‍👩‍👧 ‮abc",
  "'; DROP TABLE rooms; --",
  "null",
  "0",
  " spaced ",
];

/** A front door that serves SERVED below /dev, and fails on purpose. */
async function frontDoor({ failing }) {
  const counts = {};
  const lost = new Set();
  let hasFailed = false;
  const server = http.createServer((request, response) => {
    counts[request.method] = (counts[request.method] ?? 0) + 1;
    if (!hasFailed && failing(request)) {
      hasFailed = true;
      request.resume();
      response.writeHead(503, { "retry-after": "1", "content-type": "application/json" });
      return response.end('{"ERROR":{"message":"Try again later"}}');
    }
    const target = new URL(request.url.replace(/^\/dev/, ""), SERVED);
    const passed = http.request(target, { method: request.method, headers: request.headers }, (answer) => {
      if (lost.delete(request.method)) {
        answer.resume();
        response.writeHead(503, { "retry-after": "0", "content-type": "application/json" });
        return response.end('{"ERROR":{"message":"Try again later"}}');
      }
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(passed);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    count: (method) => counts[method] ?? 0,
    lose: (method) => lost.add(method),
    close: () => (server.close(), server.closeAllConnections()),
  };
}

let failed = 0;
try {
  const chosen = Object.entries(steps).filter(([name]) => !ONLY || name.includes(ONLY));
  for (const [name, step] of chosen) {
    try {
      const page = await step();
      assert.deepEqual(page?.wrong ?? [], []);
    } catch (error) {
      failed += 1;
      // Playwright's log has the whole of what was filled in.
      const lines = error.stack.split("\n").map((line) => line.slice(0, 300));
      console.error(`FAILED ${name}\n${lines.slice(0, 25).join("\n")}`);
      for (const page of contexts.flatMap((context) => context.pages())) {
        if (page.wrong?.length) console.error(`the browser says: ${page.wrong.join("\n")}`);
        if (process.env.MODULO_SHOT) await page.screenshot({ path: process.env.MODULO_SHOT });
      }
    }
    await Promise.all(contexts.splice(0).map((context) => context.close()));
  }
  console.log(`the console: ${chosen.length - failed} passed, ${failed} failed`);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;
