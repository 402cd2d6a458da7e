// The page's sentences, in the language that the browser's user reads.

import { store } from "./html.js";
import en from "./words.en.js";
import pt from "./words.pt-BR.js";

export const LANGUAGES = { en: ["English", en], "pt-BR": ["Português", pt] };

const isPortuguese = (tag) => tag.toLowerCase().startsWith("pt");
const isEnglish = (tag) => tag.toLowerCase().startsWith("en");
const preferred = navigator.languages.find((tag) => isPortuguese(tag) || isEnglish(tag));

export const language = store(preferred && isPortuguese(preferred) ? "pt-BR" : "en");

export function choose(tag) {
  document.documentElement.lang = tag;
  language.set(tag);
}
choose(language.get());

/** A sentence with its `{values}` filled in; where `n` is 1, the one for a single thing. */
export function t(key, values = {}) {
  const [, words] = LANGUAGES[language.get()];
  const sentence = (values.n === 1 && words[`${key}_one`]) || words[key];
  return sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A number as the language writes it. */
export function figure(number, digits = 0) {
  return number.toLocaleString(language.get(), { maximumFractionDigits: digits });
}
