// Both languages have the same sentences, with the same values in them, and the page asks for no other.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";

const folder = new URL("../../src/console/page/", import.meta.url);
const textOf = (name) => readFileSync(new URL(name, folder), "utf8");
const load = async (name) =>
  (await import(`data:text/javascript,${encodeURIComponent(textOf(name))}`)).default;
const [en, pt] = [await load("words.en.js"), await load("words.pt-BR.js")];

assert.deepEqual(Object.keys(pt), Object.keys(en));
const values = (sentence) => [...new Set(sentence.match(/\{\w+\}/g) ?? [])].sort();
for (const [key, sentence] of Object.entries(en)) {
  assert.notEqual(sentence, "", key);
  assert.deepEqual(values(pt[key]), values(sentence), key);
}

const code = readdirSync(folder).filter((name) => name.endsWith(".js") && !name.startsWith("words."));
const asked = code.flatMap((name) => [...textOf(name).matchAll(/\bt\(\s*"(\w+)"/g)].map(([, key]) => key));
assert.ok(asked.length > 100);
for (const key of asked) assert.ok(key in en, `no sentence for ${key}`);
console.log(`the words: ${Object.keys(en).length} sentences in both languages`);
