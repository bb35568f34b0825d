/** The words of this visit: each language's are a script of its own, so that a page loads one. */

import { languageOf, type Language } from "../../support/languages.ts";
import { inTime } from "../../support/patience.ts";
import type { Words } from "./en.ts";

/** How long the page waits for its language before it asks for English. */
const PATIENCE_MS = 5000;

/** What the page says. Read where it is shown: modules are there before their language is. */
export let WORDS: Words;
export let LANGUAGE: Language = "en";
/** Of numbers: a tag of BCP 47. */
export let LOCALE = "en";

/** Take the first of `wished` (tags of BCP 47) that there are words for; English where those do not come. scripts: absolute URLs of the words. */
export async function speak(wished: readonly string[], scripts: Readonly<Record<string, string>>): Promise<void> {
  const [language, locale] = languageOf(wished);
  const words = await load(scripts[language] ?? "", PATIENCE_MS).catch(() => undefined);
  if (words !== undefined) say(words, language, locale);
  else say(await load(scripts["en"] ?? "", 2 * PATIENCE_MS), "en", "en");
}

export function say(words: Words, language: Language, locale: string): void {
  [WORDS, LANGUAGE, LOCALE] = [words, language, locale];
}

async function load(script: string, patience: number): Promise<Words> {
  const coming: Promise<{ default: Words }> = import(script);
  const found = await inTime(coming, patience);
  if (found === undefined) throw new Error(`${script} does not come`);
  return found.default;
}
