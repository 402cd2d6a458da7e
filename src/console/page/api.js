// The calls of the API. Each write has a condition, so that it can't undo what somebody else has done.

import { pathOf } from "./describe.js";
import { member, parse, print, tryParse } from "./json.js";
import { NO_COST, add, cost, costOf, headerFor, learn } from "./session.js";
import { notice } from "./notice.js";
import { t } from "./words.js";

/** Where the API is: the page's files are two folders below. */
const ROOT = new URL("../..", import.meta.url).href.replace(/\/$/, "");

/** How often a call is sent that is answered with "later", and the longest wait, in seconds. */
const TRIES = 8;
const LONGEST_WAIT = 120;

/** How many calls are under way at a time where there is one for each of several items. */
const AT_ONCE = 6;

/** The pause before changes are listened to again. */
const LISTENS_AGAIN_MS = 2_000;

/** An answer that is an error, or none at all (status 0). */
export class Refusal extends Error {
  constructor(status, message, details = []) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** The description, from beside the page. */
export async function description() {
  const answer = await fetch(new URL("../openapi.json", import.meta.url));
  const text = await answer.text();
  if (!answer.ok) throw refusalOf(answer.status, text);
  return JSON.parse(text);
}

function refusalOf(status, text) {
  const body = tryParse(text);
  const error = member(body, "ERROR") ?? body;
  const message = member(error, "message") ?? member(error, "detail");
  const details = (member(error, "details") ?? member(error, "errors"))?.items ?? [];
  return new Refusal(
    status,
    message?.value ?? t("no_reason", { status }),
    details.map((one) => ({
      pointer: member(one, "pointer")?.value ?? "",
      message: member(one, "message")?.value ?? "",
    })),
  );
}

function secondsOf(value) {
  if (value === null) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), LONGEST_WAIT) : undefined;
}

let pausing;

/**
 * Waits, and shows for how long and why; ends early with false if the person does not want to wait.
 * Calls that are under way at a time wait together.
 */
function pause(seconds, message) {
  pausing ??= new Promise((resolve) => {
    const end = (goesOn) => {
      clearTimeout(timer);
      close();
      pausing = undefined;
      resolve(goesOn);
    };
    const timer = setTimeout(() => end(true), seconds * 1000);
    const close = notice(t("waiting", { n: Math.ceil(seconds), message }), {
      stays: true,
      action: { label: t("do_not_wait"), run: () => end(false) },
    });
  });
  return pausing;
}

/** Runs what a person has asked for, and notes what all of its calls have cost. */
export async function action(run) {
  const before = cost.get().total;
  try {
    return await run();
  } finally {
    const { total } = cost.get();
    const parts = Object.keys(NO_COST).map((name) => [name, total[name] - before[name]]);
    cost.set({ total, last: { ...Object.fromEntries(parts), isTimed: total.isTimed } });
  }
}

/**
 * Sends a call of a module, and waits where the answer says so. `mayRepeat` is false for what may be
 * done twice: a 503 does not say that nothing was done.
 */
async function send(api, module, name, { path, method, headers = {}, body, mayRepeat = true }) {
  const options = {
    method,
    cache: "no-store",
    credentials: "omit",
    headers: { ...headerFor(api, module.calls[name]?.guard), ...headers },
    body,
  };
  for (let tries = 1; ; tries += 1) {
    let answer;
    let text;
    try {
      answer = await fetch(`${ROOT}${path}`, options);
      text = await answer.text();
    } catch {
      throw new Refusal(0, t("no_answer"));
    }
    const spent = costOf(answer.headers.get("server-timing"));
    cost.set({ ...cost.get(), total: add(cost.get().total, spent) });
    if (answer.ok) return { answer, text };
    const refusal = refusalOf(answer.status, text);
    // Sent again, a call may meet what it has done itself.
    refusal.isRepeated = tries > 1;
    if (answer.status === 403) learn(module, name, refusal.message);
    const wait = secondsOf(answer.headers.get("retry-after"));
    const isLater = answer.status === 429 || (answer.status === 503 && mayRepeat);
    if (!isLater || wait === undefined || tries === TRIES || !(await pause(wait, refusal.message))) {
      throw refusal;
    }
  }
}

const JSON_TYPE = { "content-type": "application/json" };

/** The values of an item's key as texts: numbers keep their digits. */
const valueText = (value) => (value?.type === "number" ? value.text : (value?.value ?? ""));

/** An item of a list: its id and its document, undefined where another program wrote none. */
function itemOf(module, value) {
  if (module.isPlain) {
    const id = member(value, "id");
    const values = id?.type === "array" ? id.items : [id];
    return { id: values.map(valueText), document: documentOf(module, member(value, "item")) };
  }
  const data = member(value, "data");
  return {
    id: module.key.map(({ name }) => valueText(member(value, name))),
    document: data?.type === "string" ? tryParse(data.value) : undefined,
  };
}

/** A document without the key, which stands in the id. */
function documentOf(module, value) {
  if (value?.type === "null") return undefined;
  if (!module.hasKeyInDocument || value?.type !== "object") return value;
  const isKey = (name) => module.key.some((part) => part.name === name);
  return { ...value, members: value.members.filter(({ name }) => !isKey(name)) };
}

/** One page of a list: `{ items, next }`. Where a partition is given, of its items. */
export async function list(api, module, { partition, query }) {
  const name = partition === undefined ? "LIST" : "LIST_PARTITION";
  const search = new URLSearchParams(query);
  const path = `${pathOf(module, partition === undefined ? [] : [partition])}${search.size ? `?${search}` : ""}`;
  const { text } = await send(api, module, name, { path, method: "GET" });
  const body = parse(text);
  const page = module.isPlain ? body : member(body, "LIST");
  const next = member(page, "next");
  return {
    items: member(page, "items").items.map((item) => itemOf(module, item)),
    next: next?.type === "string" ? next.value : undefined,
  };
}

/** The stamps that stand beside a document. */
function stampsOf(module, value) {
  const isStamp = ({ name }) => name !== "data" && !module.key.some((part) => part.name === name);
  return value.members.filter(isStamp).map(({ name, value }) => [name, valueText(value)]);
}

/** An item as it is now: its document, its entity tag, and the stamps beside the document. */
export async function get(api, module, id) {
  const path = `${pathOf(module, id)}?consistent=true`;
  const { answer, text } = await send(api, module, "GET", { path, method: "GET" });
  const body = parse(text);
  const tag = answer.headers.get("etag");
  if (module.isPlain) return { document: documentOf(module, body), tag, stamps: [] };
  const item = member(body, "GET");
  return { document: itemOf(module, item).document, tag, stamps: stampsOf(module, item) };
}

/** One page of an item's versions, the newest first: `{ all, next }`. */
export async function versions(api, module, id, cursor) {
  const query = cursor === undefined ? "" : `?${new URLSearchParams({ cursor })}`;
  const path = `/_history${pathOf(module, id)}${query}`;
  const { text } = await send(api, module, "HISTORY", { path, method: "GET" });
  const body = parse(text);
  const page = module.isPlain ? body : member(body, "GET");
  const next = member(page, "next");
  return {
    all: member(page, "versions").items.map((version) => versionOf(module, version)),
    next: next?.type === "string" ? next.value : undefined,
  };
}

/** A version: its document is undefined where the item was gone, or another program wrote none. */
function versionOf(module, value) {
  const data = member(value, "data");
  const text = data?.type === "string" ? tryParse(data.value) : undefined;
  return {
    kind: member(value, "kind").value,
    time: member(value, "time").value,
    by: member(value, "by")?.value,
    document: module.isPlain ? documentOf(module, member(value, "item")) : text,
  };
}

/** Writes a whole document: `condition` is `{ "if-match": tag }` or `{ "if-none-match": "*" }`. */
export async function write(api, module, id, document, condition, name = writer(module)) {
  const { answer } = await send(api, module, name, {
    path: pathOf(module, id),
    method: name,
    headers: { ...JSON_TYPE, ...condition },
    body: print(document),
  });
  return answer.headers.get("etag");
}

/** PUT, which keeps what other programs have stored beside the document, or POST. */
export const writer = (module) => (module.calls.PUT ? "PUT" : "POST");

/** Sends a JSON Patch. */
export async function patch(api, module, id, operations, tag) {
  const { answer } = await send(api, module, "PATCH", {
    path: pathOf(module, id),
    method: "PATCH",
    headers: { "content-type": "application/json-patch+json", "if-match": tag },
    body: operations,
  });
  return answer.headers.get("etag");
}

/** Creates an item under an id that the API makes, and is this id. */
export async function create(api, module, partition, document) {
  const name = partition === undefined ? "CREATE" : "CREATE_IN";
  const { takesIdempotencyKey } = module.calls[name];
  const { answer } = await send(api, module, name, {
    path: pathOf(module, partition === undefined ? [] : [partition]),
    method: "POST",
    headers: { ...JSON_TYPE, ...(takesIdempotencyKey && { "idempotency-key": crypto.randomUUID() }) },
    body: print(document),
    mayRepeat: takesIdempotencyKey,
  });
  const path = new URL(answer.headers.get("location"), "http://here").pathname.split("/");
  return path.slice(-module.key.length).map(decodeURIComponent);
}

/** Deletes an item, if it is still the one with this tag. */
export async function remove(api, module, id, tag) {
  const headers = { "if-match": tag };
  await send(api, module, "DELETE", { path: pathOf(module, id), method: "DELETE", headers });
}

/** The documents under these ids, at most 100, as one batch; an absent one is undefined. */
export async function getMany(api, module, ids) {
  const value = (text, { type }) => (type === "N" ? text : JSON.stringify(text));
  const operations = ids.map((id) => {
    const values = id.map((text, at) => value(text, module.key[at]));
    return `{"op":"get","id":${values.length === 1 ? values[0] : `[${values}]`}}`;
  });
  const { text } = await send(api, module, "BATCH", {
    path: `/_batch/${encodeURIComponent(module.name)}`,
    method: "POST",
    headers: JSON_TYPE,
    body: `{"operations":[${operations}]}`,
  });
  const body = parse(text);
  const { items } = member(module.isPlain ? body : member(body, "BATCH"), "results");
  return items.map((result) => {
    const status = Number(member(result, "status").text);
    if (status === 404) return { document: undefined, isAbsent: true };
    const found = module.isPlain ? result : member(result, "GET");
    if (status !== 200) throw refusalOf(status, print(member(result, "problem") ?? result));
    return itemOf(module, found);
  });
}

/** A change as `/_changes` tells it, of its event's lines. */
function changeOf(module, lines) {
  const data = lines.find((line) => line.startsWith("data: "));
  if (!data) return undefined;
  const event = parse(data.slice("data: ".length));
  const subject = member(event, "subject").value;
  return {
    id: subject.split("/").map(decodeURIComponent),
    after: documentOf(module, member(member(event, "data"), "after")),
  };
}

/**
 * Tells of each change of the module until the signal ends it, or the API does not tell of any. What was
 * read before `onBegin` is called may have changed since: from then on no change is missed, or none is
 * told of.
 */
export async function changes(api, module, { onBegin, onChange }, signal) {
  const path = `${ROOT}/_changes/${encodeURIComponent(module.name)}`;
  let last;
  while (!signal.aborted) {
    try {
      const headers = { ...headerFor(api, module.calls.LIST?.guard), ...(last && { "last-event-id": last }) };
      const options = { headers, signal, cache: "no-store", credentials: "omit" };
      const answer = await fetch(path, options);
      if (answer.status === 410 && last) {
        last = undefined;
        continue;
      }
      if (!last) onBegin();
      if (!answer.ok) return;
      let rest = "";
      for await (const text of chunksOf(answer.body)) {
        const events = (rest + text).split("\n\n");
        rest = events.pop();
        for (const lines of events.map((event) => event.split("\n"))) {
          last = lines.find((line) => line.startsWith("id: "))?.slice("id: ".length) ?? last;
          const change = changeOf(module, lines);
          if (change) onChange(change);
        }
      }
    } catch (error) {
      // The connection is gone, perhaps with the server.
      if (!(error instanceof TypeError || error.name === "AbortError")) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, LISTENS_AGAIN_MS));
  }
}

/** The texts of a stream as they come. */
async function* chunksOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
}

/** Runs `work` for each of these, a few at a time. */
export async function inParallel(all, work) {
  const left = [...all.entries()];
  const next = async () => {
    for (let one = left.shift(); one; one = left.shift()) await work(one[1], one[0]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}
