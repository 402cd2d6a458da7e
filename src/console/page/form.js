// A document as a form: a field for each member, by the module's JSON Schema and by what is there.

import { html, useState } from "./html.js";
import {
  NULL,
  array,
  boolean,
  brief,
  member,
  number,
  numberText,
  object,
  pointer,
  print,
  same,
  string,
  tryParse,
} from "./json.js";
import { t } from "./words.js";

/** Objects and lists deeper than this, and lists longer than that, are opened by hand. */
const OPEN_DEPTH = 2;
const SHOWN_ITEMS = 50;

/** A text that is longer has several lines to be edited in. */
const LONG_TEXT = 80;

/** What fields have in common: `{ module, violations, onChange(path, value), onInvalid(path, text) }`. */

/** The kind of field for a schema, and for the value where the schema leaves it open. */
function kindOf(schema, value) {
  if (Array.isArray(schema.enum) || "const" in schema) return "choice";
  const types = [schema.type ?? []].flat().filter((type) => type !== "null");
  const kind = types.length === 1 ? types[0].replace("integer", "number") : undefined;
  if (value === undefined || value.type === "null") return kind ?? "json";
  // What is there is shown as it is, whatever the schema says.
  if (kind === undefined || kind !== value.type) return value.type;
  return kind;
}

export function Form({ module, document, violations, onChange, onInvalid, isDisabled }) {
  const context = { module, violations, onChange, onInvalid, isDisabled };
  const schema = module.resolve(module.schema);
  if (document.type !== "object" && schema.type !== "object") {
    return html`<${Field} ...${context} schema=${schema} value=${document} path=${[]} label=${t("document")} />`;
  }
  return html`<div class="form">
    <${Members} ...${context} schema=${schema} value=${document} path=${[]} />
  </div>`;
}

/** The fields of an object's members: those of the schema, then what else is there. */
function Members({ schema, value, path, ...context }) {
  const { module } = context;
  const properties = Object.entries(schema.properties ?? {}).filter(
    ([name]) => path.length > 0 || !module.hasKeyInDocument || !module.key.some((part) => part.name === name),
  );
  const known = new Set(properties.map(([name]) => name));
  const others = [...new Set((value?.members ?? []).map(({ name }) => name))].filter(
    (name) => !known.has(name),
  );
  const required = new Set(schema.required ?? []);
  const other = typeof schema.additionalProperties === "object" ? schema.additionalProperties : {};
  const field = (name, schema, isRequired) => html`<${Field}
    key=${`m ${name}`}
    ...${context}
    schema=${module.resolve(schema)}
    value=${member(value, name)}
    path=${[...path, name]}
    label=${name}
    isRequired=${isRequired}
  />`;
  return html`
    ${properties.map(([name, schema]) => field(name, schema, required.has(name)))}
    ${others.map((name) => field(name, other, false))}
    ${schema.additionalProperties !== false && html`<${NewMember} value=${value} path=${path} ...${context} />`}
  `;
}

const EMPTY = {
  string: string(""),
  number: number("0"),
  boolean: boolean(false),
  array: array([]),
  object: object([]),
  null: NULL,
};

function NewMember({ value, path, onChange, isDisabled }) {
  const [name, setName] = useState("");
  const [type, setType] = useState("string");
  const id = `new${pointer(path)}`;
  const isTaken = member(value, name) !== undefined;
  const add = () => {
    onChange([...path, name], EMPTY[type]);
    setName("");
  };
  return html`<div class="new-member">
    <label for=${id}>${t("new_member")}</label>
    <div class="row">
      <input
        id=${id}
        value=${name}
        disabled=${isDisabled}
        onInput=${(event) => setName(event.target.value)}
        onKeyDown=${(event) => event.key === "Enter" && (event.preventDefault(), name && !isTaken && add())}
      />
      <select aria-label=${t("type")} value=${type} disabled=${isDisabled} onChange=${(event) => setType(event.target.value)}>
        ${Object.keys(EMPTY).map((one) => html`<option value=${one}>${t(`type_${one}`)}</option>`)}
      </select>
      <button type="button" disabled=${isDisabled || name === "" || isTaken} onClick=${add}>${t("add")}</button>
    </div>
  </div>`;
}

function Field(props) {
  const { schema, value, path, label, isRequired, violations, onChange, isItem } = props;
  const isReadOnly = schema.readOnly === true;
  if (isReadOnly && value === undefined) return null;
  const isDisabled = props.isDisabled || isReadOnly;
  const id = `field${pointer(path)}`;
  const own = violations.filter((one) => one.pointer === pointer(path));
  const title = typeof schema.title === "string" ? schema.title : undefined;
  const hint = typeof schema.description === "string" ? schema.description : undefined;
  const described = [hint && `${id}-hint`, own.length && `${id}-wrong`].filter(Boolean).join(" ");
  const kind = kindOf(schema, value);
  const attributes = {
    id,
    disabled: isDisabled,
    "aria-describedby": described || undefined,
    "aria-invalid": own.length > 0 ? "true" : undefined,
    "aria-required": isRequired ? "true" : undefined,
  };
  const remove =
    value !== undefined && path.length > 0 && !isRequired && !isDisabled
      ? html`<button
          type="button"
          class="quiet remove"
          aria-label=${t("remove_member", { name: label })}
          title=${t("remove_member", { name: label })}
          onClick=${() => onChange(path, undefined)}
        >
          ×
        </button>`
      : null;
  const notes = html`
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
    ${own.length > 0 && html`<p class="wrong" id=${`${id}-wrong`}>${own.map((one) => one.message).join(" · ")}</p>`}
  `;
  if (kind === "object" || kind === "array") {
    const name = title ?? label;
    return html`<${Nested} name=${name} kind=${kind} ...${props} remove=${remove} notes=${notes} />`;
  }
  const Input = INPUTS[kind];
  return html`<div class=${isItem ? "field item" : "field"}>
    <div class="row label">
      <label for=${id}>
        ${title ?? label}${title && title.toLowerCase() !== label.toLowerCase() && html` <code>${label}</code>`}
        ${isRequired && html` <abbr title=${t("required")}>*</abbr>`}
      </label>
      ${remove}
    </div>
    <${Input} ...${props} attributes=${attributes} />
    ${notes}
  </div>`;
}

/** An object or a list within another: closed where it is deep, so that large documents open at once. */
function Nested({ name, kind, schema, value, path, remove, notes, ...context }) {
  const hasWrong = context.violations.some((one) => one.pointer.startsWith(`${pointer(path)}/`));
  const [isOpen, setOpen] = useState(path.length < OPEN_DEPTH);
  const [shown, setShown] = useState(SHOWN_ITEMS);
  const inner = { ...context, value, path };
  const count = value ? (value.items ?? value.members).length : 0;
  const body = () => {
    if (value === undefined) {
      const add = () => context.onChange(path, EMPTY[kind]);
      return html`<button type="button" disabled=${context.isDisabled} onClick=${add}>${t("add")}</button>`;
    }
    if (kind === "object") return html`<${Members} ...${inner} schema=${schema} />`;
    const items = context.module.resolve(schema.items ?? {});
    const add = () => context.onChange([...path, count], emptyOf(context.module, items, value.items.at(-1)));
    return html`
      ${value.items.slice(0, shown).map(
        (item, index) => html`<${Field}
          key=${index}
          ...${context}
          schema=${items}
          value=${item}
          path=${[...path, index]}
          label=${`${index + 1}`}
          isItem
        />`,
      )}
      ${
        count > shown &&
        html`<button type="button" onClick=${() => setShown(shown + 500)}>${t("show_more", { n: count - shown })}</button>`
      }
      <button type="button" disabled=${context.isDisabled} onClick=${add}>${t("add_item")}</button>
    `;
  };
  return html`<details class="nested" open=${isOpen || hasWrong} onToggle=${(event) => setOpen(event.target.open)}>
    <summary>${name} <span class="count">${t(kind === "array" ? "items" : "members", { n: count })}</span></summary>
    ${remove}
    ${notes}
    ${(isOpen || hasWrong) && body()}
  </details>`;
}

/** What a new item of a list begins as: like the last one, if the schema does not say. */
function emptyOf(module, schema, last) {
  const types = [schema.type ?? []].flat();
  if (Array.isArray(schema.enum)) return tryParse(JSON.stringify(schema.enum[0])) ?? NULL;
  const type = (types[0] ?? last?.type ?? "string").replace("integer", "number");
  return EMPTY[type] ?? NULL;
}

function TextInput({ schema, value, path, isRequired, isItem, onChange, attributes }) {
  const text = value?.type === "string" ? value.value : "";
  const set = (event) => {
    const typed = event.target.value;
    const isAbsent = typed === "" && !isRequired && !isItem && path.length > 0;
    onChange(path, isAbsent ? undefined : string(typed));
  };
  if (text.length > LONG_TEXT || text.includes("\n")) {
    return html`<textarea ...${attributes} rows="4" value=${text} onInput=${set}></textarea>`;
  }
  // A browser that shows a date or an address would hide a text that is none.
  const isDate = schema.format === "date" && (text === "" || /^\d{4}-\d\d-\d\d$/.test(text));
  return html`<input ...${attributes} type=${isDate ? "date" : "text"} value=${text} onInput=${set} />`;
}

/** A number is typed as a text, since a browser's own field for numbers loses digits. */
function NumberInput({ value, path, isRequired, isItem, onChange, onInvalid, attributes }) {
  const [typed, setTyped] = useState();
  const shown = typed ?? (value?.type === "number" ? value.text : "");
  const set = (event) => {
    const text = event.target.value;
    const found = numberText(text);
    const isAbsent = text.trim() === "" && !isRequired && !isItem;
    const isValid = found !== undefined || isAbsent;
    setTyped(isValid && text === (found ?? "") ? undefined : text);
    onInvalid(path, isValid ? undefined : t("not_a_number"));
    if (isValid) onChange(path, isAbsent ? undefined : number(found));
  };
  return html`<input
    ...${attributes}
    inputmode="decimal"
    value=${shown}
    onInput=${set}
    onBlur=${() => numberText(shown) !== undefined && setTyped(undefined)}
  />`;
}

function BooleanInput({ value, path, isRequired, isItem, onChange, attributes }) {
  const chosen = value?.type === "boolean" ? `${value.value}` : "";
  const set = (event) =>
    onChange(path, event.target.value === "" ? undefined : boolean(event.target.value === "true"));
  return html`<select ...${attributes} value=${chosen} onChange=${set}>
    ${((!isRequired && !isItem) || chosen === "") && html`<option value="">${t("absent")}</option>`}
    <option value="true">${t("yes")}</option>
    <option value="false">${t("no")}</option>
  </select>`;
}

function ChoiceInput({ schema, value, path, isRequired, isItem, onChange, attributes }) {
  const listed = "const" in schema ? [schema.const] : schema.enum;
  const choices = listed.map((one) => tryParse(JSON.stringify(one)) ?? NULL);
  const chosen = choices.findIndex((choice) => same(choice, value));
  const set = (event) => onChange(path, event.target.value === "" ? undefined : choices[event.target.value]);
  return html`<select ...${attributes} value=${chosen < 0 ? "" : `${chosen}`} onChange=${set}>
    ${
      ((!isRequired && !isItem) || chosen < 0) &&
      html`<option value="">${value === undefined ? t("absent") : brief(value)}</option>`
    }
    ${choices.map((choice, index) => html`<option value=${`${index}`}>${brief(choice)}</option>`)}
  </select>`;
}

function NullInput({ path, onChange, attributes }) {
  const set = (event) => onChange(path, EMPTY[event.target.value]);
  return html`<select ...${attributes} value="null" onChange=${set}>
    ${Object.keys(EMPTY).map((one) => html`<option value=${one}>${t(`type_${one}`)}</option>`)}
  </select>`;
}

/** What no other field can edit, as JSON. */
function JsonInput({ value, path, isRequired, onChange, onInvalid, attributes }) {
  const [typed, setTyped] = useState();
  const set = (event) => {
    const text = event.target.value;
    const found = tryParse(text);
    const isAbsent = text.trim() === "" && !isRequired;
    setTyped(text);
    onInvalid(path, found || isAbsent ? undefined : t("not_json"));
    if (found || isAbsent) onChange(path, found);
  };
  return html`<textarea
    ...${attributes}
    class="code"
    rows="2"
    placeholder=${t("json_value")}
    value=${typed ?? (value === undefined ? "" : print(value))}
    onInput=${set}
  ></textarea>`;
}

const INPUTS = {
  string: TextInput,
  number: NumberInput,
  boolean: BooleanInput,
  choice: ChoiceInput,
  null: NullInput,
  json: JsonInput,
};

/** The document that a new item begins as: what the schema requires, and its defaults. */
export function blank(module) {
  const schema = module.resolve(module.schema);
  const required = new Set(schema.required ?? []);
  const members = Object.entries(schema.properties ?? {}).flatMap(([name, one]) => {
    const property = module.resolve(one);
    if ("default" in property) return [{ name, value: tryParse(JSON.stringify(property.default)) ?? NULL }];
    const isKey = module.hasKeyInDocument && module.key.some((part) => part.name === name);
    const type = [property.type ?? []].flat()[0];
    if (!required.has(name) || isKey || !["string", "object", "array"].includes(type)) return [];
    return Array.isArray(property.enum) ? [] : [{ name, value: EMPTY[type] }];
  });
  return object(members);
}
