// Items in and out, as JSON Lines and as tables of spreadsheets.

import { html, useEffect, useRef, useState } from "./html.js";
import { Refusal, action, get, getMany, inParallel, list, write, writer } from "./api.js";
import { decode, rowsOf, tableOf } from "./csv.js";
import { idText, isReachable } from "./describe.js";
import {
  JsonError,
  array,
  boolean,
  brief,
  member,
  number,
  numberText,
  object,
  parse,
  print,
  put,
  same,
  string,
  tryParse,
} from "./json.js";
import { link, useUnsaved } from "./nav.js";
import { notice } from "./notice.js";
import { whyNot } from "./session.js";
import { language, t } from "./words.js";

/** How many rows of a preview are drawn. */
const SHOWN_ROWS = 100;

/** How many ids one batch asks for. */
const BATCH = 100;

/** No item has this tag: a write under it is checked, and never done. */
const NO_TAG = '"modulo-console-preview"';

// ---- out

const valueOf = (text, { type }) => (type === "N" ? number(text) : string(text));

/** As `modulo export` writes a line. */
function lineOf(module, { id, document }) {
  const values = id.map((text, at) => valueOf(text, module.key[at]));
  return print(
    object([
      { name: "id", value: values.length === 1 ? values[0] : array(values) },
      { name: "item", value: document },
    ]),
  );
}

/** A number with a decimal comma, which is one where the comma does not part cells. */
const WITH_COMMA = /^-?\d+,\d+$/;

/**
 * A value as a cell. A text that would be read as something else, also by a spreadsheet as a formula,
 * is written as JSON, in quotes: so it comes back as it was.
 */
function cellOf(value, delimiter) {
  if (value === undefined) return "";
  const hasComma = delimiter !== ",";
  if (value.type === "number" && hasComma && /^-?\d+\.\d+$/.test(value.text)) {
    return value.text.replace(".", ",");
  }
  if (value.type !== "string") return print(value);
  const text = value.value;
  const isOther =
    text === "" ||
    tryParse(text) !== undefined ||
    (hasComma && WITH_COMMA.test(text)) ||
    /^[=+\-@\t\r]|^\s|\s$/.test(text);
  return isOther ? value.text : text;
}

/** A member's name as the head of a column; one that would be read as a path is written as JSON. */
function headOf(name) {
  const isOther = name === "" || name.includes(".") || name !== name.trim() || tryParse(name) !== undefined;
  return isOther ? JSON.stringify(name) : name;
}

export function exportItems(module, items, format) {
  const parts = format === "csv" ? [csvOf(module, items)] : items.map((item) => `${lineOf(module, item)}\n`);
  const types = { csv: "text/csv;charset=utf-8", jsonl: "application/jsonl;charset=utf-8" };
  const address = URL.createObjectURL(new Blob(parts, { type: types[format] }));
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = `${module.name}.${format}`;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  notice(t("exported", { n: items.length, file: anchor.download }));
}

function csvOf(module, items) {
  const names = new Set();
  let hasWhole = false;
  for (const { document } of items) {
    if (document.type === "object") for (const { name } of document.members) names.add(name);
    else hasWhole = true;
  }
  const header = [
    ...module.key.map(({ name }) => headOf(name)),
    ...[...names].map(headOf),
    ...(hasWhole ? [""] : []),
  ];
  // Excel in Portuguese takes a comma for a decimal one.
  const delimiter = language.get() === "pt-BR" ? ";" : ",";
  const rows = items.map(({ id, document }) => [
    ...id.map((text, at) => cellOf(valueOf(text, module.key[at]), delimiter)),
    ...[...names].map((name) => cellOf(member(document, name), delimiter)),
    ...(hasWhole ? [document.type === "object" ? "" : print(document)] : []),
  ]);
  return tableOf([header, ...rows], delimiter);
}

export function Export({ api, module }) {
  const [count, setCount] = useState();
  const isStopped = useRef(false);
  useEffect(() => () => void (isStopped.current = true), []);
  const refusal = whyNot(api, module, "LIST");
  const run = (format) => {
    isStopped.current = false;
    return action(async () => {
      const found = [];
      let cursor;
      setCount(0);
      do {
        const query = { limit: 100, ...(cursor && { cursor }) };
        const page = await list(api, module, { query });
        found.push(...page.items);
        setCount(found.length);
        cursor = page.next;
      } while (cursor && !isStopped.current);
      if (isStopped.current) return;
      const whole = found.filter(({ document }) => document !== undefined);
      if (whole.length < found.length)
        notice(t("left_out", { n: found.length - whole.length }), { isBad: true });
      exportItems(module, whole, format);
    })
      .catch((error) => {
        if (!(error instanceof Refusal)) throw error;
        notice(error.message, { isBad: true });
      })
      .finally(() => setCount(undefined));
  };
  const isBusy = count !== undefined;
  return html`<section aria-labelledby="export">
    <h2 id="export">${t("export_all", { module: module.name })}</h2>
    <p>${t("export_text")}</p>
    <div class="actions">
      <button type="button" class="main" disabled=${isBusy || Boolean(refusal)} onClick=${() => run("csv")}>${t("export_csv")}</button>
      <button type="button" disabled=${isBusy || Boolean(refusal)} onClick=${() => run("jsonl")}>${t("export_jsonl")}</button>
      ${isBusy && html`<button type="button" onClick=${() => void (isStopped.current = true)}>${t("stop")}</button>`}
    </div>
    <p role="status">${isBusy ? t("read_so_far", { n: count }) : ""}</p>
    ${refusal && html`<p class="reason">${refusal}</p>`}
  </section>`;
}

// ---- in

/** What a person has to mend in a row. */
class RowError extends Error {}

/** The rows of a file: `{ line, id, document }`, or `{ line, wrong }`. */
function read(module, name, bytes) {
  // A workbook of Excel or LibreOffice is a zip.
  if (new Uint8Array(bytes)[0] === 0x50 && new Uint8Array(bytes)[1] === 0x4b) {
    return [{ line: 1, wrong: t("workbook") }];
  }
  const text = decode(bytes);
  return /\.(jsonl|ndjson|json)$/i.test(name) ? readLines(module, text) : readTable(module, text);
}

function attempt(line, make) {
  try {
    return { line, ...make() };
  } catch (error) {
    if (error instanceof RowError) return { line, wrong: error.message };
    if (error instanceof JsonError) {
      return { line, wrong: `${t("column", { column: error.column })}: ${t(`expected_${error.expected}`)}` };
    }
    throw error;
  }
}

function readLines(module, text) {
  const whole = /^[\ufeff\s]*\[/.test(text) ? tryParse(text) : undefined;
  if (whole?.type === "array") {
    return whole.items.map((value) => {
      const line = text.slice(0, value.start).split("\n").length;
      return attempt(line, () => itemOf(module, value));
    });
  }
  const lines = text.split("\n").map((line, at) => [at + 1, line]);
  return lines
    .filter(([, line]) => line.trim() !== "")
    .map(([at, line]) => attempt(at, () => itemOf(module, parse(line))));
}

/** A line of `modulo export`, or a document that has its key as members. */
function itemOf(module, value) {
  if (value.type !== "object") throw new RowError(t("row_no_object"));
  if (member(value, "attributes")) throw new RowError(t("row_attributes"));
  const [id, item] = [member(value, "id"), member(value, "item")];
  if (id !== undefined && item !== undefined) {
    return { id: idOf(module, id.type === "array" ? id.items : [id]), document: item };
  }
  return keyed(module, value);
}

function keyed(module, value) {
  const isKey = (name) => module.key.some((part) => part.name === name);
  const id = idOf(
    module,
    module.key.map(({ name }) => member(value, name)),
  );
  return { id, document: object(value.members.filter(({ name }) => !isKey(name))) };
}

function idOf(module, values) {
  if (values.length !== module.key.length) throw new RowError(t("row_id", { n: module.key.length }));
  return module.key.map(({ name, type }, at) => {
    const value = values[at];
    const text = value?.type === "number" ? value.text : value?.type === "string" ? value.value : undefined;
    if (text === undefined || text === "") throw new RowError(t("row_no_key", { name }));
    const plain = type === "N" ? numberText(text) : text;
    if (plain === undefined) throw new RowError(t("row_number", { name }));
    return plain;
  });
}

function readTable(module, text) {
  const { delimiter, rows } = rowsOf(text);
  const [header, ...body] = rows;
  if (!header) return [];
  const schema = module.resolve(module.schema);
  const columns = header.cells.map((head) => columnOf(module, schema, head.trim()));
  const names = columns.map(({ path }) => (path.length === 1 ? path[0] : undefined));
  const missing = module.key.map(({ name }) => name).filter((name) => !names.includes(name));
  const isOnlyId = missing.length === 1 && module.key.length === 1 && names.includes("id");
  if (missing.length > 0 && !isOnlyId) {
    return [{ line: header.line, wrong: t("no_column", { names: missing.join(", ") }) }];
  }
  const keys = isOnlyId ? ["id"] : module.key.map(({ name }) => name);
  const places = keys.map((name) => names.indexOf(name));
  return body.map(({ line, cells }) =>
    attempt(line, () => {
      if (cells.length > columns.length) throw new RowError(t("row_long", { n: columns.length }));
      const key = places.map((place) => {
        const quoted = tryParse(cells[place] ?? "");
        return quoted?.type === "string" ? quoted : string(cells[place] ?? "");
      });
      const id = idOf(module, key);
      let document = object([]);
      for (const [place, cell] of cells.entries()) {
        const column = columns[place];
        if (places.includes(place) || cell === "") continue;
        if (column.path.length === 0) return { id, document: parse(cell) };
        document = put(document, column.path, valueOfCell(column.schema, cell, delimiter));
      }
      return { id, document };
    }),
  );
}

/**
 * Where the cells of a column belong: `address.city` is a member of a member, unless the schema has such
 * a name; a name in quotes is one as it is; and a column without a head has whole documents.
 */
function columnOf(module, schema, head) {
  const quoted = tryParse(head);
  const isName = quoted?.type === "string" || Object.hasOwn(schema.properties ?? {}, head);
  const path = isName ? [quoted?.value ?? head] : head === "" ? [] : head.split(".");
  const own = path.reduce((inner, step) => {
    const { properties } = module.resolve(inner);
    return Object.hasOwn(properties ?? {}, step) ? properties[step] : {};
  }, schema);
  return { path, schema: module.resolve(own) };
}

/** A cell as the schema has it; without one, what is JSON is that, and all else a text. */
function valueOfCell(schema, cell, delimiter) {
  const types = [schema.type ?? []].flat();
  const is = (type) => types.includes(type);
  const trimmed = cell.trim();
  const isNumber = delimiter !== "," && WITH_COMMA.test(trimmed);
  const found = isNumber ? number(trimmed.replace(",", ".")) : tryParse(trimmed);
  if (is("string") && found?.type !== "string") return string(cell);
  if (is("boolean")) {
    if (/^(true|yes|sim|verdadeiro|1)$/i.test(cell.trim())) return boolean(true);
    if (/^(false|no|não|nao|falso|0)$/i.test(cell.trim())) return boolean(false);
  }
  return found ?? string(cell);
}

/** Asks the API of each row what it would say to it: nothing is written. */
async function check(api, module, rows, { isStopped, onProgress }) {
  const seen = new Map();
  for (const row of rows) {
    if (row.wrong) continue;
    const key = JSON.stringify(row.id);
    if (seen.has(key)) row.wrong = t("row_twice", { line: seen.get(key) });
    else seen.set(key, row.line);
    if (!isReachable(row.id)) row.wrong = t("unreachable");
  }
  const good = rows.filter((row) => !row.wrong);
  let done = rows.length - good.length;
  const parts = [];
  for (let from = 0; from < good.length; from += BATCH) parts.push(good.slice(from, from + BATCH));
  const canRead = !whyNot(api, module, "BATCH") && !whyNot(api, module, "GET");
  await inParallel(canRead ? parts : [], async (part) => {
    if (isStopped()) return;
    const found = await getMany(
      api,
      module,
      part.map(({ id }) => id),
    );
    part.forEach((row, at) => {
      row.isThere = !found[at].isAbsent;
      row.isSame = row.isThere && same(found[at].document, row.document);
    });
  });
  await inParallel(good, async (row) => {
    if (isStopped()) return;
    try {
      await write(api, module, row.id, row.document, { "if-match": NO_TAG });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if ([0, 401, 403, 429, 500, 503, 504].includes(error.status)) throw error;
      if (error.status !== 412) row.wrong = messageOf(error);
    }
    done += 1;
    onProgress(done);
  });
}

function messageOf(error) {
  const details = error.details.map(({ pointer, message }) => `${pointer || t("document")}: ${message}`);
  return details.length > 0 ? details.join(" · ") : error.message;
}

/** Writes a row: creates the item, or, if the person wants it, replaces the one that is there. */
async function store(api, module, row, replaces) {
  try {
    await write(api, module, row.id, row.document, { "if-none-match": "*" });
    return "created";
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 412) throw error;
  }
  const there = await get(api, module, row.id);
  if (same(there.document, row.document)) return "same";
  if (!replaces) return "skipped";
  await write(api, module, row.id, row.document, { "if-match": there.tag });
  return "replaced";
}

export function Import({ api, module }) {
  const [file, setFile] = useState();
  const [rows, setRows] = useState();
  const [progress, setProgress] = useState();
  const [replaces, setReplaces] = useState(false);
  const [result, setResult] = useState();
  const run = useRef(0);
  const refusal = whyNot(api, module, writer(module));
  useEffect(() => () => void (run.current += 1), []);
  useUnsaved(progress?.isWriting === true);

  const guarded = async (work) => {
    const mine = ++run.current;
    const isStopped = () => mine !== run.current;
    try {
      await action(() => work(isStopped));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      run.current += 1;
      notice(error.message, { isBad: true });
    } finally {
      setProgress(undefined);
    }
  };
  const choose = (chosen) => {
    if (!chosen) return;
    setFile(chosen.name);
    setRows(undefined);
    setResult(undefined);
    guarded(async (isStopped) => {
      const found = read(module, chosen.name, await chosen.arrayBuffer());
      const onProgress = (done) => setProgress({ done, of: found.length });
      onProgress(0);
      await check(api, module, found, { isStopped, onProgress });
      if (!isStopped()) setRows(found);
    });
  };
  const good = rows?.filter((row) => !row.wrong) ?? [];
  const wrong = rows?.filter((row) => row.wrong) ?? [];
  const there = good.filter((row) => row.isThere && !row.isSame);
  const begin = () =>
    guarded(async (isStopped) => {
      const counts = { created: 0, replaced: 0, skipped: 0, same: 0 };
      const failed = [];
      let done = 0;
      setProgress({ done, of: good.length, isWriting: true });
      await inParallel(good, async (row) => {
        if (isStopped()) return;
        try {
          counts[await store(api, module, row, replaces)] += 1;
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          failed.push({ ...row, wrong: messageOf(error) });
        }
        done += 1;
        setProgress({ done, of: good.length, isWriting: true });
      });
      setResult({ counts, failed, left: good.length - done });
      setRows(undefined);
    });

  return html`<section aria-labelledby="import">
    <h2 id="import">${t("import_into", { module: module.name })}</h2>
    <p>${t("import_text", { names: module.key.map(({ name }) => name).join(", ") })}</p>
    <div class="field">
      <label for="file">${t("file")}</label>
      <input
        id="file"
        type="file"
        accept=".csv,.tsv,.txt,.jsonl,.ndjson,.json"
        disabled=${Boolean(refusal) || Boolean(progress)}
        onChange=${(event) => choose(event.target.files[0])}
      />
    </div>
    ${refusal && html`<p class="reason">${refusal}</p>`}
    <div role="status">
      ${
        progress &&
        html`<label for="progress">${t(progress.isWriting ? "written_so_far" : "checked_so_far", progress)}</label>
        <progress id="progress" max=${progress.of} value=${progress.done}></progress>
        <button type="button" onClick=${() => void (run.current += 1)}>${t("stop")}</button>`
      }
      ${rows && !progress && html`<p>${t("preview", { file, good: good.length, wrong: wrong.length, there: there.length })}</p>`}
    </div>
    ${
      rows &&
      !progress &&
      html`${
        there.length > 0 &&
        html`<label class="check-line">
        <input type="checkbox" checked=${replaces} onChange=${(event) => setReplaces(event.target.checked)} />
        ${t("replace", { n: there.length })}
      </label>`
      }
      <div class="actions">
        <button type="button" class="main" disabled=${good.length === 0} onClick=${begin}>${t("import_n", { n: good.length })}</button>
      </div>
      <${Rows} rows=${[...wrong, ...good]} />`
    }
    ${result && html`<${Result} module=${module} ...${result} />`}
  </section>`;
}

function Rows({ rows }) {
  const state = (row) =>
    row.wrong ?? (row.isSame ? t("row_same") : row.isThere ? t("row_there") : t("row_new"));
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${t("preview_rows")}>
    <table>
      <thead>
        <tr>
          <th scope="col">${t("line_head")}</th>
          <th scope="col">${t("id")}</th>
          <th scope="col">${t("document")}</th>
          <th scope="col">${t("what_happens")}</th>
        </tr>
      </thead>
      <tbody>
        ${rows.slice(0, SHOWN_ROWS).map(
          (row) => html`<tr key=${row.line}>
            <td>${row.line}</td>
            ${row.id ? html`<th scope="row">${idText(row.id)}</th>` : html`<td></td>`}
            <td>${brief(row.document)}</td>
            <td class=${row.wrong ? "wrong" : ""}>${state(row)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
    ${rows.length > SHOWN_ROWS && html`<p class="hint">${t("more_rows", { n: rows.length - SHOWN_ROWS })}</p>`}
  </div>`;
}

function Result({ module, counts, failed, left }) {
  return html`<div class="result" role="status">
    <p>${t("imported", counts)} ${left > 0 && t("not_sent", { n: left })}</p>
    ${failed.length > 0 && html`<p class="wrong">${t("failed", { n: failed.length })}</p><${Rows} rows=${failed} />`}
    <a class="button" href=${link(module.name, "list")}>${t("to_the_list")}</a>
  </div>`;
}
