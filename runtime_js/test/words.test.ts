import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import AR from "../src/app/words/ar.ts";
import DE from "../src/app/words/de.ts";
import EN, { type Words } from "../src/app/words/en.ts";
import ES from "../src/app/words/es.ts";
import { fill } from "../src/app/words/fill.ts";
import { formatBytes, formatCount, formatDuration, formatPercent, formatPlural, formatRate } from "../src/app/words/format.ts";
import FR from "../src/app/words/fr.ts";
import JA from "../src/app/words/ja.ts";
import PT from "../src/app/words/pt.ts";
import { LANGUAGE, LOCALE, say, speak } from "../src/app/words/words.ts";
import ZH from "../src/app/words/zh.ts";
import { ERROR_CLASSES } from "../src/support/errors.ts";
import { isRecord } from "../src/support/fields.ts";
import { languageOf, type Language } from "../src/support/languages.ts";
import { turns } from "./fakes/turns.ts";

const TABLES: Readonly<Record<Language, Words>> = { en: EN, de: DE, es: ES, fr: FR, pt: PT, zh: ZH, ja: JA, ar: AR };

/** Numbers of each kind that any of the languages tells apart. */
const COUNTS = [0, 1, 2, 3, 11, 100, 4096, 1_000_000];

/** The texts of a table by their paths; all forms of a plural are one. */
function* textsOf(value: unknown, path = ""): Generator<readonly [path: string, text: string]> {
  if (typeof value === "string") yield [path, value];
  else if (isRecord(value) && "other" in value) yield [path, Object.values(value).join("\n")];
  else if (Array.isArray(value) || isRecord(value)) for (const [key, item] of Object.entries(value)) yield* textsOf(item, `${path}.${key}`);
}

const namesIn = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

test("every language has a text, with the same values in it, for each of the English ones", () => {
  const english = new Map(textsOf(EN));
  for (const [language, table] of Object.entries(TABLES)) {
    const texts = new Map(textsOf(table));
    assert.deepEqual([...texts.keys()].sort(), [...english.keys()].sort(), language);
    for (const [path, text] of texts) {
      assert.notEqual(text.trim(), "", `${language}${path}`);
      assert.deepEqual(namesIn(text), namesIn(english.get(path) ?? ""), `${language}${path}`);
    }
  }
});

test("every code of an error has a title, a text and a way to mend it in every language", () => {
  for (const [language, { problems }] of Object.entries(TABLES)) {
    for (const code of Object.keys(ERROR_CLASSES)) {
      const words: unknown = Reflect.get(problems, code);
      assert.ok(isRecord(words), `${language}: ${code}`);
      for (const part of ["title", "text", "fix"]) assert.ok(typeof words[part] === "string" && words[part] !== "", `${language}: ${code} has no ${part}`);
    }
  }
});

test("no line of French begins with a mark that belongs to the word before it", () => {
  for (const [path, text] of textsOf(FR)) assert.doesNotMatch(text, /[ ][?!;:»]|«[ ]/, path);
});

/** All plurals of a table by their paths. */
function* pluralsOf(value: unknown, path = ""): Generator<readonly [path: string, forms: Readonly<Record<string, unknown>>]> {
  if (isRecord(value) && "other" in value) yield [path, value];
  else if (isRecord(value)) for (const [key, item] of Object.entries(value)) yield* pluralsOf(item, `${path}.${key}`);
}

test("plurals have a form for each number that their language tells apart", () => {
  for (const [language, table] of Object.entries(TABLES)) {
    const plurals = [...pluralsOf(table)];
    assert.equal(plurals.length, [...pluralsOf(EN)].length);
    for (const [path, forms] of plurals) {
      for (const count of COUNTS) assert.ok(new Intl.PluralRules(language).select(count) in forms, `${language}${path}: ${count}`);
    }
  }
});

test("the first language of the browser that there is, is spoken", () => {
  assert.deepEqual(languageOf(["nl-NL", "de-CH", "en"]), ["de", "de-CH"]);
  assert.deepEqual(languageOf(["PT-br"]), ["pt", "PT-br"]);
  assert.deepEqual(languageOf(["zh-Hant-TW"]), ["zh", "zh-Hant-TW"]);
  assert.deepEqual(languageOf(["nl", "gsw"]), ["en", "en"]);
  assert.deepEqual(languageOf([]), ["en", "en"]);
  assert.deepEqual(languageOf(["en-US@posix", "de"]), ["en", "en"], "no tag of BCP 47, which Intl would not take");
});

test("values stand where the words name them, once, and nothing else is named", () => {
  assert.equal(fill("{a} and {b}", { a: "{b}", b: "two" }), "{b} and two");
  assert.equal(fill("{toString} {a}", { a: "1" }), "{toString} 1");
});

say(EN, "en", "en");

test("numbers are written as the visitor's language has them", async () => {
  const plain = (text: string): string => text.replaceAll(/[\u00a0\u202f]/g, " ");
  const all = (): string[] => [
    formatBytes(98_123_456), formatBytes(1.92e9), formatBytes(5e12), formatRate(3_210_000), formatCount(134_515_008), formatCount(3_212_749_824), formatCount(12_345),
    formatDuration(0.2), formatDuration(65), formatDuration(119.5), formatDuration(3599), formatDuration(3900), formatPercent(0.4399), formatPlural(EN.card.tokens, 4096),
    formatBytes(0), formatBytes(1), formatBytes(13),
  ].map(plain);
  assert.deepEqual(all(), [
    "98.1 MB", "1.92 GB", "5,000 GB", "3.21 MB/s", "135 million", "3.2 billion", "12 thousand",
    "1 sec", "1 min 10 sec", "2 min", "1 hr", "1 hr 5 min", "43%", "4,096 tokens",
    "0 bytes", "1 byte", "13 bytes",
  ]);
  const script = (words: Words): string => `data:text/javascript,${encodeURIComponent(`export default ${JSON.stringify(words)}`)}`;
  await speak(["de"], { en: script(EN), de: script(DE) });
  assert.deepEqual([LANGUAGE, LOCALE], ["de", "de"]);
  assert.deepEqual(all().slice(0, 6), ["98,1 MB", "1,92 GB", "5.000 GB", "3,21 MB/s", "135 Millionen", "3,2 Milliarden"]);
  await speak(["fr"], { en: script(EN), fr: pathToFileURL("/nowhere.js").href }); // its words do not come
  assert.deepEqual([LANGUAGE, LOCALE], ["en", "en"]);
});

test("on a slow network the words that come first are spoken, however late", async ({ mock }) => {
  mock.timers.enable({ apis: ["setInterval"] });
  for (const first of ["en", "fr"] as const) {
    const come = new Map<string, () => void>();
    Object.assign(globalThis, { coming: (language: string) => new Promise<void>((resolve) => { come.set(language, resolve); }) });
    const script = (language: string, words: Words): string => (
      `data:text/javascript,${encodeURIComponent(`await coming("${language}"); export default ${JSON.stringify(words)}; // ${first}`)}`);
    const spoken = speak(["fr"], { en: script("en", EN), fr: script("fr", FR) });
    mock.timers.tick(5000);
    while (come.size < 2) await turns(1);
    mock.timers.tick(40_000);
    come.get(first)?.();
    await spoken;
    assert.deepEqual([LANGUAGE, LOCALE], [first, first]);
  }
});
