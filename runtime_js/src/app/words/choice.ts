/** The visitor's choice of a language. */

import { LANGUAGES, type Language } from "../../support/languages.ts";
import type { SafeStorage } from "../safe_storage.ts";

const KEY = "webllm-build:language";

/** Undefined: as the site, or the browser, has it. */
export function chosenLanguage(storage: SafeStorage): Language | undefined {
  const chosen = storage.get(KEY);
  return LANGUAGES.find((name) => name === chosen);
}

export function chooseLanguage(storage: SafeStorage, language: Language | undefined): void {
  storage.set(KEY, language ?? "");
}

/** The visitor's choice, then the site's, then the browser's. The browser's tag says how numbers look in a language. */
export function wishedLanguages(storage: SafeStorage, ofSite: string | undefined): readonly string[] {
  const { languages } = navigator;
  const wanted = chosenLanguage(storage) ?? ofSite;
  return wanted === undefined ? languages : [...languages.filter((tag) => tag.split("-")[0] === wanted), wanted];
}
