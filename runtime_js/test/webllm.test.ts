// WebLLM's interface on this engine: its forms, defaults, order of checks and names of errors.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { MLCEngine as OwnEngine } from "../src/api/engine.ts";
import { addPackagedModels } from "../src/webllm/app_config.ts";
import { named } from "../src/webllm/errors.ts";
import { RequestValidationError } from "../src/support/errors.ts";
import * as webllm from "../src/webllm/index.ts";
import { soon } from "./fakes/engine.ts";
import { Models } from "./fakes/service_worker.ts";
import { turns } from "./fakes/turns.ts";
import { CALL, Engine, LLAMA, QUESTION, all, loaded } from "./fakes/webllm.ts";

test("a record of WebLLM's means the package's model that has its id", async () => {
  const address = `https://huggingface.co/mlc-ai/${LLAMA}/resolve/main/`;
  const theirs: webllm.ModelRecord = { model: address, model_id: "mine", model_lib: "https://models.example/model.wasm", vram_required_MB: 800, required_features: ["shader-f16"] };
  const engine = new Engine({ appConfig: { model_list: [theirs], cacheBackend: "indexeddb" } });
  await engine.reload("mine");
  assert.deepEqual(engine.inner.loaded.map(({ modelId }) => modelId), ["mine"]);
  assert.ok(webllm.prebuiltAppConfig.model_list.some(({ model_id }) => model_id === LLAMA));
  const unknown = { ...theirs, model: "https://huggingface.co/mlc-ai/Nobody-7B-MLC", model_id: "Nobody-7B-MLC" };
  await assert.rejects(new Engine({ appConfig: { model_list: [unknown] } }).reload("Nobody-7B-MLC"),
    { name: "ModelNotFoundError", code: "ModelNotFound", message: /webllm-build npm .*--model Nobody-7B-MLC$/ });
  await assert.rejects(new Engine().reload("nobody"), { name: "ModelNotFoundError", message: /Cannot find model record in appConfig for nobody/ });
  await assert.rejects(new Engine().reload("/built/site"), { name: "ModelNotFoundError", message: /appConfig for \/built\/site[.] .*new Engine\(\) and reload\(\)/ });
});

test("reload looks at its arguments in WebLLM's order, after it has unloaded", async () => {
  const engine = await loaded();
  await assert.rejects(engine.reload(["toy", "toy"], [{}]), { name: "ReloadArgumentSizeUnmatchedError" });
  assert.equal(engine.inner.alive, 0);
  await assert.rejects(engine.reload(["nobody", "nobody"]), { name: "ReloadModelIdNotUniqueError" });
  await assert.rejects(engine.chatCompletion(CALL), { name: "ModelNotLoadedError", code: "ModelNotLoaded" });
  await assert.rejects(engine.reload("toy", { sliding_window_size: 64, context_window_size: 64 }), { name: "WindowSizeConfigurationError" });
  await assert.rejects(engine.reload("toy", { sliding_window_size: 64, context_window_size: -1 }), { name: "AttentionSinkSizeError" });
});

test("a list of no models unloads those that there are", async () => {
  const engine = await loaded();
  await engine.reload([]);
  assert.equal(engine.inner.alive, 0);
  await assert.rejects(engine.chatCompletion(CALL), { name: "ModelNotLoadedError" });
  assert.throws(() => new webllm.ServiceWorkerMLCEngineHandler(), { name: "NonWorkerEnvironmentError" });
});

test("unload ends a load, which resolves", async () => {
  const engine = new Engine({ logLevel: "SILENT" });
  engine.setLogLevel("SILENT");
  engine.inner.loading = () => new Promise(() => undefined);
  const loading = engine.reload("toy");
  await turns(5);
  await engine.unload();
  await soon(loading);
  await assert.rejects(engine.chatCompletion(CALL), { name: "ModelNotLoadedError" });
  engine.setLogLevel("WARN");
});

test("unload ends a load that has only just been asked for", async () => {
  const engine = new Engine({ logLevel: "SILENT" });
  const loading = engine.reload("toy");
  await engine.unload();
  await soon(loading);
  assert.deepEqual([engine.inner.loaded.length, engine.inner.alive], [0, 0]);
  await assert.rejects(engine.chatCompletion(CALL), { name: "ModelNotLoadedError" });
  engine.setLogLevel("WARN");
});

test("of several models a request names one", async () => {
  const engine = new Engine();
  await engine.reload(["toy", "other", "vectors"], [{}, { temperature: 0 }, {}]);
  await assert.rejects(engine.chatCompletion(CALL), { name: "UnclearModelToUseError" });
  await assert.rejects(engine.chatCompletion({ ...CALL, model: "nobody" }), { name: "SpecifiedModelNotFoundError" });
  await assert.rejects(engine.chatCompletion({ ...CALL, model: "vectors" }), { name: "IncorrectPipelineLoadedError" });
  await assert.rejects(engine.embedding({ input: "hi", model: "toy" }), { name: "IncorrectPipelineLoadedError" });
  assert.equal((await engine.chatCompletion({ ...CALL, model: "other" })).model, "other");
});

test("wrong requests fail under WebLLM's names; unknown fields are left out; a request stays as it is", async () => {
  const engine = await loaded();
  const bad: [webllm.ChatCompletionRequestNonStreaming, string][] = [
    [{ messages: [...QUESTION, { role: "system", content: "be kind" }] }, "SystemMessageOrderError"],
    [{ messages: [...QUESTION, { role: "assistant", content: "hello" }] }, "MessageOrderError"],
    [{ messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://pictures.example/1.png" } }] }] }, "UserMessageContentErrorForNonVLM"],
    [JSON.parse('{"messages": [{"role": "user", "content": null}]}'), "UserMessageContentErrorForNonVLM"],
    [{ messages: QUESTION, seed: 1.5 }, "SeedTypeError"],
    [{ messages: QUESTION, response_format: { type: "text", schema: "{}" } }, "InvalidResponseFormatError"],
    [{ messages: QUESTION, response_format: { type: "grammar" } }, "InvalidResponseFormatGrammarError"],
    [{ messages: QUESTION, response_format: { type: "structural_tag" } }, "InvalidResponseFormatStructuralTagError"],
    [{ messages: QUESTION, stream_options: { include_usage: true } }, "InvalidStreamOptionsError"],
    [{ messages: QUESTION, frequency_penalty: 3 }, "RangeError"],
    [{ messages: QUESTION, presence_penalty: Number.NaN }, "RangeError"],
    [{ messages: QUESTION, top_p: 0 }, "RangeError"],
    [{ messages: QUESTION, temperature: -1 }, "NonNegativeError"],
    [{ messages: QUESTION, max_tokens: 0 }, "MinValueError"],
    [{ messages: QUESTION, repetition_penalty: 0 }, "MinValueError"],
    [{ messages: QUESTION, logit_bias: { 5: 101 } }, "RangeError"],
    [{ messages: QUESTION, logit_bias: { hello: 1 } }, "InvalidNumberStringError"],
    [{ messages: QUESTION, top_logprobs: 2 }, "DependencyError"],
    [{ messages: QUESTION, logprobs: true, top_logprobs: 6 }, "RangeError"],
    [JSON.parse('{"messages": [{"role": "function", "content": "a"}, {"role": "user", "content": "b"}]}'), "UnsupportedRoleError"],
    [{ messages: QUESTION, tools: [{ type: "function", function: { name: "price" } }] }, "UnsupportedModelIdError"],
    [{ messages: QUESTION, response_format: { type: "json_object", schema: "{" } }, "GrammarMatcherInitError"],
    [{ messages: QUESTION, response_format: { type: "grammar", grammar: "root ::= (" } }, "GrammarMatcherInitError"],
  ];
  for (const [request, name] of bad) await assert.rejects(engine.chat.completions.create(request), { name, code: "RequestValidation" }, name);
  await assert.rejects(engine.completions.create({ prompt: "a", suffix: "b" }), { name: "UnsupportedFieldsError" });
  await assert.rejects(engine.completions.create(JSON.parse('{"prompt": "a", "extra_body": {"resumable": {"enabled": false}}}')), { name: "UnsupportedFieldsError" });
  for (const extra_body of ["null", '{"resumable": null}']) {
    assert.equal((await engine.completions.create(JSON.parse(`{"prompt": "a", "max_tokens": 1, "extra_body": ${extra_body}}`))).choices.length, 1);
  }
  const request = { ...CALL, user: "somebody", store: true, messages: [...QUESTION] };
  const before = structuredClone(request);
  assert.equal((await engine.chatCompletion(request)).choices.length, 1);
  assert.deepEqual(request, before);
});

test("a stream begins when it is read, and looks at its values then", async () => {
  const engine = await loaded();
  await assert.rejects(engine.chatCompletion({ messages: QUESTION, stream: true, n: 2 }), { name: "StreamingCountError" });
  const bad = await engine.chatCompletion({ messages: QUESTION, stream: true, temperature: -1 });
  await assert.rejects(all(bad), { name: "NonNegativeError" });
  const stream = await engine.chatCompletion({ ...CALL, stream: true, stream_options: { include_usage: true } });
  assert.equal(engine.inner.loaded[0]?.runner.calls.length, 0);
  const chunks = await all(stream);
  const [last, used] = chunks.slice(-2);
  assert.deepEqual([last?.choices[0]?.delta, last?.choices[0]?.finish_reason, used?.choices], [{}, "length", []]);
  for (const { choices: [choice], usage } of chunks.slice(0, -2)) {
    assert.deepEqual([choice?.delta.role, typeof choice?.delta.content, choice?.finish_reason, usage], ["assistant", "string", null, undefined]);
  }
  const text = chunks.map(({ choices: [choice] }) => choice?.delta.content ?? "").join("");
  assert.equal(text, (await engine.chatCompletion(CALL)).choices[0]?.message.content);
  assert.equal(text, await engine.getMessage());
});

test("prompt tokens are those that were computed; a breakdown has an entry a token", async () => {
  const engine = await loaded();
  const [first, second] = [await engine.chatCompletion(CALL), await engine.chatCompletion({ ...CALL, extra_body: { enable_latency_breakdown: true } })];
  assert.ok((first.usage?.prompt_tokens ?? 0) > 1);
  assert.equal(second.usage?.prompt_tokens, 1);
  assert.equal(second.usage.total_tokens, 6);
  assert.equal(first.usage?.extra.latencyBreakdown, undefined);
  assert.deepEqual(Object.values(second.usage.extra.latencyBreakdown ?? {}).map(({ length }) => length), [5, 5, 5, 5, 5, 5]);
  assert.match(await engine.runtimeStatsText(), /^prefill: [0-9]+[.][0-9]{4} tokens\/sec, decoding: [0-9]+[.][0-9]{4} tokens\/sec$/);
});

test("a conversation that goes on computes what is new, whatever the model wrote", async () => {
  const engine = await loaded();
  const messages: webllm.ChatCompletionMessageParam[] = [{ role: "system", content: "Be as happy as you can when speaking please." }, ...QUESTION];
  const computed: number[] = [];
  for (const stream of [false, true, false] as const) {
    const request = { messages, temperature: 0, max_tokens: 40 };
    const reply = stream ? undefined : await engine.chatCompletion({ ...request, stream });
    const chunks = stream ? await all(await engine.chatCompletion({ ...request, stream, stream_options: { include_usage: true } })) : [];
    computed.push((reply ?? chunks.at(-1))?.usage?.prompt_tokens ?? 0);
    messages.push({ role: "assistant", content: await engine.getMessage() }, { role: "user", content: "hi" });
  }
  const [first = 0, ...others] = computed;
  for (const one of others) assert.ok(one > 0 && one < first / 2, computed.join(" "));
  const whole = { messages: messages.slice(0, -2), temperature: 0, max_tokens: 5, keep_tokens: false };
  const [text, other] = [await engine.chatCompletion(whole), await (await loaded()).chatCompletion(whole)];
  assert.equal(text.choices[0]?.message.content, other.choices[0]?.message.content, "without it an answer depends on its request alone");
});

test("settings of a model are the defaults of its requests", async () => {
  const engine = await loaded({}, { temperature: 0, conv_config: { system_message: "be kind" }, context_window_size: 128 });
  const plain = await engine.chatCompletion({ messages: QUESTION, max_tokens: 5 });
  const said = await (await loaded()).chatCompletion({ ...CALL, messages: [{ role: "system", content: "be kind" }, ...QUESTION] });
  assert.equal(plain.choices[0]?.message.content, said.choices[0]?.message.content);
  assert.equal(plain.usage?.prompt_tokens, said.usage?.prompt_tokens);
});

test("a window that the model was not built for becomes that which it has", async () => {
  addPackagedModels([{ model: "", model_lib: "", model_id: "short", manifest: "https://models.example/short/manifest.json", overrides: { context_window_size: 64 } }]);
  const record = { model: "https://huggingface.co/mlc-ai/short", model_id: "mine", model_lib: "", overrides: { context_window_size: 4096 } };
  const engine = new Engine({ appConfig: { model_list: [record] } });
  engine.setLogLevel("SILENT");
  for (const [asked, size] of [[undefined, 64], [{ context_window_size: 32 }, 32], [{ sliding_window_size: 128, context_window_size: -1, attention_sink_size: 0 }, 64]] as const) {
    await engine.reload("mine", asked);
    assert.equal(engine.inner.loaded.at(-1)?.choice.contextLength, size);
  }
  engine.setLogLevel("WARN");
});

test("a completion tells logprobs as a chat does", async () => {
  const engine = await loaded();
  const { choices: [choice] } = await engine.completions.create({ prompt: "hi", max_tokens: 3, temperature: 0, logprobs: true, top_logprobs: 2 });
  assert.equal(choice?.logprobs?.content?.length, 3);
  assert.equal(choice.logprobs.content[0]?.top_logprobs.length, 2);
});

test("single steps go on where the last one ended, and a reset begins anew", async () => {
  const engine = await loaded();
  const { runner } = engine.inner.loaded[0] ?? assert.fail();
  const first = await engine.forwardTokensAndSample([5, 6, 7], true);
  const before = runner.calls.length;
  await engine.forwardTokensAndSample([first], false);
  assert.ok(runner.calls.length - before <= 2, "a step, and no prompt");
  await engine.resetChat();
  assert.equal(await engine.forwardTokensAndSample([5, 6, 7], true), first);
});

test("a program that asks for the GPU's size goes on where there is none", async () => {
  for (const device of ["auto", "cpu"] as const) {
    const engine = new webllm.MLCEngine({ device });
    assert.deepEqual([await engine.getMaxStorageBufferBindingSize(), await engine.getGPUVendor()], [2 ** 30, ""]);
  }
  await assert.rejects(new webllm.MLCEngine({ device: "gpu" }).getGPUVendor(), { name: "WebGPUNotAvailableError" });
});

test("a load ends with progress 1 and WebLLM's last words", async () => {
  const reports: webllm.InitProgressReport[] = [];
  const engine = new webllm.MLCEngine({ initProgressCallback: (report) => reports.push(report), device: "gpu" });
  await assert.rejects(engine.reload("toy"), { name: "WebGPUNotAvailableError" });
  assert.deepEqual(Object.keys(reports[0] ?? {}), ["progress", "timeElapsed", "text"]);
});

/** A worker in this thread whose handler is WebLLM's, as a program extends it. */
class Handler extends webllm.WebWorkerMLCEngineHandler {
  deliver: (data: unknown) => void = () => undefined;

  override postMessage(message: unknown): void {
    this.deliver(structuredClone(message));
  }

  override onmessage(event: { readonly data: { kind: string; uuid: string; content?: unknown } }, onComplete?: (value: unknown) => void, onError?: () => void): void {
    if (event.data.kind === "customRequest") void this.handleTask(event.data.uuid, async () => "custom answer");
    else super.onmessage(event, onComplete, onError);
  }
}

class Client extends webllm.WebWorkerMLCEngine {
  ask(): Promise<unknown> {
    return this.getPromise({ kind: "customRequest", uuid: "1", content: null });
  }
}

test("a worker's messages go through onmessage, a program's own among them", async () => {
  const handler = new Handler();
  const worker: { postMessage: (data: unknown) => void; onmessage?: (event: { data: unknown }) => void } = {
    postMessage: (data) => { setTimeout(() => handler.onmessage({ data: data as { kind: string; uuid: string } }), 0); },
  };
  handler.deliver = (data) => { setTimeout(() => worker.onmessage?.({ data }), 0); };
  const client = new Client(worker, { device: "gpu" });
  assert.equal(await soon(client.ask()), "custom answer");
  await assert.rejects(client.chatCompletion(CALL), { name: "WorkerEngineModelNotLoadedError", message: /^WebWorkerMLCEngine is not loaded with a model/ });
  await assert.rejects(soon(client.reload("toy")), { name: "WebGPUNotAvailableError" });
  assert.deepEqual(client.modelId, ["toy"]);
  const inner: OwnEngine = handler.engine.inner;
  assert.ok(inner);
  assert.equal(await soon(new Promise((resolve) => handler.onmessage({ data: { kind: "unknown", uuid: "2" } }, resolve))), null);
  let errors = 0;
  assert.throws(() => handler.onmessage({ data: { kind: "unknown", uuid: "3", content: "x" } }, undefined, () => { errors++; }),
    { name: "UnknownMessageKindError", message: "Unknown message kind, msg: [unknown] x" });
  assert.equal(errors, 1);
});

test("a level is that of the page and of its worker, which keeps its own where the page asks for none", async ({ mock }) => {
  const told: unknown[] = [];
  const worker = { postMessage: (data: object) => { if ("level" in data) told.push(data.level); } };
  const warn = mock.method(console, "warn", () => undefined);
  const warned = async (): Promise<number> => {
    await webllm.verifyIntegrity(new ArrayBuffer(1), `sha256-${"A".repeat(43)}=`, "a", "warn");
    return warn.mock.callCount();
  };
  const client = new webllm.WebWorkerMLCEngine(worker);
  assert.deepEqual([told, await warned()], [[], 1]);
  client.setLogLevel("SILENT");
  assert.deepEqual([told, await warned()], [["SILENT"], 1]);
  new webllm.WebWorkerMLCEngine(worker, { logLevel: "WARN" });
  assert.deepEqual([told, await warned()], [["SILENT", "WARN"], 2]);
});

test("what is kept of an answer that was cut off is not written over", async () => {
  const engine = await loaded();
  const kept = { sessionId: "a", resumable: true, modelId: "toy", createdAt: 0, updatedAt: 0 };
  Object.assign(engine.inner, { listResumableSessions: async () => [kept] });
  const request = { ...CALL, extra_body: { resumable: { enabled: true, sessionId: "a" } } };
  const exists = { name: "ResumableSessionExistsError", message: "Resumable session already exists: a" };
  await assert.rejects(engine.chatCompletion(request), exists);
  await assert.rejects(async () => all(await engine.chatCompletion({ ...request, stream: true })), exists);
});

test("what is wrong with a sound has WebLLM's name, and a picture has not", () => {
  for (const [param, said, name] of [
    ["messages[0].content[1]", ": The WAV file has no samples.", "AudioInputError"], ["messages[0].content[1].input_audio.data", " must be base64", "AudioInputError"],
    ["messages[0].content[1]", ": The picture is cut.", "RequestValidationError"],
  ] as const) {
    const error = named(new RequestValidationError(`${param}${said}`, { param }));
    assert.ok(error instanceof Error && error.name === name, `${param}${said}`);
  }
});

test("a digest is checked", async () => {
  const bytes = new TextEncoder().encode("abc").buffer;
  const abc = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
  await webllm.verifyIntegrity(bytes, abc, "abc");
  const wrong = `sha256-${"A".repeat(43)}=`;
  await assert.rejects(webllm.verifyIntegrity(bytes, wrong, "abc"), { name: "IntegrityError", url: "abc", expected: wrong, actual: abc });
  for (const onFailure of ["error", "warn"] as const) {
    await assert.rejects(webllm.verifyIntegrity(bytes, "sha256-abc", "abc", onFailure), { name: "Error", message: /^Invalid SRI hash format: "sha256-abc"/ });
  }
  const valid = [abc, `sha384-${"A".repeat(64)}`, `sha512-${"A".repeat(86)}==`, abc.slice(0, -1)];
  const invalid = ["", "abc", "sha1-abc", "md5-abc", "sha256-", "sha256-!!!", "sha256-abc===", "sha256-A=", `sha256-${"A".repeat(86)}==`, `sha256-${"A".repeat(44)}`];
  assert.deepEqual([...valid, ...invalid].filter(webllm.isValidSRI), valid);
});

test("steps of one text are one answer to a processor", async () => {
  new Models(); // for all that comes behind
  const seen: (number | "reset")[] = [];
  const processor: webllm.LogitProcessor = { processLogits: (logits) => logits, processSampledToken: (token) => seen.push(token), resetState: () => seen.push("reset") };
  const engine = await webllm.CreateMLCEngine("toy", { logitProcessorRegistry: new Map([["toy", processor]]) });
  const drawn = [await engine.forwardTokensAndSample([5, 6], true)];
  drawn.push(await engine.forwardTokensAndSample(drawn, false));
  assert.deepEqual(seen, ["reset", ...drawn]);
  await engine.resetChat();
  await engine.forwardTokensAndSample([5, 6], true);
  assert.deepEqual(seen, ["reset", ...drawn, "reset", drawn[0]]);
});
