/** The languages that a site's page speaks. */

export const LANGUAGES = ["en", "de", "es", "fr", "pt", "zh", "ja", "ar"] as const;
export type Language = (typeof LANGUAGES)[number];

/** Each by its own name. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  en: "English", de: "Deutsch", es: "Español", fr: "Français", pt: "Português", zh: "中文", ja: "日本語", ar: "العربية",
};

export const RIGHT_TO_LEFT: readonly Language[] = ["ar"];

function isTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
}

/** The first of these tags whose language there is, and that tag, where it is one of BCP 47 (Chromium on Linux may give "en-US@posix"); English where there is none. */
export function languageOf(wished: readonly string[]): readonly [language: Language, locale: string] {
  for (const tag of wished) {
    const language = LANGUAGES.find((name) => name === tag.split("-")[0]?.toLowerCase());
    if (language !== undefined) return [language, isTag(tag) ? tag : language];
  }
  return ["en", "en"];
}
