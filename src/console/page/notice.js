// What the page says to a person: notices that go by, and questions that wait for an answer.

import { html, store, useEffect, useRef } from "./html.js";
import { t } from "./words.js";

const SHOWN_MS = 12_000;

const notices = store([]);
const question = store(undefined);
let count = 0;

/** Shows a sentence; is what takes it away again. `action` is a button beside it. */
export function notice(text, { isBad = false, stays = false, action } = {}) {
  const id = ++count;
  const close = () => notices.set(notices.get().filter((one) => one.id !== id));
  const run = action && (() => (close(), action.run()));
  notices.set([...notices.get(), { id, text, isBad, close, action: action && { ...action, run } }]);
  if (!stays) setTimeout(close, SHOWN_MS);
  return close;
}

export function Notices() {
  return html`<div class="notices" role="status" aria-live="polite">
    ${notices.use().map(
      ({ id, text, isBad, close, action }) => html`<p key=${id} class=${isBad ? "notice bad" : "notice"}>
        <span>${text}</span>
        ${action && html`<button type="button" onClick=${action.run}>${action.label}</button>`}
        <button type="button" class="quiet" aria-label=${t("close")} onClick=${close}>×</button>
      </p>`,
    )}
  </div>`;
}

/** Asks a question, and is the `value` of the answer that was chosen, undefined for none. */
export function ask(title, text, answers) {
  return new Promise((resolve) => question.set({ title, text, answers, resolve }));
}

export function Question() {
  const asked = question.use();
  const dialog = useRef();
  useEffect(() => {
    if (!asked) return;
    dialog.current.showModal();
    dialog.current.querySelector("button:last-child").focus();
  }, [asked]);
  if (!asked) return null;
  const answer = (value) => {
    // Closed before it goes, so that the focus is where it was.
    dialog.current.close();
    question.set(undefined);
    asked.resolve(value);
  };
  return html`<dialog
    ref=${dialog}
    aria-labelledby="question"
    onCancel=${(event) => (event.preventDefault(), answer(undefined))}
  >
    <h2 id="question">${asked.title}</h2>
    <p>${asked.text}</p>
    <div class="actions">
      ${asked.answers.map(
        ({ label, value, isBad }) =>
          html`<button type="button" class=${isBad ? "bad" : ""} onClick=${() => answer(value)}>${label}</button>`,
      )}
      <button type="button" onClick=${() => answer(undefined)}>${t("cancel")}</button>
    </div>
  </dialog>`;
}
