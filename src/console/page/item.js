// One item: read, edited as a form or as text, created, duplicated, deleted.

import { html, useEffect, useLatest, useRef, useState } from "./html.js";
import { Refusal, action, create, get, patch, remove, write, writer } from "./api.js";
import { useChanges } from "./changes.js";
import { Changes, Conflict } from "./conflict.js";
import { idText, isReachable } from "./describe.js";
import { differences, patchOf, rows } from "./diff.js";
import { Form, blank } from "./form.js";
import { ToHistory } from "./history.js";
import { hasTwice, numberText, object, pathOf, pointer, print, put, same } from "./json.js";
import { go, hasUnsaved, link, setUnsaved, useUnsaved } from "./nav.js";
import { ask, notice } from "./notice.js";
import { credentials, whyNot } from "./session.js";
import { JsonEditor, parsed } from "./text.js";
import { t } from "./words.js";

/** The item with this id; without one, a new item, which may begin as a copy of the item `copyOf`. */
export function Item({ api, module, id, copyOf }) {
  const [loaded, setLoaded] = useState();
  const [failure, setFailure] = useState();
  const latest = useLatest();
  const load = () => {
    setFailure(undefined);
    setLoaded(undefined);
    const answer = action(async () => {
      const source = id ?? copyOf;
      if (!source) return { document: blank(module) };
      if (!isReachable(source)) throw new Refusal(0, t("unreachable"));
      await listens();
      const found = await get(api, module, source);
      return id ? found : { document: found.document ?? object([]) };
    });
    return latest(answer, setLoaded, setFailure);
  };
  const edited = useRef();
  const listens = useChanges(api, module, (change) => {
    const isOf = id && (change?.id.every((value, at) => value === id[at]) ?? true);
    if (isOf) (edited.current ?? load)(change);
  });
  // Another token may be of another tenant. What is edited stays: a token may have expired meanwhile.
  useEffect(() => {
    if (!hasUnsaved()) load();
  }, [credentials.get()]);
  if (failure) {
    return html`<div class="failure">
      <p role="alert">${failure.status === 404 ? t("no_item") : failure.message}</p>
      <button type="button" onClick=${load}>${t("again")}</button>
      ${failure.status === 404 && id && html`<${ToHistory} module=${module} id=${id} />`}
    </div>`;
  }
  if (!loaded) return html`<p class="hint" role="status">${t("loading")}</p>`;
  return html`<${Editor} ...${{ api, module, id, loaded, setLoaded, load, latest, edited, isCopy: Boolean(copyOf) }} />`;
}

/**
 * Whether a patch is to be sent of an edit. It can't say all that a text can: another order of members,
 * or the same member twice.
 */
function isForPatch(api, module, { base, draft, isText }) {
  const canWrite = module.calls[writer(module)];
  return (
    !whyNot(api, module, "PATCH") &&
    base !== undefined &&
    !(isText && canWrite) &&
    !hasTwice(base) &&
    !hasTwice(draft)
  );
}

/** Whether an item that is read again is what is shown already. */
function isSeen(found, shown) {
  return found.tag === shown.tag && same(found.document, shown.document) && String(found.stamps) === String(shown.stamps);
}

function Editor({ api, module, id, loaded, setLoaded, load, latest, edited, isCopy }) {
  const isNew = id === undefined;
  const base = isNew ? undefined : loaded.document;
  const begin = loaded.document ?? object([]);
  const [draft, setDraft] = useState(begin);
  const [text, setText] = useState();
  const [invalid, setInvalid] = useState({});
  const [violations, setViolations] = useState([]);
  const [newId, setNewId] = useState(module.key.map(() => ""));
  const [conflict, setConflict] = useState();
  const [isBusy, setBusy] = useState(false);
  const [reverts, setReverts] = useState(0);
  const [isStale, setStale] = useState(false);
  const focused = useRef();
  // Fields can't be edited while they are saved, and a browser takes the focus from such a field.
  useEffect(() => {
    if (!isBusy && window.document.activeElement === window.document.body) focused.current?.focus();
  }, [isBusy]);
  const [seen, setSeen] = useState(loaded);
  if (seen !== loaded) {
    // What is stored now takes the place of what was edited.
    setSeen(loaded);
    setStale(false);
    setDraft(begin);
    setText(text === undefined ? undefined : print(begin, 2));
    setViolations([]);
    setInvalid({});
  }
  const typed = text === undefined ? { value: draft } : parsed(text);
  const hasOtherText = text !== undefined && (!typed.value || print(typed.value) !== print(begin));
  const isFilledIn = isCopy || newId.some((value) => value !== "");
  const isEdited = hasOtherText || (text === undefined && !same(draft, begin)) || (isNew && isFilledIn);
  const isChanged = isEdited || Object.keys(invalid).length > 0;
  useUnsaved(isChanged);

  const changes = typed.value && !isNew ? differences(base, typed.value) : [];
  const isText = text !== undefined;
  const isPatch = isForPatch(api, module, { base, draft: typed.value ?? draft, isText });
  const sends = isPatch ? "PATCH" : writer(module);
  const refusal = isNew ? whyNotNew(api, module, newId) : whyNot(api, module, sends);
  const mayNotDelete = isNew ? undefined : whyNot(api, module, "DELETE");
  const wrong = [
    ...violations,
    ...Object.entries(invalid).map(([pointer, message]) => ({ pointer, message })),
  ];

  const run = (work) => {
    focused.current = window.document.activeElement;
    setBusy(true);
    return action(work)
      .catch((error) => {
        if (!(error instanceof Refusal)) throw error;
        setViolations(error.details);
        if (error.details.length === 0) notice(error.message, { isBad: true });
        else notice(t("refused", { n: error.details.length }), { isBad: true });
      })
      .finally(() => setBusy(false));
  };
  /** Goes on from what is stored now. */
  const reload = () =>
    latest(get(api, module, id), setLoaded, (error) => {
      throw error;
    });
  edited.current = (change) => {
    // A save reads the item again by itself.
    if (isBusy || conflict) return;
    if (change && same(change.after, loaded.document)) return;
    if (change && isChanged) return setStale(true);
    const show = (found) => {
      if (isSeen(found, loaded)) return;
      if (hasUnsaved()) setStale(true);
      else setLoaded(found);
    };
    latest(get(api, module, id), show, load);
  };
  useEffect(
    () => () => {
      edited.current = undefined;
    },
    [],
  );

  /** Writes the document in the place of this one, which was seen last; it may be absent. */
  const save = (document, from = loaded) =>
    run(async () => {
      setViolations([]);
      try {
        if (isForPatch(api, module, { base: from.document, draft: document, isText })) {
          await patch(api, module, id, patchOf(differences(from.document, document)), from.tag);
        } else {
          const condition = from.tag ? { "if-match": from.tag } : { "if-none-match": "*" };
          await write(api, module, id, document, condition);
        }
      } catch (error) {
        if (error.status !== 412) throw error;
        return meet(document);
      }
      setUnsaved(false);
      notice(t("saved", { id: idText(id) }));
      await reload();
    });

  /** Somebody else has written the item: shows both, unless it was this page's own lost answer. */
  const meet = async (mine) => {
    const theirs = await get(api, module, id).catch((error) => {
      if (error.status !== 404) throw error;
      return { document: undefined };
    });
    if (same(theirs.document, mine)) {
      setUnsaved(false);
      notice(t("saved", { id: idText(id) }));
      return setLoaded(theirs);
    }
    setConflict({ theirs, rows: rows(base, mine, theirs.document) });
  };

  const saveNew = () =>
    run(async () => {
      setViolations([]);
      const key = keyOf(module, newId);
      let created = key;
      if (key.length === module.key.length) {
        if (!isReachable(key)) throw new Refusal(0, t("unreachable"));
        try {
          await write(api, module, key, typed.value, { "if-none-match": "*" });
        } catch (error) {
          if (error.status !== 412) throw error;
          const there = error.isRepeated ? await get(api, module, key) : {};
          if (!same(there.document, typed.value)) throw new Refusal(412, t("id_taken", { id: idText(key) }));
        }
      } else {
        created = await create(api, module, key[0], typed.value);
      }
      setUnsaved(false);
      notice(t("created", { id: idText(created) }));
      go(link(module.name, "item", created));
    });

  const removeItem = () =>
    run(async () => {
      try {
        await remove(api, module, id, loaded.tag);
      } catch (error) {
        if (error.status !== 412) throw error;
        if (isEdited && typed.value) return meet(typed.value);
        await reload();
        throw new Refusal(412, t("changed_since"));
      }
      setUnsaved(false);
      notice(t("deleted", { id: idText(id) }), {
        action: base && { label: t("undo"), run: () => bringBack(api, module, [{ id, document: base }]) },
      });
      go(link(module.name, "list"));
    });

  const askToDelete = async () => {
    const answer = [{ label: t("delete"), value: true, isBad: true }];
    if (await ask(t("delete_title", { id: idText(id) }), t("delete_text"), answer)) removeItem();
  };

  const submit = (event) => {
    event.preventDefault();
    if (typed.value === undefined || Object.keys(invalid).length > 0 || refusal || isBusy) return;
    if (isNew) saveNew();
    else if (isEdited) save(typed.value);
  };

  const edit = (path, value) => {
    setDraft((draft) => put(draft, path, value) ?? object([]));
    const cleared = pointer(path);
    setViolations((all) => all.filter((one) => one.pointer !== cleared));
  };
  const markInvalid = (path, message) =>
    setInvalid((all) => {
      const { [pointer(path)]: _, ...others } = all;
      return message ? { ...others, [pointer(path)]: message } : others;
    });
  const revert = () => {
    setDraft(begin);
    setText(undefined);
    setInvalid({});
    setViolations([]);
    // Fields that hold what is not valid are made anew.
    setReverts(reverts + 1);
  };
  const toJson = () => {
    setInvalid({});
    setText(print(draft, 2));
  };
  const toForm = () => {
    setDraft(typed.value);
    setText(undefined);
  };

  /** Shows what somebody else has left, where that is anything. */
  const accept = (theirs) => {
    setConflict(undefined);
    setUnsaved(false);
    if (theirs.document === undefined) go(link(module.name, "list"));
    else setLoaded(theirs);
  };
  const saveChosen = (document) => {
    if (same(document, conflict.theirs.document)) return accept(conflict.theirs);
    setConflict(undefined);
    setText(undefined);
    setDraft(document);
    save(document, conflict.theirs);
  };

  if (conflict) {
    const { theirs, rows } = conflict;
    return html`<${Conflict}
      rows=${rows}
      theirs=${theirs.document}
      isBusy=${isBusy}
      onSave=${saveChosen}
      onDiscard=${() => accept(theirs)}
    />`;
  }
  return html`<form class="editor" onSubmit=${submit} aria-busy=${isBusy ? "true" : undefined} noValidate>
    <h2>${isNew ? t("new_item") : idText(id)}</h2>
    ${!isNew && base === undefined && html`<p class="hint">${t("foreign")}</p>`}
    ${loaded.stamps?.length > 0 && html`<p class="hint stamps">${loaded.stamps.map((stamp) => stamp.join(": ")).join(" · ")}</p>`}
    ${isStale && html`<p class="hint" role="status">${t("stale")}</p>`}
    ${isNew && html`<${NewId} module=${module} value=${newId} onChange=${setNewId} />`}
    <div class="tabs" role="group" aria-label=${t("edit_as")}>
      <button
        type="button"
        aria-pressed=${text === undefined ? "true" : "false"}
        disabled=${typed.value === undefined}
        onClick=${() => text !== undefined && toForm()}
      >
        ${t("form")}
      </button>
      <button
        type="button"
        aria-pressed=${text === undefined ? "false" : "true"}
        onClick=${() => text === undefined && toJson()}
      >
        JSON
      </button>
      ${!isNew && html`<${ToHistory} module=${module} id=${id} />`}
    </div>
    ${violations.length > 0 && html`<${Wrong} violations=${violations} />`}
    ${
      text === undefined
        ? html`<${Form}
          key=${reverts}
          module=${module}
          document=${draft}
          violations=${wrong}
          onChange=${edit}
          onInvalid=${markInvalid}
          isDisabled=${isBusy}
        />`
        : html`<${JsonEditor} ...${{ text, parsed: typed, violations, isBusy }} onChange=${setText} />`
    }
    <div class="sticky">
      ${
        changes.length > 0 &&
        html`<details class="review" open>
        <summary>
          ${t("changes", { n: changes.length })}
          <span class="hint">${sends === "PATCH" ? t("sends_patch") : t("sends_whole")}</span>
        </summary>
        <${Changes} differences=${changes} />
      </details>`
      }
      <${Actions}
        ...${{ module, id, isBusy, refusal, mayNotDelete, isChanged }}
        canSave=${(isNew || isEdited) && typed.value !== undefined && Object.keys(invalid).length === 0}
        onRevert=${revert}
        onDelete=${askToDelete}
      />
    </div>
  </form>`;
}

function Actions({ module, id, isBusy, refusal, mayNotDelete, isChanged, canSave, onRevert, onDelete }) {
  const copy = link(module.name, "new", [], { copy: JSON.stringify(id) });
  return html`<div class="actions">
    <button class="main" disabled=${isBusy || Boolean(refusal) || !canSave}>${t(id ? "save" : "create")}</button>
    ${
      id &&
      html`<button type="button" disabled=${!isChanged} onClick=${onRevert}>${t("revert")}</button>
      <a class="button" href=${copy}>${t("duplicate")}</a>
      <button
        type="button"
        class="bad"
        disabled=${isBusy || Boolean(mayNotDelete)}
        title=${mayNotDelete}
        onClick=${onDelete}
      >
        ${t("delete")}
      </button>`
    }
    ${refusal && html`<p class="reason">${refusal}</p>`}
    ${mayNotDelete && mayNotDelete !== refusal && html`<p class="reason">${t("delete")}: ${mayNotDelete}</p>`}
  </div>`;
}

/** Creates deleted items again, unless somebody else has done so. */
export function bringBack(api, module, items) {
  return action(async () => {
    let failed = 0;
    for (const { id, document } of items) {
      try {
        await write(api, module, id, document, { "if-none-match": "*" });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        failed += 1;
        notice(`${idText(id)}: ${error.message}`, { isBad: true });
      }
    }
    if (failed < items.length) notice(t("brought_back", { n: items.length - failed }));
    window.dispatchEvent(new Event("items-changed"));
  });
}

/** The values of the key that are filled in; those that are left out are the API's to make up. */
function keyOf(module, values) {
  const filled = values.map((value, index) =>
    module.key[index].type === "N" ? (numberText(value) ?? value) : value,
  );
  return filled.at(-1) === "" ? filled.slice(0, -1).filter((value) => value !== "") : filled;
}

function whyNotNew(api, module, values) {
  const isWhole = values.every((value) => value !== "");
  if (isWhole) return whyNot(api, module, writer(module));
  const call = module.key.length === 2 ? "CREATE_IN" : "CREATE";
  const needs = module.key.filter((_, index) => values[index] === "").map(({ name }) => name);
  const makesUp = module.calls[call] && (module.key.length === 1 || values[0] !== "");
  return makesUp ? whyNot(api, module, call) : t("fill_in", { names: needs.join(", ") });
}

function NewId({ module, value, onChange }) {
  const call = module.key.length === 2 ? "CREATE_IN" : "CREATE";
  return html`<div class="form">
    ${module.key.map(
      ({ name, type }, index) => html`<div class="field" key=${name}>
        <label for=${`key-${index}`}>${name}</label>
        <input
          id=${`key-${index}`}
          value=${value[index]}
          autocomplete="off"
          inputmode=${type === "N" ? "decimal" : undefined}
          aria-describedby=${`key-${index}-hint`}
          onInput=${(event) => onChange(value.with(index, event.target.value))}
        />
        <p class="hint" id=${`key-${index}-hint`}>
          ${index === module.key.length - 1 && module.calls[call] ? t("id_made_up") : t("id_needed")}
        </p>
      </div>`,
    )}
  </div>`;
}

/** All that the API has refused, each with a link to its field. */
function Wrong({ violations }) {
  const heading = useRef();
  useEffect(() => heading.current.focus(), []);
  const show = (event, pointer) => {
    event.preventDefault();
    window.document.getElementById(`field${pointer}`)?.focus();
  };
  return html`<div class="wrong" role="alert">
    <p tabindex="-1" ref=${heading}>${t("wrong", { n: violations.length })}</p>
    <ul>
      ${violations.map(
        ({ pointer, message }) => html`<li>
          <a href="#" onClick=${(event) => show(event, pointer)}>${pathOf(pointer).join(" › ") || t("document")}</a>
          : ${message}
        </li>`,
      )}
    </ul>
  </div>`;
}
