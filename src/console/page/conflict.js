// Two edits of one item, side by side: a person chooses, member by member, what is saved.

import { html, useEffect, useRef, useState } from "./html.js";
import { brief, pointer, print } from "./json.js";
import { merged } from "./diff.js";
import { t } from "./words.js";

/** A value in full, as text. */
function Value({ value }) {
  if (value === undefined) return html`<em>${t("absent")}</em>`;
  const text = value.type === "string" ? value.value : print(value, 2);
  return html`<pre>${text}</pre>`;
}

/** What differs, for a person to look at before it is sent. */
export function Changes({ differences }) {
  return html`<table class="changes">
    <thead>
      <tr><th scope="col">${t("member")}</th><th scope="col">${t("before")}</th><th scope="col">${t("after")}</th></tr>
    </thead>
    <tbody>
      ${differences.map(
        ({ path, before, after }) => html`<tr key=${pointer(path)}>
          <th scope="row">${path.join(" › ") || t("document")}</th>
          <td class="before">${before === undefined ? html`<em>${t("absent")}</em>` : brief(before, 400)}</td>
          <td class="after">${after === undefined ? html`<em>${t("removed")}</em>` : brief(after, 400)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

/** `rows` are those of `diff.js`; `onSave` gets the document that was put together. */
export function Conflict({ rows, theirs, isBusy, onSave, onDiscard }) {
  const [choices, setChoices] = useState({});
  const heading = useRef();
  useEffect(() => heading.current.focus(), []);
  const chosen = rows.map((row) => ({ ...row, choice: choices[pointer(row.path)] ?? row.choice }));
  const open = chosen.filter(({ choice }) => choice === undefined).length;
  const choose = (row, choice) => setChoices({ ...choices, [pointer(row.path)]: choice });
  const all = (choice) => setChoices(Object.fromEntries(rows.map((row) => [pointer(row.path), choice])));
  return html`<section class="conflict" aria-labelledby="conflict">
    <h2 id="conflict" tabindex="-1" ref=${heading}>${t("conflict_title")}</h2>
    <p>${t("conflict_text")}</p>
    <div class="actions">
      <button type="button" onClick=${() => all("mine")}>${t("all_mine")}</button>
      <button type="button" onClick=${() => all("theirs")}>${t("all_theirs")}</button>
    </div>
    ${chosen.map((row) => html`<${Row} key=${pointer(row.path)} row=${row} onChoose=${(choice) => choose(row, choice)} />`)}
    <div class="actions">
      <button type="button" class="main" disabled=${open > 0 || isBusy} onClick=${() => onSave(merged(theirs, chosen))}>
        ${t("save_chosen")}
      </button>
      <button type="button" onClick=${onDiscard}>${t("discard_mine")}</button>
      ${open > 0 && html`<span class="hint">${t("still_open", { n: open })}</span>`}
    </div>
  </section>`;
}

function Row({ row, onChoose }) {
  const name = row.path.join(" › ") || t("document");
  const group = `choice${pointer(row.path)}`;
  const side = (choice, label, value) => html`<div class=${row.choice === choice ? "side chosen" : "side"}>
    <label>
      <input type="radio" name=${group} checked=${row.choice === choice} onChange=${() => onChoose(choice)} />
      ${label}
    </label>
    <${Value} value=${value} />
  </div>`;
  return html`<fieldset>
    <legend>${name}</legend>
    <p class="hint">${t("was")} ${row.base === undefined ? t("absent") : brief(row.base)}</p>
    <div class="sides">${side("mine", t("mine"), row.mine)}${side("theirs", t("theirs"), row.theirs)}</div>
  </fieldset>`;
}
