// A module's items, a page at a time: all of them, those of a partition, or those of an index.

import { html, useEffect, useLatest, useRef, useState } from "./html.js";
import { Refusal, action, get, getMany, inParallel, list, remove } from "./api.js";
import { useChanges } from "./changes.js";
import { idText } from "./describe.js";
import { bringBack } from "./item.js";
import { brief, member, same } from "./json.js";
import { go, link } from "./nav.js";
import { ask, notice } from "./notice.js";
import { credentials, whyNot } from "./session.js";
import { exportItems } from "./transfer.js";
import { t } from "./words.js";

const PAGE = 25;

/** How many columns are shown until a person chooses others. */
const COLUMNS = 5;

/** How long changes gather before the page is read again. */
const GATHERS_MS = 300;

/** The columns that were chosen, by module, for as long as the page is open. */
const chosenColumns = new Map();

/**
 * Where a list has been left, by its address: a person who comes back from an item is where they were.
 * Of each page up to there it has the cursor, of the first none. A cursor is of one tenant, and with
 * other credentials there may be another.
 */
let places = { of: undefined, cursors: new Map() };

/** The members that a module's documents were seen to have. */
const seenMembers = new Map();

/** An id as what it is found by in a map. */
const mark = (id) => JSON.stringify(id);

/** What a list is asked for: what the address says behind `?`. */
function queryOf(module, params) {
  const index = module.indexes.find(({ name }) => name === params.get("index"));
  const partition = params.get("partition") ?? undefined;
  const sort = index ? index.key[1] : partition === undefined ? undefined : module.key[1];
  const query = {};
  if (index) query[index.key[0].name] = params.get("value") ?? "";
  const operator = params.get("op") ?? "";
  const [from, to] = [params.get("from"), params.get("to")];
  if (sort && from !== null) {
    if (operator === "between")
      Object.assign(query, { [`${sort.name}.ge`]: from, [`${sort.name}.le`]: to ?? "" });
    else query[operator === "" ? sort.name : `${sort.name}.${operator}`] = from;
  }
  if (params.get("order") === "desc" && (index || partition !== undefined)) query.order = "desc";
  return { index, partition: index ? undefined : partition, sort, query };
}

export function List({ api, module, params }) {
  const [page, setPage] = useState();
  const [failure, setFailure] = useState();
  const [isBusy, setBusy] = useState(false);
  const [selected, setSelected] = useState(new Map());
  const [columns, setColumns] = useState(chosenColumns.get(module.name));
  const latest = useLatest();
  const looked = queryOf(module, params);
  const refusal = whyNot(api, module, looked.partition === undefined ? "LIST" : "LIST_PARTITION");

  const place = `${module.name}?${params}`;
  const shownBy = credentials.get();
  if (places.of !== shownBy) places = { of: shownBy, cursors: new Map() };
  const cursors = places.cursors.get(place) ?? [undefined];

  const gathers = useRef();
  const again = useRef();
  const listens = useChanges(api, module, () => {
    gathers.current ??= setTimeout(() => {
      gathers.current = undefined;
      again.current();
    }, GATHERS_MS);
  });
  useEffect(() => () => clearTimeout(gathers.current), []);

  const asked = useRef();
  /** Shows the page that this is the cursor of, after those before it. */
  const load = (cursors) => {
    asked.current = { places, place, cursors };
    setBusy(true);
    setFailure(undefined);
    const cursor = cursors.at(-1);
    const query = { limit: PAGE, ...looked.query, ...(cursor && { cursor }) };
    const show = (page) => {
      setBusy(false);
      places.cursors.set(place, cursors);
      noteMembers(module, page.items);
      setPage(page);
    };
    const fail = (error) => {
      setBusy(false);
      if (!(error instanceof Refusal)) throw error;
      setFailure(error);
    };
    return latest(
      action(async () => {
        await listens();
        return list(api, module, { partition: looked.partition, query });
      }),
      show,
      fail,
    );
  };
  /** Reads what is shown again, or what is on its way to be shown. */
  const reload = () => {
    const isHere = asked.current?.places === places && asked.current.place === place;
    if (!refusal) load(isHere ? asked.current.cursors : cursors);
  };
  again.current = reload;
  useEffect(() => {
    setPage(undefined);
    setSelected(new Map());
    reload();
  }, [place, refusal, shownBy]);
  useEffect(() => {
    window.addEventListener("items-changed", reload);
    return () => window.removeEventListener("items-changed", reload);
  });
  const items = page?.items ?? [];
  const known = columnsOf(module);
  const shown = columns ?? known.slice(0, COLUMNS);
  const choose = (names) => {
    chosenColumns.set(module.name, names);
    setColumns(names);
  };
  const toggle = (item) => {
    const next = new Map(selected);
    if (!next.delete(mark(item.id))) next.set(mark(item.id), item);
    setSelected(next);
  };
  const areAll = items.length > 0 && items.every(({ id }) => selected.has(mark(id)));
  const toggleAll = () => {
    const next = new Map(selected);
    for (const item of items) areAll ? next.delete(mark(item.id)) : next.set(mark(item.id), item);
    setSelected(next);
  };

  return html`<section aria-labelledby="module">
    <div class="head">
      <h2 id="module">${module.name}</h2>
      <div class="actions">
        <a class="button main" href=${link(module.name, "new")}>${t("new_item")}</a>
        <a class="button" href=${link(module.name, "import")}>${t("import")}</a>
        <a class="button" href=${link(module.name, "export")}>${t("export")}</a>
      </div>
    </div>
    <${ById} module=${module} />
    <${Query} key=${place} module=${module} params=${params} looked=${looked} />
    ${refusal && html`<p class="reason">${refusal}</p>`}
    ${
      failure &&
      html`<p class="wrong" role="alert">
      ${failure.message} <button type="button" onClick=${reload}>${t("again")}</button>
    </p>`
    }
    <p class="hint" role="status">
      ${isBusy ? t("loading") : page && t(items.length === 0 ? "nothing" : "page", { page: cursors.length, n: items.length })}
    </p>
    ${
      items.length > 0 &&
      html`<${Table} ...${{ module, items, shown, selected, toggle, toggleAll, areAll }} />
      <${Columns} known=${known} shown=${shown} onChoose=${choose} />`
    }
    <div class="actions">
      <button
        type="button"
        disabled=${isBusy || cursors.length === 1}
        onClick=${() => load(cursors.slice(0, -1))}
      >
        ${t("previous")}
      </button>
      <button type="button" disabled=${isBusy || !page?.next} onClick=${() => load([...cursors, page.next])}>
        ${t("next")}
      </button>
      <button type="button" disabled=${isBusy || Boolean(refusal)} onClick=${reload}>${t("reload")}</button>
    </div>
    ${selected.size > 0 && html`<${Selected} ...${{ api, module, selected, setSelected, reload }} />`}
  </section>`;
}

/** Notes which members these documents have. */
function noteMembers(module, items) {
  const members = seenMembers.get(module.name) ?? new Map();
  seenMembers.set(module.name, members);
  for (const { document } of items) {
    for (const { name, value } of document?.members ?? []) {
      const { count, isNested } = members.get(name) ?? { count: 0, isNested: false };
      const isDeep = value.type === "object" || value.type === "array";
      members.set(name, { count: count + 1, isNested: isNested || isDeep });
    }
  }
}

/** The members that were seen: short ones first, then those of the schema, then what most have. */
function columnsOf(module) {
  const members = seenMembers.get(module.name) ?? new Map();
  const order = Object.keys(module.resolve(module.schema).properties ?? {});
  const rank = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...members.keys()].sort((one, other) => {
    const [first, second] = [members.get(one), members.get(other)];
    return first.isNested - second.isNested || rank(one) - rank(other) || second.count - first.count;
  });
}

function Table({ module, items, shown, selected, toggle, toggleAll, areAll }) {
  const isWhole = items.some(({ document }) => document && document.type !== "object");
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${t("items_of", { module: module.name })}>
    <table>
      <thead>
        <tr>
          <th class="check"><input type="checkbox" aria-label=${t("select_page")} checked=${areAll} onChange=${toggleAll} /></th>
          <th scope="col">${module.key.map(({ name }) => name).join(" / ")}</th>
          ${shown.map((name) => html`<th scope="col" key=${`c ${name}`}>${name}</th>`)}
          ${isWhole && html`<th scope="col">${t("document")}</th>`}
        </tr>
      </thead>
      <tbody>
        ${items.map(
          (item) => html`<tr key=${mark(item.id)}>
            <td class="check">
              <input
                type="checkbox"
                aria-label=${t("select", { id: idText(item.id) })}
                checked=${selected.has(mark(item.id))}
                onChange=${() => toggle(item)}
              />
            </td>
            <th scope="row"><a href=${link(module.name, "item", item.id)}>${idText(item.id)}</a></th>
            ${shown.map((name) => html`<td key=${`c ${name}`}>${brief(member(item.document, name))}</td>`)}
            ${isWhole && html`<td>${item.document?.type === "object" ? "" : brief(item.document)}</td>`}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function Columns({ known, shown, onChoose }) {
  const toggle = (name) =>
    onChoose(shown.includes(name) ? shown.filter((one) => one !== name) : [...shown, name]);
  return html`<details class="columns">
    <summary>${t("columns")}</summary>
    <div class="choices">
      ${known.slice(0, 200).map(
        (name) => html`<label key=${`c ${name}`}>
          <input type="checkbox" checked=${shown.includes(name)} onChange=${() => toggle(name)} /> ${name}
        </label>`,
      )}
    </div>
  </details>`;
}

function ById({ module }) {
  const [values, setValues] = useState(module.key.map(() => ""));
  const open = (event) => {
    event.preventDefault();
    if (values.every((value) => value !== "")) go(link(module.name, "item", values));
  };
  return html`<form class="row by-id" onSubmit=${open}>
    ${module.key.map(
      ({ name }, index) => html`<label key=${name}>
        ${name}
        <input
          value=${values[index]}
          autocomplete="off"
          onInput=${(event) => setValues(values.with(index, event.target.value))}
        />
      </label>`,
    )}
    <button disabled=${values.includes("")}>${t("open")}</button>
  </form>`;
}

/** What is listed: all, a partition, or what an index has, with a condition on the sort key. */
function Query({ module, params, looked }) {
  const form = useRef();
  const [chosen, setChosen] = useState(
    looked.index ? `i ${looked.index.name}` : looked.partition === undefined ? "" : "p",
  );
  const [operator, setOperator] = useState(params.get("op") ?? "");
  const hasPartition = module.key.length === 2;
  if (!hasPartition && module.indexes.length === 0) return null;
  const index = module.indexes.find(({ name }) => chosen === `i ${name}`);
  const [first, sort] = index ? index.key : chosen === "p" ? module.key : [];
  const submit = (event) => {
    event?.preventDefault();
    const data = new FormData(form.current);
    const next = new URLSearchParams();
    if (index) {
      next.set("index", index.name);
      next.set("value", data.get("value"));
    } else if (chosen === "p") next.set("partition", data.get("value"));
    if (data.get("from")) {
      next.set("from", data.get("from"));
      if (operator) next.set("op", operator);
      if (operator === "between") next.set("to", data.get("to"));
    }
    if (data.get("order") === "desc") next.set("order", "desc");
    go(link(module.name, "list", [], next));
  };
  const operators = ["", "lt", "le", "gt", "ge", "between", ...(sort?.type === "S" ? ["begins_with"] : [])];
  return html`<form class="query row" ref=${form} onSubmit=${submit}>
    <span>
      <label for="list-by">${t("list_by")}</label>
      <select
        id="list-by"
        value=${chosen}
        onChange=${(event) => (setChosen(event.target.value), event.target.value === "" && go(link(module.name, "list")))}
      >
        <option value="">${t("everything")}</option>
        ${hasPartition && html`<option value="p">${module.key[0].name}</option>`}
        ${module.indexes.map(({ name, key }) => html`<option value=${`i ${name}`}>${key[0].name} (${name})</option>`)}
      </select>
    </span>
    ${
      first &&
      html`<label>
      ${first.name}
      <input name="value" required defaultValue=${params.get("value") ?? params.get("partition") ?? ""} autocomplete="off" />
    </label>`
    }
    ${
      sort &&
      html`<span>
        <span class="name" aria-hidden="true">${sort.name}</span>
        <select value=${operator} aria-label=${t("condition_on", { name: sort.name })} onChange=${(event) => setOperator(event.target.value)}>
          ${operators.map((one) => html`<option value=${one}>${t(`operator_${one || "eq"}`)}</option>`)}
        </select>
      </span>
      <input name="from" aria-label=${t("value_of", { name: sort.name })} defaultValue=${params.get("from") ?? ""} autocomplete="off" />
      ${
        operator === "between" &&
        html`<input name="to" aria-label=${t("value_to", { name: sort.name })} defaultValue=${params.get("to") ?? ""} autocomplete="off" />`
      }`
    }
    ${
      first &&
      html`<span>
        <label for="order">${t("order")}</label>
        <select id="order" name="order">
          <option value="asc" selected=${params.get("order") !== "desc"}>${t("ascending")}</option>
          <option value="desc" selected=${params.get("order") === "desc"}>${t("descending")}</option>
        </select>
      </span>
      <button>${t("show")}</button>`
    }
  </form>`;
}

/** What can be done with several items. */
function Selected({ api, module, selected, setSelected, reload }) {
  const [isBusy, setBusy] = useState(false);
  const items = [...selected.values()];
  const mayNotDelete = whyNot(api, module, "DELETE") ?? whyNot(api, module, "GET");
  const mayNotExport = whyNot(api, module, "BATCH");
  const run = async (work) => {
    setBusy(true);
    try {
      await action(work);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      notice(error.message, { isBad: true });
    } finally {
      setBusy(false);
    }
  };
  const removeAll = async () => {
    const answer = [{ label: t("delete"), value: true, isBad: true }];
    if (!(await ask(t("delete_several", { n: items.length }), t("delete_several_text"), answer))) return;
    await run(async () => {
      const { removed, kept } = await removeMany(api, module, items);
      for (const { id, message } of kept) notice(`${idText(id)}: ${message}`, { isBad: true });
      if (removed.length > 0) {
        notice(t("deleted_several", { n: removed.length }), {
          action: { label: t("undo"), run: () => bringBack(api, module, removed) },
        });
      }
      setSelected(new Map());
      reload();
    });
  };
  const exportAs = (format) =>
    run(async () => {
      const found = [];
      for (let from = 0; from < items.length; from += 100) {
        const ids = items.slice(from, from + 100).map(({ id }) => id);
        const documents = await getMany(api, module, ids);
        ids.forEach((id, at) => found.push({ id, document: documents[at].document }));
      }
      exportItems(
        module,
        found.filter(({ document }) => document !== undefined),
        format,
      );
    });
  return html`<div class="actions sticky" role="group" aria-label=${t("selected", { n: items.length })}>
    <strong>${t("selected", { n: items.length })}</strong>
    <button type="button" class="bad" disabled=${isBusy || Boolean(mayNotDelete)} title=${mayNotDelete} onClick=${removeAll}>
      ${t("delete")}
    </button>
    <button type="button" disabled=${isBusy || Boolean(mayNotExport)} title=${mayNotExport} onClick=${() => exportAs("jsonl")}>
      ${t("export_jsonl")}
    </button>
    <button type="button" disabled=${isBusy || Boolean(mayNotExport)} title=${mayNotExport} onClick=${() => exportAs("csv")}>
      ${t("export_csv")}
    </button>
    <button type="button" onClick=${() => setSelected(new Map())}>${t("select_none")}</button>
    ${mayNotDelete && html`<p class="reason">${t("delete")}: ${mayNotDelete}</p>`}
  </div>`;
}

/**
 * Deletes items one by one, each only if it still is what the list showed: a batch has no conditions.
 * What is gone already counts as deleted by somebody else, and is left out.
 */
async function removeMany(api, module, items) {
  const removed = [];
  const kept = [];
  await inParallel(items, async ({ id, document }) => {
    try {
      const now = await get(api, module, id);
      if (!same(now.document, document)) throw new Refusal(412, t("changed_since"));
      await remove(api, module, id, now.tag);
      removed.push({ id, document: now.document });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status !== 404)
        kept.push({ id, message: error.status === 412 ? t("changed_since") : error.message });
    }
  });
  return { removed: removed.filter(({ document }) => document !== undefined), kept };
}
