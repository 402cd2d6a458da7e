// Where the page is: `#/rooms`, `#/rooms/item/sala90`, and so on; and what must not be left unasked.

import { store, useLayoutEffect } from "./html.js";
import { ask } from "./notice.js";
import { t } from "./words.js";

export const route = store(read());
let current = location.hash;
let isUnsaved = false;

function read() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [module, view, ...id] = path.split("/").map(decode);
  return { module, view: view ?? "list", id, query: new URLSearchParams(query) };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a view within the page. */
export function link(module, view, id = [], query = "") {
  const steps = [module, ...(view === "list" ? [] : [view]), ...id].map(encodeURIComponent);
  const search = new URLSearchParams(query).toString();
  return `#/${steps.join("/")}${search ? `?${search}` : ""}`;
}

export function go(hash) {
  location.hash = hash;
}

/** Says whether the page has what would be lost by leaving it. */
export function setUnsaved(value) {
  isUnsaved = value;
}

/**
 * Says so for as long as the component is shown, and as soon as it shows it: an effect would come later,
 * and a change of somebody else may come between.
 */
export function useUnsaved(value) {
  useLayoutEffect(() => {
    setUnsaved(value);
    return () => setUnsaved(false);
  }, [value]);
}

export const hasUnsaved = () => isUnsaved;

window.addEventListener("beforeunload", (event) => {
  if (isUnsaved) event.preventDefault();
});

window.addEventListener("hashchange", async () => {
  const next = location.hash;
  if (next === current) return;
  if (isUnsaved) {
    history.pushState(null, "", current || "#");
    const leaves = await ask(t("leave_title"), t("leave_text"), [
      { label: t("leave"), value: true, isBad: true },
    ]);
    if (!leaves) return;
    isUnsaved = false;
    go(next);
    if (location.hash === current) return;
  }
  current = location.hash;
  route.set(read());
  window.scrollTo(0, 0);
});
