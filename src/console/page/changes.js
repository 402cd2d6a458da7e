// A module's changes while they are made, where the API tells of them: `modulo serve` does.

import { changes } from "./api.js";
import { useEffect, useRef } from "./html.js";
import { credentials } from "./session.js";

const TELLS = "tellsChanges" in window.document.documentElement.dataset;

/** How long what is shown first waits for its changes to be listened to. */
const WAITS_MS = 1_000;

/**
 * Calls `onChange` with each change of the module, and with none where some may have been missed. Gives
 * what to await before reading: no change of what is read then is missed. Only a tab that is seen
 * listens: a browser has few connections to one server.
 */
export function useChanges(api, module, onChange) {
  const told = useRef();
  told.current = onChange;
  const listens = useRef();
  const shownBy = credentials.get();
  useEffect(() => {
    if (!TELLS) return;
    let isAwaited = true;
    let begin;
    listens.current = new Promise((resolve) => {
      begin = () => {
        isAwaited = false;
        resolve();
      };
    });
    const patience = setTimeout(begin, WAITS_MS);
    const onBegin = () => (isAwaited ? begin() : told.current());
    let listening;
    const listen = () => {
      listening?.abort();
      if (window.document.hidden) return begin();
      listening = new AbortController();
      changes(api, module, { onBegin, onChange: (change) => told.current(change) }, listening.signal);
    };
    listen();
    window.document.addEventListener("visibilitychange", listen);
    return () => {
      window.document.removeEventListener("visibilitychange", listen);
      clearTimeout(patience);
      listening?.abort();
    };
  }, [module, shownBy]);
  return () => listens.current;
}
