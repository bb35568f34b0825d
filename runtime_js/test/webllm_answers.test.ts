// What WebLLM's engine remembers and tells of its answers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebWorkerMLCEngine as WorkerEngine } from "../src/transport/client.ts";
import { EngineBase } from "../src/webllm/engine.ts";
import type * as webllm from "../src/webllm/index.ts";
import { CONFIG, FakeEngine, Loopback, soon } from "./fakes/engine.ts";
import { saying } from "./fakes/saying.ts";
import { CALL, Engine, QUESTION, all, loaded } from "./fakes/webllm.ts";

test("an id is a bare UUID, and the same in all pieces", async () => {
  const engine = await loaded();
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
  assert.match((await engine.chatCompletion(CALL)).id, uuid);
  assert.match((await engine.completion({ prompt: "hi", max_tokens: 2 })).id, uuid);
  const ids = (await all(await engine.chatCompletion({ ...CALL, stream: true, stream_options: { include_usage: true } }))).map(({ id }) => id);
  assert.match(ids[0] ?? "", uuid);
  assert.equal(new Set(ids).size, 1);
});

test("the latest text is told of the model that is meant; a reset of one that is not loaded does nothing", async () => {
  const engine = new Engine();
  await assert.rejects(engine.getMessage(), { name: "ModelNotLoadedError" });
  await assert.rejects(engine.runtimeStatsText(), { name: "ModelNotLoadedError" });
  await engine.resetChat();
  await engine.reload(["toy", "other"]);
  const { choices: [choice] } = await engine.chatCompletion({ ...CALL, model: "toy" });
  assert.equal(await engine.getMessage("toy"), choice?.message.content);
  assert.equal(await engine.getMessage("other"), "");
  await assert.rejects(engine.getMessage(), { name: "UnclearModelToUseError" });
  await assert.rejects(engine.getMessage("nobody"), { name: "SpecifiedModelNotFoundError" });
  await assert.rejects(engine.runtimeStatsText(), { name: "UnclearModelToUseError" });
  await assert.rejects(engine.resetChat(), { name: "UnclearModelToUseError" });
  await engine.resetChat(false, "nobody");
  await engine.resetChat(true, "toy");
  assert.equal(await engine.getMessage("toy"), "");
});

test("the latest text has the thoughts that the answer had, whole, in pieces, and as far as somebody read", async () => {
  const engine = new Engine({}, new FakeEngine(CONFIG));
  await saying(() => ({ engine: engine.inner, client: engine.inner }), ["<think>\nhm\n</think>\n\nyes", "<think>\nhm\n</think>\n\nyes"]);
  await engine.reload("toy");
  const { choices: [choice] } = await engine.chatCompletion({ messages: QUESTION });
  assert.equal(choice?.message.content, await engine.getMessage());
  let text = "";
  for await (const { choices: [piece] } of await engine.chatCompletion({ messages: QUESTION, stream: true })) text += piece?.delta.content ?? "";
  assert.equal(text, choice?.message.content);
  assert.equal(await engine.getMessage(), text);
});

const STATS = /^prefill: ([0-9]+[.][0-9]{4}) tokens\/sec, decoding: ([0-9]+[.][0-9]{4}) tokens\/sec$/;
const rates = async (engine: Engine): Promise<number[]> => (STATS.exec(await engine.runtimeStatsText()) ?? []).slice(1).map(Number);

test("runtime stats count answers and single steps, until a reset that does not keep them", async () => {
  const engine = await loaded();
  assert.deepEqual(await rates(engine), [0, 0]);
  await engine.forwardTokensAndSample([5, 6, 7], true);
  const [prefill = 0, decode = 0] = await rates(engine);
  assert.ok(prefill > 0 && decode === 0);
  await engine.forwardTokensAndSample([5], false);
  assert.ok((await rates(engine)).every((rate) => rate > 0));
  await engine.resetChat();
  assert.deepEqual(await rates(engine), [0, 0]);
  const [piece] = await all(await engine.chatCompletion({ ...CALL, stream: true }));
  assert.equal(piece?.usage, undefined);
  await engine.resetChat(true);
  assert.ok((await rates(engine)).every((rate) => rate > 0));
});

test("biases of tokens that the model has not are passed over", async () => {
  const engine = await loaded();
  const biased = { ...CALL, logit_bias: { 7: 100, 46510: -100, 8421: 5 } };
  const { choices: [choice] } = await engine.chatCompletion(biased);
  assert.equal(choice?.message.content, (await engine.chatCompletion({ ...CALL, logit_bias: { 7: 100 } })).choices[0]?.message.content);
  assert.equal((await all(await engine.chatCompletion({ ...biased, stream: true }))).at(-1)?.choices[0]?.finish_reason, "length");
  assert.equal((await engine.completion({ prompt: "hi", max_tokens: 2, logit_bias: { 46510: 5 } })).choices.length, 1);
});

test("what WebLLM takes beyond this engine's bounds is taken", async () => {
  const engine = await loaded();
  const most = { ...CALL, temperature: 2, seed: 1, repetition_penalty: 100 };
  const text = async (request: object): Promise<unknown> => (await engine.chatCompletion({ ...most, ...request })).choices[0]?.message.content;
  assert.equal(await text({ temperature: 5, repetition_penalty: 1e6, max_tokens: 4.5 }), await text({}));
  assert.equal((await engine.chatCompletion({ ...CALL, max_tokens: Infinity })).choices[0]?.finish_reason, "length");
  assert.equal((await engine.completion({ prompt: "hi", temperature: 3, max_tokens: 1.5 })).usage?.completion_tokens, 2);
});

test("an answer of a form tells what its grammar took, and another does not", async () => {
  const engine = await loaded();
  const { usage } = await engine.chatCompletion({ ...CALL, response_format: { type: "json_object" }, extra_body: { enable_latency_breakdown: true } });
  assert.equal(usage?.extra.latencyBreakdown?.grammarBitmaskTime[0], usage?.extra.grammar_per_token_s);
  assert.ok((usage?.extra.grammar_init_s ?? 0) > 0 && (usage?.extra.grammar_per_token_s ?? -1) >= 0, JSON.stringify(usage));
  assert.deepEqual(Object.keys((await engine.chatCompletion(CALL)).usage?.extra ?? {}).filter((key) => key.startsWith("grammar")), []);
});

test("a form may be said as OpenAI does", async () => {
  const engine = await loaded();
  const inner = engine.inner.loaded[0] ?? assert.fail();
  inner.runner.vocabulary = 300; // all of the tokenizer's
  const form: webllm.ResponseFormat = { type: "json_schema", json_schema: { name: "a", schema: { enum: ["x"] } } };
  await assert.rejects(engine.chatCompletion({ ...CALL, response_format: { ...form, json_schema: { name: "a b" } } }), { code: "RequestValidation" });
  assert.ok((await engine.chatCompletion({ ...CALL, response_format: form })).usage?.extra.grammar_init_s);
});

test("the marks that programs for WebLLM write around a text are not there twice", async () => {
  const engine = new Engine();
  engine.inner.embeds = { pooling: "cls", whole: true, maxTokens: 64, prompts: new Map(), defaultPrompt: undefined };
  await engine.reload("vectors");
  const vectors = async (input: string | string[]): Promise<string> => JSON.stringify((await engine.embedding({ input })).data);
  assert.equal(await vectors("[CLS] The Data Cloud! [SEP]"), await vectors("The Data Cloud!"));
  assert.equal(await vectors(["[CLS] a [SEP]", "b"]), await vectors(["a", "b"]));
  assert.notEqual(await vectors("[CLS] a"), await vectors("a"));
  await assert.rejects(vectors("a".repeat(200)), { name: "EmbeddingExceedContextWindowSizeError", code: "ContextWindowSizeExceeded" });
});

class Client extends EngineBase<WorkerEngine> {
  constructor(engine: FakeEngine) {
    super(new WorkerEngine(new Loopback(engine), {}), {});
  }
}

test("steps of one text are one answer to a processor in a worker, too", async () => {
  const seen: (number | "reset")[] = [];
  const processor: webllm.LogitProcessor = { processLogits: (logits) => logits, processSampledToken: (token) => seen.push(token), resetState: () => seen.push("reset") };
  const engine = new FakeEngine();
  engine.setLogitProcessorRegistry(new Map([["toy", processor]]));
  const client = new Client(engine);
  await soon(client.reload("toy"));
  const drawn = [await client.forwardTokensAndSample([5, 6], true)];
  drawn.push(await client.forwardTokensAndSample(drawn, false));
  assert.deepEqual(seen, ["reset", ...drawn]);
  void client.resetChat();
  const again = await client.forwardTokensAndSample([5, 6], true);
  assert.deepEqual(seen, ["reset", ...drawn, "reset", again]);
});

test("single steps draw as the model's settings say", async () => {
  const steps = async (): Promise<number[]> => {
    const engine = await loaded({}, { temperature: 0 });
    return [await engine.forwardTokensAndSample([5, 6, 7], true), await engine.forwardTokensAndSample([9], false)];
  };
  assert.deepEqual(await steps(), await steps());
});
