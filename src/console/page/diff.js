// What differs between two documents, as a JSON Patch, and what of two edits can be had together.

import { at, pointer, print, put, same } from "./json.js";

/**
 * Where two values differ: `{ path, before, after }`, one of the two undefined where there is none.
 * Objects are compared member by member, arrays as a whole.
 */
export function differences(before, after, path = []) {
  if (same(before, after)) return [];
  if (before?.type !== "object" || after?.type !== "object") return [{ path, before, after }];
  const names = new Set([...before.members, ...after.members].map(({ name }) => name));
  return [...names].flatMap((name) => differences(at(before, [name]), at(after, [name]), [...path, name]));
}

/** The JSON Patch (RFC 6902) of these differences, as text: numbers keep their digits. */
export function patchOf(differences) {
  const operations = differences.map(({ path, before, after }) => {
    const where = `"path":${JSON.stringify(pointer(path))}`;
    if (after === undefined) return `{"op":"remove",${where}}`;
    const word = before === undefined ? "add" : "replace";
    return `{"op":"${word}",${where},"value":${print(after)}}`;
  });
  return `[${operations.join(",")}]`;
}

/**
 * Where `mine` and `theirs`, which were both made of `base`, are not the same, each with the side that
 * has changed it: "mine", "theirs", or undefined where both have and a person has to choose.
 */
export function rows(base, mine, theirs) {
  const changed = [...differences(base, mine), ...differences(base, theirs)].map(({ path }) => path);
  const isWithin = (path, outer) =>
    path.length > outer.length && outer.every((step, index) => step === path[index]);
  const outermost = changed.filter((path) => !changed.some((outer) => isWithin(path, outer)));
  const distinct = new Map(outermost.map((path) => [pointer(path), path]));
  return [...distinct.values()].flatMap((path) => {
    const [was, own, other] = [base, mine, theirs].map((value) => at(value, path));
    if (same(own, other)) return [];
    const choice = same(own, was) ? "theirs" : same(other, was) ? "mine" : undefined;
    return [{ path, base: was, mine: own, theirs: other, choice }];
  });
}

/** The document that has of each row what was chosen. */
export function merged(theirs, rows) {
  const own = rows.filter(({ choice }) => choice === "mine");
  return own.reduce((document, row) => put(document, row.path, row.mine), theirs);
}
