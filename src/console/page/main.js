// The page as a whole: the modules, who is signed in, what is shown, and what it costs.

import { html, render, useEffect, useState } from "./html.js";
import { description } from "./api.js";
import { describe, idText } from "./describe.js";
import { History } from "./history.js";
import { Item } from "./item.js";
import { List } from "./list.js";
import { link, route } from "./nav.js";
import { Notices, Question } from "./notice.js";
import { claimsOf, cost, credentials, show, tenantOf } from "./session.js";
import { Export, Import } from "./transfer.js";
import { LANGUAGES, choose, figure, language, t } from "./words.js";

function App() {
  const [api, setApi] = useState();
  const [failure, setFailure] = useState();
  const { module: name, view, id, query } = route.use();
  language.use();
  credentials.use();
  useEffect(() => {
    description().then(describe).then(setApi, setFailure);
  }, []);
  useEffect(() => {
    const item = view === "item" || view === "history" ? idText(id) : undefined;
    document.title = [item, name, api?.title, t("console")].filter(Boolean).join(" · ");
  });
  // What was clicked may be gone with the view before.
  useEffect(() => {
    const main = document.getElementById("main");
    if (document.activeElement === document.body && location.hash) main.focus({ preventScroll: true });
  }, [name, view, id.join("/")]);
  const module = api?.modules.find((one) => one.name === name);
  return html`
    <a class="skip" href="#main" onClick=${skip}>${t("skip")}</a>
    <header>
      <h1><a href="#/">${api?.title ?? t("console")}</a></h1>
      <${Language} />
    </header>
    <div class="columns-of-page">
      ${
        api &&
        html`<nav aria-label=${t("modules")}>
        <${Modules} api=${api} current=${name} />
        ${
          api.guards.length > 0 &&
          html`<details class="who" open=${innerWidth > 736}>
          <summary>${t("who")}</summary>
          ${api.guards.map((guard) => html`<${Credential} key=${guard.name} guard=${guard} />`)}
        </details>`
        }
      </nav>`
      }
      <main id="main" tabindex="-1">
        ${failure && html`<p class="wrong" role="alert">${t("no_description", { message: failure.message })}</p>`}
        ${!api && !failure && html`<p role="status">${t("loading")}</p>`}
        ${api && !module && html`<p>${t(api.modules.length === 0 ? "no_modules" : name ? "no_module" : "choose_module")}</p>`}
        ${
          module &&
          html`<${Tenant} api=${api} module=${module} />
          <${View} key=${module.name} ...${{ api, module, view, id, query }} />`
        }
      </main>
    </div>
    <footer><${Cost} /></footer>
    <${Notices} />
    <${Question} />
  `;
}

/** The address has the view, and not a place on the page. */
function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function View({ api, module, view, id, query }) {
  const values = copied(query.get("copy"));
  // Another item has a component of its own: no answer for one can be taken for another's.
  const key = JSON.stringify([view, id, values]);
  if (view === "item" && id.length === module.key.length)
    return html`<${Item} key=${key} ...${{ api, module, id }} />`;
  if (view === "history" && id.length === module.key.length && module.calls.HISTORY)
    return html`<${History} key=${key} ...${{ api, module, id }} />`;
  if (view === "new") return html`<${Item} key=${key} ...${{ api, module, copyOf: values }} />`;
  if (view === "import") return html`<${Import} ...${{ api, module }} />`;
  if (view === "export") return html`<${Export} ...${{ api, module }} />`;
  return html`<${List} ...${{ api, module, params: query }} />`;
}

function copied(text) {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function Modules({ api, current }) {
  const [search, setSearch] = useState("");
  const words = search.toLowerCase();
  const found = api.modules.filter(({ name }) => name.toLowerCase().includes(words));
  return html`
    ${
      api.modules.length > 10 &&
      html`<label class="search">
      ${t("search_module")}
      <input type="search" value=${search} onInput=${(event) => setSearch(event.target.value)} />
    </label>`
    }
    <ul class="modules">
      ${found.map(
        ({ name }) => html`<li key=${name}>
          <a href=${link(name, "list")} aria-current=${name === current ? "page" : undefined}>${name}</a>
        </li>`,
      )}
    </ul>
  `;
}

/** The field for a guard's token or key, and what a token says of its holder. */
function Credential({ guard }) {
  const [typed, setTyped] = useState("");
  const shown = credentials.get()[guard.name];
  const claims = guard.isKey || !shown ? undefined : claimsOf(shown);
  const submit = (event) => {
    event.preventDefault();
    show(guard.name, typed.trim());
    setTyped("");
  };
  const id = `credential-${guard.name}`;
  const until = claims?.exp && new Date(claims.exp * 1000);
  return html`<form class="credential" onSubmit=${submit}>
    <label for=${id}>${t(guard.isKey ? "key_for" : "token_for", { guard: guard.name })}</label>
    <div class="row">
      <input id=${id} type="password" autocomplete="off" value=${typed} onInput=${(event) => setTyped(event.target.value)} />
      <button disabled=${typed.trim() === ""}>${t("use")}</button>
    </div>
    ${
      shown &&
      html`<p class="hint">
      ${claims?.sub ? t("signed_in_as", { name: claims.sub }) : t("signed_in")}
      ${until && ` · ${t(until < new Date() ? "expired" : "until", { time: until.toLocaleString(language.get()) })}`}
      ${" "}<button type="button" onClick=${() => show(guard.name, "")}>${t("sign_out")}</button>
    </p>`
    }
  </form>`;
}

function Tenant({ api, module }) {
  const tenant = tenantOf(api, module);
  return tenant === undefined ? null : html`<p class="tenant">${t("tenant")} <strong>${tenant}</strong></p>`;
}

function Language() {
  return html`<span>
    <label class="hidden" for="language">${t("language")}</label>
    <select id="language" value=${language.get()} onChange=${(event) => choose(event.target.value)}>
      ${Object.entries(LANGUAGES).map(([tag, [name]]) => html`<option value=${tag} lang=${tag}>${name}</option>`)}
    </select>
  </span>`;
}

/** What the last action and the whole session have cost, where the API says it. */
function Cost() {
  const { total, last } = cost.use();
  if (!total.isTimed)
    return total.calls > 0 ? html`<p class="hint">${t("calls", { n: total.calls })}</p>` : null;
  const spent = ({ calls, ms, read, write }) =>
    t("spent", { n: calls, ms: figure(ms, 1), read: figure(read, 1), write: figure(write, 1) });
  return html`<p class="cost">
    ${last && html`<span>${t("last_action")} ${spent(last)}</span>`}
    <span>${t("session")} ${spent(total)}</span>
  </p>`;
}

render(html`<${App} />`, document.body);
