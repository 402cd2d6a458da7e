// Shows the OpenAPI document that lies beside this page, and sends requests as it describes them.
// No text of the document is ever read as HTML.

// HEAD and OPTIONS are served wherever these are, and would be half of the list.
const METHODS = ["get", "post", "put", "patch", "delete"];

const source = new URL("_openapi.json", document.baseURI);
const main = document.querySelector("main");

/** An element; attributes that are `false` or absent are left out. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** A paragraph of a description, in which backticks mark code. */
function prose(text) {
  if (!text) return undefined;
  const parts = text.split("`");
  return element("p", {}, ...parts.map((part, at) => (at % 2 ? element("code", {}, part) : part)));
}

function folded(title, ...children) {
  return element("details", {}, element("summary", {}, title), ...children);
}

function json(value) {
  return element("pre", {}, JSON.stringify(value, null, 2));
}

/** What a reference leads to, or the value itself. */
function resolve(api, value) {
  if (!value?.$ref) return value;
  const steps = value.$ref.split("/").slice(1);
  return steps.reduce((at, step) => at[step.replaceAll("~1", "/").replaceAll("~0", "~")], api);
}

/** One input with its label; `read` is what was filled in. */
function field(api, parameter, prefix) {
  const id = `${prefix}-${parameter.in}-${parameter.name}`;
  const schema = resolve(api, parameter.schema) ?? {};
  const values = schema.type === "boolean" ? [true, false] : schema.enum;
  const input = values
    ? element("select", { id }, ...["", ...values].map((value) => element("option", {}, `${value}`)))
    : element("input", {
        id,
        autocomplete: "off",
        spellcheck: "false",
        placeholder: schema.default ?? parameter.example,
        required: parameter.required && "",
        value: parameter.required && parameter.example,
      });
  const label = element("label", { for: id }, element("code", {}, parameter.name), ` ${parameter.in}`);
  const shown = element("div", { class: "field" }, label, input, prose(parameter.description));
  return { parameter, shown, read: () => input.value };
}

/** The body's media type and text, as inputs. */
function bodyField(api, body, prefix) {
  if (!body) return undefined;
  const types = Object.keys(body.content);
  const type = element("select", { id: `${prefix}-type` }, ...types.map((name) => element("option", {}, name)));
  const text = element("textarea", { id: `${prefix}-body`, rows: "6", spellcheck: "false" });
  const schema = element("div");
  const show = () => {
    const { example, schema: described } = body.content[type.value];
    text.value = example === undefined ? "" : JSON.stringify(example, null, 2);
    schema.replaceChildren(folded("Schema of the body", json(resolve(api, described))));
  };
  type.addEventListener("change", show);
  show();
  const label = element("label", { for: text.id }, "body");
  const typeLabel = element("label", { for: type.id }, element("code", {}, "Content-Type"));
  const shown = element("div", { class: "field" }, typeLabel, type, label, text, schema);
  return { shown, type: () => type.value, text: () => text.value };
}

/** An input for each guard's token or key, by the guard's name; what is filled in is not kept. */
function credentials(api) {
  return Object.entries(api.components.securitySchemes ?? {}).map(([name, scheme]) => {
    const id = `credential-${name}`;
    const header = scheme.type === "apiKey" ? scheme.name : "Authorization";
    const input = element("input", { id, type: "password", autocomplete: "off" });
    const label = element("label", { for: id }, element("code", {}, name), ` ${header}`);
    const shown = element("div", { class: "field" }, label, input, prose(scheme.description));
    const read = () => (input.value && header === "Authorization" ? `Bearer ${input.value}` : input.value);
    return { name, header, shown, read };
  });
}

/** The request that the filled-in form says, with the credentials that the operation asks for. */
function request(api, path, method, fields, body, shows) {
  const filled = fields.map(({ parameter, read }) => ({ ...parameter, value: read() }));
  const given = (where) => filled.filter((one) => one.in === where && one.value !== "");
  const server = new URL(".", source).href.replace(/\/$/, "");
  const target = given("path").reduce(
    (url, one) => url.replace(`{${one.name}}`, () => encodeURIComponent(one.value)),
    path,
  );
  const query = new URLSearchParams(given("query").map((one) => [one.name, one.value]));
  const headers = Object.fromEntries(given("header").map((one) => [one.name, one.value]));
  if (body) headers["Content-Type"] = body.type();
  for (const one of shows.filter((one) => one.read() !== "")) headers[one.header] = one.read();
  return {
    url: `${server}${target}${query.size ? `?${query}` : ""}`,
    options: { method: method.toUpperCase(), headers, body: body?.text() },
  };
}

function curl({ url, options }) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const words = ["curl", options.method === "HEAD" ? "--head" : `-X ${options.method}`, quote(url)];
  for (const [name, value] of Object.entries(options.headers)) words.push("-H", quote(`${name}: ${value}`));
  if (options.body !== undefined) words.push("--data-binary", quote(options.body));
  return words.join(" ");
}

/** Sends the request and shows it and its answer in `output`. */
async function send(sent, output) {
  const command = element("pre", { class: "curl" }, curl(sent));
  output.replaceChildren(command, "…");
  try {
    const answer = await fetch(sent.url, { ...sent.options, cache: "no-store" });
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    output.replaceChildren(
      command,
      element("p", { class: answer.ok ? "status" : "status bad" }, `${answer.status} ${answer.statusText}`),
      element("pre", { class: "headers" }, headers),
      element("pre", { class: "answer" }, await answer.text()),
    );
  } catch (error) {
    output.replaceChildren(command, element("p", { class: "status bad" }, `No answer: ${error.message}`));
  }
}

function response(api, status, described) {
  const { description, headers = {}, content = {} } = resolve(api, described);
  const parts = Object.entries(content).flatMap(([type, { schema, example, examples = {} }]) => [
    element("p", {}, element("code", {}, type)),
    ...(example === undefined ? [] : [json(example)]),
    ...Object.values(examples).map((one) => json(one.value)),
    folded("Schema", json(resolve(api, schema))),
  ]);
  const names = Object.keys(headers).map((name) => element("code", {}, name));
  const list = names.flatMap((name, at) => (at ? [", ", name] : [name]));
  return folded(`${status} ${description}`, element("p", {}, "Headers: ", ...list), ...parts);
}

/** The link to the console, where there is one: the function has none. */
function consoleLink() {
  const { content } = document.querySelector("meta[name=console]");
  return content ? [" · ", element("a", { href: content }, "Console: see and mend the data")] : [];
}

function operation(api, path, method, item, guards) {
  const described = item[method];
  const id = described.operationId;
  const summary = element(
    "summary",
    {},
    element("b", { class: `method ${method}` }, method.toUpperCase()),
    element("code", {}, path),
    element("span", {}, described.summary),
  );
  const shown = element("details", { id, class: "operation" }, summary);
  // What nobody opens is not built: there may be a thousand of them.
  shown.addEventListener("toggle", () => {
    const parameters = [...(item.parameters ?? []), ...(described.parameters ?? [])];
    const fields = parameters.map((one) => field(api, resolve(api, one), id));
    const body = bodyField(api, described.requestBody, id);
    const asked = (described.security ?? []).flatMap((one) => Object.entries(one));
    const shows = guards.filter(({ name }) => asked.some(([guard]) => guard === name));
    const needs = asked.map(([guard]) => `Guarded by \`${guard}\`.`);
    const output = element("output");
    const form = element(
      "form",
      {},
      ...fields.map((one) => one.shown),
      body?.shown,
      element("button", {}, "Send"),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(request(api, path, method, fields, body, shows), output);
    });
    const responses = Object.entries(described.responses).map(([status, one]) => response(api, status, one));
    shown.append(...[prose(described.description), ...needs.map(prose), form, output, element("h3", {}, "Answers")].filter(Boolean), ...responses);
  }, { once: true });
  return shown;
}

/** Hides the operations in which the text of the search doesn't occur. */
function search() {
  const input = element("input", { type: "search", placeholder: "Search", "aria-label": "Search" });
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const section of main.querySelectorAll("section")) {
      let found = false;
      for (const one of section.querySelectorAll(".operation")) {
        one.hidden = !one.querySelector("summary").textContent.toLowerCase().includes(wanted);
        found ||= !one.hidden;
      }
      section.hidden = !found;
    }
  });
  return input;
}

function page(api) {
  const operations = Object.entries(api.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, item })),
  );
  const guards = credentials(api);
  const sections = api.tags.map((tag) => {
    const own = operations
      .filter(({ method, item }) => item[method].tags.includes(tag.name))
      .sort((a, b) => a.path.startsWith("/_batch/") - b.path.startsWith("/_batch/"));
    const shown = own.map(({ path, method, item }) => operation(api, path, method, item, guards));
    return element("section", {}, element("h2", {}, tag.name), prose(tag.description), ...shown);
  });
  const schemas = Object.entries(api.components.schemas).map(([name, schema]) => folded(name, json(schema)));
  document.title = api.info.title;
  main.replaceChildren(
    element("h1", {}, api.info.title),
    prose(api.info.description),
    element("p", {}, element("a", { href: source.href }, "OpenAPI document"), ...consoleLink()),
    ...guards.map((one) => one.shown),
    search(),
    ...sections,
    element("h2", {}, "Schemas"),
    ...schemas,
  );
}

try {
  const answer = await fetch(source);
  if (!answer.ok) throw new Error(`${source} answers ${answer.status}`);
  page(await answer.json());
} catch (error) {
  main.replaceChildren(element("p", { role: "alert" }, `The description can't be shown: ${error.message}`));
}
