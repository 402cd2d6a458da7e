// A document as JSON text, with the place of a mistake.

import { html, useRef } from "./html.js";
import { JsonError, at, parse, pathOf } from "./json.js";
import { t } from "./words.js";

/** A text as a document, or what is wrong in it. */
export function parsed(text) {
  try {
    return { value: parse(text) };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { error };
  }
}

export function JsonEditor({ text, parsed, violations, isBusy, onChange }) {
  const area = useRef();
  const select = (start, end = start) => {
    const { current } = area;
    current.focus();
    current.setSelectionRange(start, end);
    const line = text.slice(0, start).split("\n").length;
    current.scrollTop = (line - 5) * (current.scrollHeight / text.split("\n").length);
  };
  const { error, value } = parsed;
  const places = violations.map((one) => ({ ...one, place: value && at(value, pathOf(one.pointer)) }));
  const indent = (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    const { selectionStart, selectionEnd } = event.target;
    const line = text.slice(text.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart);
    const spaces = /^ */.exec(line)[0];
    if (!spaces) return;
    event.preventDefault();
    event.target.setRangeText(`\n${spaces}`, selectionStart, selectionEnd, "end");
    onChange(event.target.value);
  };
  return html`<div class="json">
    <label for="json">JSON</label>
    <textarea
      id="json"
      ref=${area}
      class="code"
      rows="20"
      spellcheck=${false}
      disabled=${isBusy}
      value=${text}
      aria-invalid=${error ? "true" : undefined}
      aria-describedby="json-wrong"
      onKeyDown=${indent}
      onInput=${(event) => onChange(event.target.value)}
    ></textarea>
    <div id="json-wrong">
      ${
        error &&
        html`<p class="wrong">
        <button type="button" class="place" onClick=${() => select(error.at, error.at + 1)}>
          ${t("place", { line: error.line, column: error.column })}
        </button>
        ${" "}${t(`expected_${error.expected}`)}
      </p>`
      }
      ${places.map(
        ({ pointer, message, place }) => html`<p class="wrong">
          ${
            place?.start !== undefined &&
            html`<button type="button" class="place" onClick=${() => select(place.start, place.end)}>
            ${t("line", { line: text.slice(0, place.start).split("\n").length })}
          </button>`
          }
          ${" "}${pointer || t("document")}: ${message}
        </p>`,
      )}
    </div>
  </div>`;
}
