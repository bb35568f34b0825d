import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readConfig } from "../src/page/config.ts";
import { readSiteWords, type SiteWords } from "../src/page/site_words.ts";
import { Fields } from "../src/support/fields.ts";
import { formatBytes } from "../src/support/format.ts";
import { safeStorage } from "../src/app/safe_storage.ts";
import { describeProblem } from "../src/app/problems.ts";
import { Rate } from "../src/app/rate.ts";
import { requestOf, variablesOf } from "../src/app/request.ts";
import { SettingsStore, contextChoices, type Settings } from "../src/app/settings.ts";
import { DownloadError, ERROR_CLASSES } from "../src/support/errors.ts";
import EN from "../src/app/words/en.ts";
import { say } from "../src/app/words/words.ts";
import { parseManifest } from "../src/storage/manifest.ts";

say(EN, "en", "en");

/** No storage at all, as in a browser that refuses it. */
function noStorage(): ReturnType<typeof safeStorage> {
  return safeStorage(() => {
    throw new Error("denied");
  });
}

test("bytes are written in decimal units with three digits", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 B"], [999, "999 B"], [1000, "1.00 kB"], [105_362_432, "105 MB"], [9_996_000, "10.0 MB"], [99_960_000, "100 MB"],
    [999_600_000, "1.00 GB"], [1_923_000_000, "1.92 GB"], [5e12, "5000 GB"],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes).replace("\u00a0", " "), text);
});

test("the rate follows the last seconds", () => {
  const rate = new Rate();
  assert.equal(rate.sample(0, 0, 1000), undefined);
  assert.equal(rate.sample(500, 50, 1000), undefined);
  assert.deepEqual(rate.sample(1000, 100, 1000), { bytesPerSecond: 100, secondsLeft: 9 });
  for (let second = 2; second <= 20; second += 1) rate.sample(second * 1000, 100 + second, 1000);
  const slow = rate.sample(21_000, 121, 1000);
  assert.ok(slow !== undefined && slow.bytesPerSecond < 2);
});

test("a download that stands still has no estimate", () => {
  const rate = new Rate();
  rate.sample(0, 100, 1000);
  assert.equal(rate.sample(5000, 100, 1000), undefined);
});

test("context choices end at the model's own length", () => {
  assert.deepEqual(contextChoices(8192), [1024, 2048, 4096, 8192]);
  assert.deepEqual(contextChoices(5000), [1024, 2048, 4096, 5000]);
  assert.deepEqual(contextChoices(512), [512]);
});

test("every error of the engine has words and a way on", () => {
  for (const error of Object.values(ERROR_CLASSES)) {
    for (const doing of ["start", "answer"] as const) {
      const problem = describeProblem(new error("what exactly"), doing);
      assert.ok(problem.title !== "" && problem.text !== "" && problem.fix !== "" && problem.ways.length > 0);
      assert.ok(doing === "answer" || problem.fatal, "a model that did not start is not there");
      assert.match(problem.details, /what exactly/);
    }
  }
  assert.equal(describeProblem("a string", "answer").details, "a string");
  const replaced = describeProblem(new DownloadError("gone", { reason: "replaced" }), "start");
  assert.match(replaced.title, /newer version/);
  assert.deepEqual(replaced.ways.map(({ action }) => action), ["reload"]);
});

test("settings are the defaults until something that fits is stored", () => {
  const storage = noStorage();
  const store = new SettingsStore(storage, "m", 2048, { temperature: 0.6, topK: 20 });
  assert.deepEqual(store.load(), store.defaults);
  assert.deepEqual([store.defaults.contextLength, store.defaults.temperature, store.defaults.topP, store.defaults.topK], [2048, 0.6, 0.95, 20]);
  store.save({ ...store.defaults, temperature: 0 });
  assert.equal(store.load().temperature, 0);
  for (const wrong of [{ topP: 2 }, { topK: -1 }, { minP: null }, { repetitionPenalty: 0 }, { contextLength: 4096 }, { maxTokens: 0.5 }, { systemPrompt: 1 }]) {
    storage.set("webllm-build:settings:m", JSON.stringify({ ...store.defaults, ...wrong }));
    assert.deepEqual(store.load(), store.defaults);
  }
});

test("the system prompt is the site's until the visitor writes another", () => {
  const storage = noStorage();
  const store = new SettingsStore(storage, "m", 2048, {}, "You are Ada.");
  assert.equal(store.load().systemPrompt, "You are Ada.");
  store.save({ ...store.load(), systemPrompt: "" });
  assert.equal(store.load().systemPrompt, "");
});

test("a site's words are read, and absent ones are the page's", () => {
  const read = (value: unknown): SiteWords => readSiteWords(new Fields(value, "site", (message) => new Error(message)));
  const nothing = { welcome: null, suggestions: null, system_prompt: null, presets: [] };
  assert.deepEqual(read(nothing), { suggestions: undefined, systemPrompt: undefined, presets: [] });
  const presets = [{ name: "Poet", text: "Rhyme." }];
  const said = { suggestions: ["Eins?"], system_prompt: "Kurz.", presets };
  assert.deepEqual(read(said), { suggestions: ["Eins?"], systemPrompt: "Kurz.", presets });
  assert.throws(() => read({ ...said, suggestions: [1] }), /site\.suggestions\[0\]/);
});

test("settings of an earlier build go on, and new ones are kept", () => {
  const storage = noStorage();
  const store = new SettingsStore(storage, "m", 2048, {});
  const { systemPrompt, topP, topK, minP, repetitionPenalty, maxTokens, contextLength, device } = store.defaults;
  storage.set("webllm-build:settings:m", JSON.stringify({ systemPrompt, temperature: 0.1, topP, topK, minP, repetitionPenalty, maxTokens, contextLength, device }));
  assert.deepEqual(store.load(), { ...store.defaults, temperature: 0.1 });
  const chosen: Settings = {
    ...store.defaults, seed: 7, stop: ["END", "\t"], form: "schema", schema: '{"type":"string"}', overflow: "drop_oldest", thinking: "off", effort: "low", thinkingBudget: 0,
  };
  store.save(chosen);
  assert.deepEqual(store.load(), chosen);
  for (const wrong of [{ seed: 0.5 }, { stop: "END" }, { stop: Array(17).fill("x") }, { form: "xml" }, { overflow: "crash" }, { frequencyPenalty: 3 }, { thinkingBudget: -1 }]) {
    storage.set("webllm-build:settings:m", JSON.stringify({ ...chosen, ...wrong }));
    assert.deepEqual(store.load(), store.defaults, JSON.stringify(wrong));
  }
});

test("the engine is asked for what the settings say", () => {
  const { defaults } = new SettingsStore(noStorage(), "m", 2048, {});
  const plain = requestOf(defaults);
  assert.equal("structure" in plain || "thinkingBudget" in plain || "ignoreEos" in plain || "seed" in plain.sampling, false);
  assert.deepEqual(variablesOf(defaults), {});
  const asked = requestOf({ ...defaults, seed: 7, stop: ["END"], ignoreEnd: true, form: "schema", schema: "true", overflow: "truncate_middle", thinkingBudget: 9 });
  assert.deepEqual([asked.sampling.seed, asked.stop, asked.ignoreEos, asked.overflow, asked.thinkingBudget], [7, ["END"], true, "truncate_middle", 9]);
  assert.equal(asked.structure?.kind === "schema" && asked.structure.schema, "true");
  assert.equal(requestOf({ ...defaults, form: "json" }).structure?.kind, "schema");
  assert.equal(variablesOf({ ...defaults, thinking: "off" })["enable_thinking"], false);
  assert.equal(variablesOf({ ...defaults, effort: "high" })["reasoning_effort"], "high");
});

test("a page that was built for another script is refused by name", () => {
  assert.throws(() => readConfig("{}", "https://example.org/"), /webllm-config/);
  assert.throws(() => readConfig("[]", "https://example.org/"), /webllm-config/);
});

test("the engine reads the manifest that the builder writes", () => {
  // tests/null/test_package_model_folder.py compares this file with what the builder writes.
  const manifest = parseManifest(JSON.parse(readFileSync("../tests/golden/manifest.json", "utf8")));
  assert.equal(manifest.model.name, "Sample 1M Instruct");
  assert.equal(manifest.tensors.length, 4);
  assert.deepEqual(manifest.tensors[1]?.shape, [1, 3]);
  assert.deepEqual(manifest.eosTokenIds, [2, 7]);
});
