/** The words of this visit: each language's are a script of its own, so that a page loads one. */

import { languageOf, type Language } from "../../support/languages.ts";
import { inTime, owed } from "../../support/patience.ts";
import type { Words } from "./en.ts";

/** How long the page waits for its language before it asks for English, too: what comes first is said. */
const PATIENCE_MS = 5000;

/** What the page says. Read where it is shown: modules are there before their language is. */
export let WORDS: Words;
export let LANGUAGE: Language = "en";
/** Of numbers: a tag of BCP 47. */
export let LOCALE = "en";

/** Take the first of `wished` (tags of BCP 47) that there are words for; English where those do not come. scripts: absolute URLs of the words. */
export async function speak(wished: readonly string[], scripts: Readonly<Record<string, string>>): Promise<void> {
  const [language, locale] = languageOf(wished);
  const load = async (language: Language, locale: string): Promise<() => void> => {
    const { default: words }: { default: Words } = await import(scripts[language] ?? "");
    return () => say(words, language, locale);
  };
  const own = load(language, locale);
  const found = await inTime(own, PATIENCE_MS).catch(() => undefined) ?? await owed("the page's words", Promise.any([own, load("en", "en")]).catch(() => own));
  found();
}

export function say(words: Words, language: Language, locale: string): void {
  [WORDS, LANGUAGE, LOCALE] = [words, language, locale];
}
