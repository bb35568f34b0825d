/** The words of this visit: English is here, another language comes as a script of its own. */

import { languageOf, type Language } from "../../support/languages.ts";
import EN, { type Words } from "./en.ts";

/** How long the page waits for its language before it speaks English. */
const PATIENCE_MS = 5000;

/** What the page says. Read where it is shown: modules are there before their language is. */
export let WORDS: Words = EN;
export let LANGUAGE: Language = "en";
/** Of numbers: a tag of BCP 47. */
export let LOCALE = "en";

/** Take the first of `wished` (tags of BCP 47) that there are words for. scripts: absolute URLs of the other languages' words. */
export async function speak(wished: readonly string[], scripts: Readonly<Record<string, string>>): Promise<void> {
  const [language, locale] = languageOf(wished);
  const script = scripts[language];
  if (script === undefined && language !== "en") return;
  if (script !== undefined) {
    const words = await new Promise<Words | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
      load(script).catch(() => undefined).then(resolve).finally(() => clearTimeout(timer));
    });
    if (words === undefined) return;
    WORDS = words;
  }
  [LANGUAGE, LOCALE] = [language, locale];
}

async function load(script: string): Promise<Words> {
  const { default: words }: { default: Words } = await import(script);
  return words;
}
