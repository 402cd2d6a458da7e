// The versions of an item: what each was, how it differs from what is there now, and its way back.

import { html, useEffect, useLatest, useState } from "./html.js";
import { Refusal, action, get, versions, write, writer } from "./api.js";
import { Changes } from "./conflict.js";
import { idText, isReachable } from "./describe.js";
import { differences } from "./diff.js";
import { same } from "./json.js";
import { link } from "./nav.js";
import { notice } from "./notice.js";
import { credentials, whyNot } from "./session.js";
import { language, t } from "./words.js";

/** How often, and after which pause, it is looked whether a version is there that was just written. */
const LOOKS = 10;
const PAUSE = 500;

/** Leads from an item's document to its history, where there is one. */
export function ToHistory({ module, id }) {
  if (!module.calls.HISTORY) return null;
  return html`<a class="button" href=${link(module.name, "history", id)}>${t("history")}</a>`;
}

/** The item as it is now, of which the document and the tag are undefined where there is none. */
async function currentOf(api, module, id) {
  try {
    return await get(api, module, id);
  } catch (error) {
    if (error.status !== 404) throw error;
    return { document: undefined, tag: undefined };
  }
}

export function History({ api, module, id }) {
  const [loaded, setLoaded] = useState();
  const [failure, setFailure] = useState();
  const [isBusy, setBusy] = useState(false);
  const read = async () => {
    if (!isReachable(id)) throw new Refusal(0, t("unreachable"));
    const [current, page] = await Promise.all([
      currentOf(api, module, id),
      versions(api, module, id),
    ]);
    return { current, ...page };
  };
  const latest = useLatest();
  const load = () => {
    setFailure(undefined);
    return latest(action(read), setLoaded, setFailure);
  };
  useEffect(() => {
    load();
  }, [credentials.get()]);

  const run = (work) => {
    setBusy(true);
    return action(work)
      .catch((error) => {
        if (!(error instanceof Refusal)) throw error;
        notice(error.message, { isBad: true });
      })
      .finally(() => setBusy(false));
  };
  const more = () =>
    run(async () => {
      const page = await versions(api, module, id, loaded.next);
      setLoaded({ ...loaded, all: [...loaded.all, ...page.all], next: page.next });
    });
  /** A save like any other: nothing that somebody has written meanwhile is lost. */
  const bringBack = (document) =>
    run(async () => {
      const { tag } = loaded.current;
      try {
        await write(api, module, id, document, tag ? { "if-match": tag } : { "if-none-match": "*" });
      } catch (error) {
        if (error.status !== 412) throw error;
        setLoaded(await read());
        throw new Refusal(412, t("changed_since"));
      }
      notice(t("brought_back_version", { id: idText(id) }));
      const count = loaded.all.length;
      for (let looks = 1; ; looks += 1) {
        const now = await read();
        const isThere = now.all[0]?.time !== loaded.all[0]?.time || now.all.length > count;
        if (isThere || looks === LOOKS) return setLoaded(now);
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    });

  if (failure) {
    return html`<div class="failure">
      <p role="alert">${failure.message}</p>
      <button type="button" onClick=${load}>${t("again")}</button>
    </div>`;
  }
  if (!loaded) return html`<p class="hint" role="status">${t("loading")}</p>`;
  const { current, all, next } = loaded;
  const isThere = current.tag !== undefined;
  const refusal = whyNot(api, module, writer(module));
  return html`<section class="history" aria-labelledby="history" aria-busy=${isBusy ? "true" : undefined}>
    <h2 id="history">${t("history_of", { id: idText(id) })}</h2>
    <p class="actions">
      ${isThere ? html`<a class="button" href=${link(module.name, "item", id)}>${t("document")}</a>` : html`<span class="hint">${t("no_item_now")}</span>`}
      <button type="button" disabled=${isBusy} onClick=${load}>${t("reload")}</button>
    </p>
    ${all.length === 0 && html`<p class="hint">${t("no_versions")}</p>`}
    ${refusal && html`<p class="reason">${t("bring_back")}: ${refusal}</p>`}
    <ol class="versions" reversed>
      ${all.map(
        (version, at) => html`<${Version}
          key=${`${version.time} ${all.length - at}`}
          ...${{ version, current, isThere, isBusy, refusal }}
          onBringBack=${bringBack}
        />`,
      )}
    </ol>
    ${next && html`<button type="button" disabled=${isBusy} onClick=${more}>${t("older")}</button>`}
  </section>`;
}

function Version({ version, current, isThere, isBusy, refusal, onBringBack }) {
  const { kind, time, by, document } = version;
  const when = new Date(time).toLocaleString(language.get(), { dateStyle: "medium", timeStyle: "medium" });
  const isNow = document !== undefined && isThere && same(document, current.document);
  const changes = document === undefined || isNow ? [] : differences(current.document, document);
  return html`<li>
    <p class="head">
      <span><time datetime=${time}>${when}</time> · ${t(`kind_${kind}`)}${by && ` · ${by}`}</span>
      ${isNow && html`<span class="hint">${t("is_now")}</span>`}
      ${
        document !== undefined &&
        !isNow &&
        html`<button
        type="button"
        aria-label=${t("bring_back_of", { time: when })}
        disabled=${isBusy || Boolean(refusal)}
        title=${refusal}
        onClick=${() => onBringBack(document)}
      >
        ${t("bring_back")}
      </button>`
      }
    </p>
    ${
      changes.length > 0 &&
      html`<details>
      <summary>${t("differs", { n: changes.length })}</summary>
      <${Changes} differences=${changes} />
    </details>`
    }
  </li>`;
}
