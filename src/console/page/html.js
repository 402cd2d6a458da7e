// What the page is drawn with. A text in a template becomes a text on the page, never HTML.

import htm from "./vendor/htm.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { h } from "./vendor/preact.js";

export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.js";
export { render } from "./vendor/preact.js";

export const html = htm.bind(h);

/** A value that components follow: `use` gives it, and draws the component again when it changes. */
export function store(value) {
  const followers = new Set();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const follow of followers) follow({});
    },
    use() {
      const [, follow] = useState();
      useEffect(() => {
        followers.add(follow);
        return () => followers.delete(follow);
      }, []);
      return value;
    },
  };
}

/**
 * Has the answer to what was asked last be shown: an earlier one, perhaps to another token, may come
 * later.
 */
export function useLatest() {
  const asked = useRef(0);
  return (answer, show, fail) => {
    const mine = ++asked.current;
    const ifLast = (set) => (value) => mine === asked.current && set(value);
    return answer.then(ifLast(show), ifLast(fail));
  };
}
