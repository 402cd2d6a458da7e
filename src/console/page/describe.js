// The API's description (OpenAPI) as the page needs it: modules, what each serves, and to whom.

/** What is called in a module, by the path's kind and the method. */
const VERBS = {
  collection: { get: "LIST", post: "CREATE" },
  partition: { get: "LIST_PARTITION", post: "CREATE_IN" },
  item: { get: "GET", post: "POST", put: "PUT", patch: "PATCH", delete: "DELETE" },
  batch: { post: "BATCH" },
  history: { get: "HISTORY" },
};

/** The word of `modules.toml` for each call: scopes are by these. */
const WORDS = { CREATE: "POST", CREATE_IN: "POST", LIST_PARTITION: "LIST", HISTORY: "GET" };
export const word = (call) => WORDS[call] ?? call;

function kindOf(path) {
  if (path.startsWith("/_batch/")) return "batch";
  if (path.startsWith("/_history/")) return "history";
  const placeholders = path.split("/").filter((step) => /^\{.*\}$/.test(step)).length;
  if (placeholders === 0) return "collection";
  return placeholders === 1 && path.endsWith("/{partition}") ? "partition" : "item";
}

export function describe(api) {
  const tags = api.tags.filter((tag) => tag["x-modulo"]);
  const modules = new Map(tags.map(({ name, "x-modulo": about }) => [name, moduleOf(api, name, about)]));
  for (const [path, methods] of Object.entries(api.paths)) {
    const kind = VERBS[kindOf(path)];
    for (const [method, call] of Object.entries(kind)) {
      const operation = methods[method];
      const module = operation && modules.get(operation.tags?.[0]);
      if (module) module.calls[call] = callOf(operation);
    }
  }
  return { title: api.info.title, modules: [...modules.values()], guards: guardsOf(api) };
}

function moduleOf(api, name, about) {
  return {
    name,
    isPlain: about.envelope === "plain",
    key: about.key,
    hasKeyInDocument: about.keyInDocument === true,
    indexes: about.indexes ?? [],
    scopes: about.scopes ?? {},
    tenantClaim: about.tenant,
    calls: {},
    schema: api.components.schemas[`${name}.Document`] ?? {},
    resolve: (schema) => resolve(api, schema),
  };
}

function callOf(operation) {
  const guards = (operation.security ?? []).flatMap((one) => Object.keys(one));
  const parameters = (operation.parameters ?? []).map((one) => one.$ref ?? one.name);
  return {
    guard: guards[0],
    isOptional: (operation.security ?? []).some((one) => Object.keys(one).length === 0),
    takesIdempotencyKey: parameters.some((name) => name.endsWith("/idempotencyKey")),
  };
}

function guardsOf(api) {
  return Object.entries(api.components.securitySchemes ?? {}).map(([name, scheme]) => ({
    name,
    isKey: scheme.type === "apiKey",
    scopesClaim: scheme["x-modulo"]?.scopes,
  }));
}

/** What a schema is that may be a reference: `true`, and what can't be found, is a schema of anything. */
function resolve(api, schema) {
  let found = schema;
  for (let steps = 0; typeof found?.$ref === "string" && steps < 20; steps += 1) {
    const { $ref, ...beside } = found;
    if (!$ref.startsWith("#/")) return beside;
    const path = $ref.slice(2).split("/");
    const target = path.reduce(
      (inner, step) => inner?.[decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~")],
      api,
    );
    found = typeof target === "object" ? { ...target, ...beside } : beside;
  }
  return typeof found === "object" && found !== null ? found : {};
}

/** An item's path in the API, from the values of its key. */
export function pathOf(module, id) {
  return `/${encodeURIComponent(module.name)}${id.map((value) => `/${encodeURIComponent(value)}`).join("")}`;
}

/** Whether a browser can ask for the path: it takes `.` and `..` out of every URL. */
export const isReachable = (id) => !id.some((value) => value === "." || value === "..");

/** An id as a person reads it. */
export const idText = (id) => id.join(" / ");
