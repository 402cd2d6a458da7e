// JSON as text. JavaScript's own values lose digits of long numbers, the order of members named like
// numbers, and members that are there twice; a document must keep all of these.
//
// A value is an object: `{ type: "string", value, text }`, `{ type: "number", text }`,
// `{ type: "boolean", value }`, `{ type: "null" }`, `{ type: "array", items }` or
// `{ type: "object", members: [{ name, value }] }`. What was parsed also has `start` and `end`, its
// place in the text. No value is ever changed: an edit makes a new one.

/** How deep arrays and objects can be in one another; the API takes 128. */
const MAX_DEPTH = 200;

const SPACE = /[ \t\n\r]*/y;
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/** What is wrong in a text, and where: `expected` names what should stand there. */
export class JsonError extends Error {
  constructor(text, at, expected) {
    super(`expected ${expected} at ${at}`);
    const before = text.slice(0, at);
    this.at = at;
    this.line = before.split("\n").length;
    this.column = at - before.lastIndexOf("\n");
    this.expected = expected;
  }
}

export function parse(text) {
  let at = text.startsWith("\ufeff") ? 1 : 0;

  const fail = (expected, place = at) => {
    throw new JsonError(text, place, expected);
  };
  const match = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) return undefined;
    at = pattern.lastIndex;
    return found[0];
  };
  const skip = () => {
    const code = text.charCodeAt(at);
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) match(SPACE);
  };
  const string = () => {
    const start = at;
    const found = match(STRING);
    if (found === undefined) fail("string", start);
    return { start, end: at, text: found, value: JSON.parse(found) };
  };

  function value(depth) {
    skip();
    const start = at;
    const first = text[at];
    if (first === "{") return object(start, depth + 1);
    if (first === "[") return array(start, depth + 1);
    if (first === '"') return { type: "string", ...string() };
    const number = match(NUMBER);
    if (number !== undefined) return { type: "number", text: number, start, end: at };
    const word = match(WORD);
    if (word === undefined) fail("value");
    if (word === "null") return { type: "null", start, end: at };
    return { type: "boolean", value: word === "true", start, end: at };
  }

  function object(start, depth) {
    if (depth > MAX_DEPTH) fail("depth");
    const members = [];
    at += 1;
    skip();
    if (text[at] === "}") {
      at += 1;
      return { type: "object", members, start, end: at };
    }
    for (;;) {
      skip();
      if (text[at] !== '"') fail("name");
      const name = string();
      skip();
      if (text[at] !== ":") fail("colon");
      at += 1;
      members.push({ name: name.value, value: value(depth) });
      skip();
      const next = text[at];
      if (next !== "," && next !== "}") fail("comma_or_brace");
      at += 1;
      if (next === "}") return { type: "object", members, start, end: at };
    }
  }

  function array(start, depth) {
    if (depth > MAX_DEPTH) fail("depth");
    const items = [];
    at += 1;
    skip();
    if (text[at] === "]") {
      at += 1;
      return { type: "array", items, start, end: at };
    }
    for (;;) {
      items.push(value(depth));
      skip();
      const next = text[at];
      if (next !== "," && next !== "]") fail("comma_or_bracket");
      at += 1;
      if (next === "]") return { type: "array", items, start, end: at };
    }
  }

  const whole = value(0);
  skip();
  if (at < text.length) fail("end");
  return whole;
}

/** What `parse` gives, or undefined for what is not JSON. */
export function tryParse(text) {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** A value's text: on one line, or with `indent` spaces for each level; of a long one, the beginning. */
export function print(value, indent = 0, most = Infinity) {
  const parts = [];
  let length = 0;
  const add = (text) => {
    parts.push(text);
    length += text.length;
  };
  const line = (depth) => (indent ? `\n${" ".repeat(indent * depth)}` : "");
  const write = (value, depth) => {
    if (value.type === "object" || value.type === "array") {
      const [open, close] = value.type === "object" ? "{}" : "[]";
      const inner = value.members ?? value.items;
      add(open);
      for (const [at, part] of inner.entries()) {
        if (length > most) return;
        add((at ? "," : "") + line(depth + 1));
        if (value.members) add(JSON.stringify(part.name) + (indent ? ": " : ":"));
        write(value.members ? part.value : part, depth + 1);
      }
      if (inner.length) add(line(depth));
      add(close);
    } else {
      add(value.text ?? (value.type === "null" ? "null" : `${value.value}`));
    }
  };
  write(value, 0);
  return parts.join("");
}

export const string = (value) => ({ type: "string", value, text: JSON.stringify(value) });
export const number = (text) => ({ type: "number", text });
export const boolean = (value) => ({ type: "boolean", value });
export const NULL = { type: "null" };
export const array = (items) => ({ type: "array", items });
export const object = (members) => ({ type: "object", members });

/** The text of a number as JSON has it, or undefined; a comma for the point is taken too. */
export function numberText(text) {
  const trimmed = text.trim().replace(/^(-?\d+),(\d+)$/, "$1.$2");
  NUMBER.lastIndex = 0;
  const found = NUMBER.exec(trimmed);
  return found && found[0].length === trimmed.length ? trimmed : undefined;
}

/** An object's member: of several with one name the last, as most readers of JSON take it. */
export function member(value, name) {
  return value?.members?.findLast((one) => one.name === name)?.value;
}

/** What stands at a path of names and indexes. */
export function at(value, path) {
  return path.reduce(
    (inner, step) => (inner?.type === "array" ? inner.items[step] : member(inner, `${step}`)),
    value,
  );
}

/** The value with another one at `path`, or, if that is undefined, with none there. */
export function put(value, path, replacement) {
  if (path.length === 0) return replacement;
  const [step, ...rest] = path;
  if (value?.type === "array") {
    const items = [...value.items];
    const next = put(items[step], rest, replacement);
    if (next === undefined) items.splice(step, 1);
    else items[step] = next;
    return array(items);
  }
  const members = value?.type === "object" ? value.members : [];
  const name = `${step}`;
  const place = members.findLastIndex((one) => one.name === name);
  const next = put(members[place]?.value, rest, replacement);
  if (next === undefined) return object(members.filter((one) => one.name !== name));
  if (place < 0) return object([...members, { name, value: next }]);
  return object(members.with(place, { name, value: next }));
}

/** Whether two values mean the same: the order of members does not count. */
export function same(one, other) {
  if (one === other) return true;
  if (one?.type !== other?.type || one === undefined) return false;
  if (one.type === "array") {
    return (
      one.items.length === other.items.length && one.items.every((item, at) => same(item, other.items[at]))
    );
  }
  if (one.type === "object") {
    return (
      one.members.length === other.members.length &&
      one.members.every(({ name }) => same(member(one, name), member(other, name)))
    );
  }
  return one.type === "number" ? one.text === other.text : one.value === other.value;
}

/** Whether an object somewhere in the value has a member twice. */
export function hasTwice(value) {
  if (value.type === "array") return value.items.some(hasTwice);
  if (value.type !== "object") return false;
  const names = new Set(value.members.map(({ name }) => name));
  return names.size < value.members.length || value.members.some((one) => hasTwice(one.value));
}

/** A path as a JSON Pointer (RFC 6901), and back. */
export function pointer(path) {
  return path.map((step) => `/${`${step}`.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

export function pathOf(pointer) {
  const steps = pointer.split("/").slice(1);
  return steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** What a person reads of a value in a line: texts without quotes, the rest as JSON. */
export function brief(value, most = 80) {
  if (value === undefined) return "";
  const text = value.type === "string" ? value.value : print(value, 0, most);
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
