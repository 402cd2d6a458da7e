// Who uses the page, and what it has cost. Tokens and keys are in this tab's memory only: they are
// gone when it is closed or loaded again.

import { store } from "./html.js";
import { word } from "./describe.js";
import { t } from "./words.js";

/** The token or key for each guard, by the guard's name. */
export const credentials = store({});

/** What the API has refused to the credential of a guard: `guard module verb` to its sentence. */
const refused = store({});

/** What the calls have cost since the page was opened, and what the last action did. */
export const NO_COST = { calls: 0, ms: 0, db: 0, read: 0, write: 0, isTimed: false };
export const cost = store({ total: NO_COST, last: undefined });

export function show(guard, credential) {
  const others = { ...credentials.get() };
  if (credential) others[guard] = credential;
  else delete others[guard];
  credentials.set(others);
  const kept = Object.entries(refused.get()).filter(([key]) => !key.startsWith(`${guard} `));
  refused.set(Object.fromEntries(kept));
}

/** What a token says, unless it is no JSON Web Token. Nobody has checked it: the API does. */
export function claimsOf(token) {
  try {
    const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (character) => character.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}

const claimAt = (claims, path) => path.reduce((inner, name) => inner?.[name], claims);

/** A token's scopes, or undefined where they can't be known, as of an API key. */
function scopesOf(guard, claims) {
  if (claims === undefined) return undefined;
  const paths = guard.scopesClaim ? [guard.scopesClaim] : [["scope"], ["scp"]];
  const found = paths.map((path) => claimAt(claims, path)).filter((value) => value !== undefined);
  return new Set(found.flatMap((value) => (Array.isArray(value) ? value : `${value}`.split(" "))));
}

/** Why a call of a module would be refused, as far as the page knows; else undefined. */
export function whyNot(api, module, call) {
  const served = module.calls[call];
  if (!served) return t("not_served", { verb: word(call) });
  const guard = api.guards.find(({ name }) => name === served.guard);
  const needed = module.scopes[word(call)];
  if (!guard) return undefined;
  const learnt = refused.get()[`${guard.name} ${module.name} ${word(call)}`];
  if (learnt) return t("refused_before", { message: learnt });
  const credential = credentials.get()[guard.name];
  if (!credential) return served.isOptional ? undefined : t("sign_in_first", { guard: guard.name });
  const scopes = guard.isKey ? undefined : scopesOf(guard, claimsOf(credential));
  const missing = (needed ?? []).filter((scope) => scopes && !scopes.has(scope));
  return missing.length ? t("scope_missing", { scopes: missing.join(", ") }) : undefined;
}

/** Remembers a 403, so that the same is not asked for again. */
export function learn(module, call, message) {
  const guard = module.calls[call]?.guard;
  if (guard) refused.set({ ...refused.get(), [`${guard} ${module.name} ${word(call)}`]: message });
}

/** The tenant whose items the module shows, as the token says. */
export function tenantOf(api, module) {
  if (!module.tenantClaim) return undefined;
  const served = Object.values(module.calls)[0];
  const guard = api.guards.find(({ name }) => name === served?.guard);
  const credential = guard && credentials.get()[guard.name];
  if (!credential) return t("tenant_unknown");
  if (guard.isKey) return t("tenant_of_key");
  const tenant = claimAt(claimsOf(credential), module.tenantClaim);
  return tenant === undefined ? t("tenant_missing", { claim: module.tenantClaim.join(".") }) : `${tenant}`;
}

/** The header that shows a guard the credential that is filled in for it. */
export function headerFor(api, name) {
  const guard = api.guards.find((one) => one.name === name);
  const credential = guard && credentials.get()[name];
  if (!credential) return {};
  return guard.isKey ? { "x-api-key": credential } : { authorization: `Bearer ${credential}` };
}

/** Adds what an answer's `Server-Timing` says to an action's cost. */
export function costOf(timing) {
  const spent = { ...NO_COST, calls: 1 };
  for (const part of (timing ?? "").split(",")) {
    const [name, ...values] = part.trim().split(";");
    const duration = values.map((value) => /^dur=([\d.]+)$/.exec(value)).find(Boolean);
    if (name === "app" && duration) Object.assign(spent, { ms: Number(duration[1]), isTimed: true });
    if (name === "db" && duration) spent.db = Number(duration[1]);
  }
  const units = (name) => Number(new RegExp(`([\\d.]+) ${name}`).exec(timing ?? "")?.[1] ?? 0);
  return { ...spent, read: units("RCU"), write: units("WCU") };
}

export function add(one, other) {
  return {
    calls: one.calls + other.calls,
    ms: one.ms + other.ms,
    db: one.db + other.db,
    read: one.read + other.read,
    write: one.write + other.write,
    isTimed: one.isTimed || other.isTimed,
  };
}
