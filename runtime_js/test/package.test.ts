import assert from "node:assert/strict";
import { test } from "node:test";
import { findRecord, locate, locateToLoad, prebuiltAppConfig } from "../src/webllm/app_config.ts";
import { ModelType } from "../src/webllm/constants.ts";
import type { PackagedFacts } from "../src/webllm/app_config.ts";
import { Package } from "../src/webllm/package.ts";

const CHAT = "Toy-1B-Instruct-q4f16_1-MLC";

function facts(id: string, more: Partial<PackagedFacts> = {}): PackagedFacts {
  const manifest = `https://cdn.example/pkg/model/manifest.${id}.json`;
  return {
    record: { model_id: id, manifest, files: { "model.wasm": `https://cdn.example/${id}.wasm` } },
    name: id, downloadBytes: 1024, memoryBytes: 123_456_789, contextLength: 512, library: "model.wasm", embeds: false, sees: false, hears: false, aliases: [], reference: null, ...more,
  };
}

const VECTORS = facts("vectors-q8", { embeds: true, contextLength: 128, aliases: ["vectors"], reference: "vectors" });
const TOY = facts("toy-q4", { aliases: ["toy", CHAT, "vectors-q8"], reference: "toy" });
const MODELS = [VECTORS, TOY, facts("mine-q4")];

test("an engine gets the first model, or those that are named by an id or another name", () => {
  const contents = new Package(MODELS, false);
  assert.deepEqual(contents.choose({})[0], ["vectors-q8"]);
  assert.deepEqual(contents.choose({ model: "toy" })[0], ["toy"]);
  const [names, { appConfig, device }] = contents.choose({ model: [CHAT, "vectors"], device: "cpu" });
  assert.deepEqual([names, device], [[CHAT, "vectors"], "cpu"]);
  const found = new Map(appConfig?.model_list.map(({ model_id, manifest }) => [model_id, manifest]));
  assert.deepEqual([found.get(CHAT), found.get("vectors")], [TOY.record.manifest, VECTORS.record.manifest]);
  assert.ok(found.has("mine-q4") && found.has("toy"), "for addModel");
  assert.equal(contents.find("vectors-q8"), VECTORS, "an id counts before other names");
  assert.equal(contents.find(undefined, ({ embeds }) => !embeds), TOY);
});

test("a name that the package lacks says what it has, and which command makes one with it", () => {
  const contents = new Package(MODELS, false);
  const wanted = { code: "ModelNotFound", message: /"nobody", but vectors-q8, toy-q4, mine-q4[.] .*webllm-build npm --model vectors --model toy --model [.]{3} --model nobody$/ };
  assert.throws(() => contents.choose({ model: "nobody" }), wanted);
  assert.throws(() => contents.choose({ model: ["toy", "nobody"] }), wanted);
  assert.throws(() => contents.choose({ model: "`rm -rf`" }), /--model NAME$/);
});

test("a package without weights asks where they are, once for all models", () => {
  const contents = new Package(MODELS, true);
  assert.throws(() => contents.choose({}), { code: "RequestValidation", message: /holds no weights/ });
  const [, { appConfig }] = contents.choose({ model: "toy", weights: "https://weights.example/" });
  assert.ok(appConfig?.model_list.every(({ weights }) => weights === "https://weights.example/"));
});

test("a program for WebLLM adds the weights' address to the records, as its errors say", () => {
  new Package([facts("bare-q4", { aliases: ["bare"] })], true);
  const record = findRecord("bare", prebuiltAppConfig);
  assert.throws(() => locateToLoad(record), { name: "MissingWeightsError", code: "RequestValidation", message: /weights: "https:/ });
  const theirs = { model: "https://huggingface.co/mlc-ai/bare", model_lib: "", model_id: "mine" };
  assert.throws(() => locateToLoad(theirs), { name: "MissingWeightsError" });
  for (const each of [record, theirs]) assert.equal(locateToLoad({ ...each, weights: "https://w.example/" }).weights, "https://w.example/");
  new Package([facts("full-q4")], false);
  assert.equal(locateToLoad(findRecord("full-q4", prebuiltAppConfig)).weights, undefined);
});

test("prebuiltAppConfig is made of the models, under all of their names", () => {
  const records = new Map(prebuiltAppConfig.model_list.map((record) => [record.model_id, record]));
  assert.deepEqual([...records.keys()], ["vectors-q8", "vectors", "toy-q4", "toy", CHAT, "mine-q4", "bare-q4", "bare", "full-q4"]);
  assert.deepEqual([records.get("vectors")?.model_type, records.get(CHAT)?.model_type], [ModelType.embedding, ModelType.LLM]);
  assert.deepEqual(records.get("vectors")?.overrides, { context_window_size: 128 });
  assert.equal(records.get(CHAT)?.vram_required_MB, 123.46);
  assert.equal(records.get(CHAT)?.model_lib, "https://cdn.example/toy-q4.wasm");
});

test("a record of WebLLM's is found by its id, else by its repository; another one says what makes it", () => {
  const theirs = {
    model: `https://huggingface.co/mlc-ai/${CHAT}`, model_lib: "https://models.example/toy.wasm", vram_required_MB: 900, low_resource_required: true,
    buffer_size_required_bytes: 262144000, required_features: ["shader-f16"], integrity: { config: "sha256-AAAA" }, overrides: { context_window_size: 64 },
  };
  assert.equal(locate({ ...theirs, model_id: "toy" }).manifest, TOY.record.manifest);
  assert.deepEqual(locate({ ...theirs, model_id: "renamed" }), { ...locate({ ...theirs, model_id: "toy" }), model_id: "renamed" });
  const made = (model: string, model_id: string, reference: string): void => assert.throws(() => locate({ ...theirs, model, model_id }), (error: Error) => (
    error.name === "ModelNotFoundError" && error.message.endsWith(`webllm-build npm --model vectors --model toy --model ... --model ... --model ... --model ${reference}`)));
  made("https://huggingface.co/mlc-ai/Other-3B-q4f16_1-MLC/resolve/main/", "mine", "Other-3B-q4f16_1-MLC");
  made("https://huggingface.co/me/Own-3B-MLC", "mine", "hf:me/Own-3B-MLC");
  made("https://models.example/own/", "Own-3B", "Own-3B");
});

test("a package is imported where its addresses are no URLs, as on Turbopack's servers", () => {
  const record = { model_id: "served", manifest: "/_next/static/media/manifest.0a1b.json.txt", files: { "model.wasm": "/_next/static/media/model.0a1b.wasm" } };
  new Package([facts("served", { record })], false);
  const { model, model_lib } = findRecord("served", prebuiltAppConfig);
  assert.deepEqual([model, model_lib], ["/_next/static/media/", "/_next/static/media/model.0a1b.wasm"]);
});
