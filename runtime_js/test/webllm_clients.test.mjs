// A library that was written for WebLLM, with this package in its place.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createWebLLM } from "@browser-ai/web-llm";
import { embedMany, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { addPackagedModels } from "../src/webllm/app_config.ts";
import { ModelType } from "../src/webllm/constants.ts";
import { WebWorkerMLCEngineHandler } from "../src/webllm/web_worker.ts";
import { MODEL, soon } from "./fakes/engine.ts";
import { saying } from "./fakes/saying.ts";
import { Models } from "./fakes/service_worker.ts";

const record = (model_id) => (
  { model: `https://models.example/${model_id}`, model_lib: "", model_id, manifest: `https://models.example/${model_id}/manifest.json` });
addPackagedModels([record(MODEL), { ...record("vectors"), model_type: ModelType.embedding }]);
Object.defineProperty(globalThis, "navigator", { value: { gpu: {}, userAgent: "" }, configurable: true });

const QUESTION = "How is the weather in Rome?";
const CALL = "```tool_call\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n```";

class Handler extends WebWorkerMLCEngineHandler {
  deliver = () => undefined;

  postMessage(message) {
    this.deliver(structuredClone(message));
  }
}

/** A worker in this thread, as programs give one. */
function worker() {
  const handler = new Handler();
  const target = { postMessage: (data) => { setTimeout(() => handler.onmessage({ data: structuredClone(data) }), 0); } };
  handler.deliver = (data) => { setTimeout(() => target.onmessage({ data }), 0); };
  return target;
}

const PLACES = { "in this thread": () => ({}), "in a worker": () => ({ worker: worker() }) };
for (const [place, settings] of Object.entries(PLACES)) {
  const check = (name, texts, work) => {
    test(`@browser-ai/web-llm ${place}: ${name}`, async () => {
      const models = new Models();
      models.contextLength = 2048; // it describes tools at length
      await saying(() => ({ engine: models, client: models }), texts);
      await soon(work(createWebLLM().languageModel(MODEL, settings())), name, 20_000);
    });
  };

  check("texts, whole and streamed", ["Sunny.", "Cloudy."], async (model) => {
    const { text, usage, finishReason } = await generateText({ model, system: "Be brief.", prompt: QUESTION });
    assert.deepEqual([text, finishReason], ["Sunny.", "stop"]);
    assert.ok((usage.inputTokens ?? 0) > 3 && (usage.outputTokens ?? 0) > 1);
    const stream = streamText({ model, prompt: QUESTION });
    const pieces = [];
    for await (const piece of stream.textStream) pieces.push(piece);
    assert.equal(pieces.join(""), "Cloudy.");
    assert.ok(pieces.length > 1);
  });

  check("tools in its own words", [CALL, "Sunny in Rome."], async (model) => {
    const weather = tool({
      inputSchema: jsonSchema({ type: "object", properties: { city: { type: "string" } }, required: ["city"] }),
      execute: async ({ city }) => `sun in ${city}`,
    });
    const { text, steps } = await generateText({ model, prompt: QUESTION, tools: { weather }, stopWhen: stepCountIs(3) });
    assert.deepEqual([text, steps[0]?.toolResults[0]?.output], ["Sunny in Rome.", "sun in Rome"]);
  });

  test(`@browser-ai/web-llm ${place}: vectors`, async () => {
    const models = new Models();
    const { embeddings } = await soon(embedMany({ model: createWebLLM().embeddingModel("vectors", settings()), values: ["a", "b"] }));
    assert.deepEqual([embeddings.map(({ length }) => length), models.loaded.length], [[4, 4], 1]);
  });
}
