// Chrome's Prompt API on the engine: https://webmachinelearning.github.io/prompt-api

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import {
  createLanguageModel, LanguageModelToolCall, LanguageModelToolError, LanguageModelToolSuccess, type LanguageModelStatic, type ModelSource,
} from "../src/adapters/prompt_api/index.ts";
import { readConstraint } from "../src/adapters/prompt_api/messages.ts";
import type { ChatCompletionRequestStreaming } from "../src/api/openai/types.ts";
import { CONTEXT, FakeEngine, MODEL, PLACES, soon, type Setup } from "./fakes/engine.ts";
import { saying } from "./fakes/saying.ts";
import { turns } from "./fakes/turns.ts";

const CALL = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";

function from(it: Setup, more: Partial<ModelSource> = {}): LanguageModelStatic {
  return createLanguageModel({ contextWindow: CONTEXT, open: async () => it.client, isStored: async () => false, ...more });
}

async function model(...texts: string[]): Promise<LanguageModelStatic> {
  return from(await saying(PLACES["in a worker"] ?? assert.fail(), texts));
}

async function all(stream: ReadableStream<string>): Promise<string[]> {
  const pieces: string[] = [];
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value);
  return pieces;
}

test("availability, and progress of a load that several wait for", async () => {
  const it = await saying(PLACES["in this thread"] ?? assert.fail(), []);
  let loaded: () => void = () => undefined;
  let opened = 0;
  const LanguageModel = from(it, {
    open: (progress) => { opened++; progress(0.5); return new Promise((resolve) => { loaded = () => resolve(it.client); }); },
  });
  assert.equal(await LanguageModel.availability(), "downloadable");
  assert.equal(await LanguageModel.availability({ expectedInputs: [{ type: "image" }] }), "unavailable");
  await assert.rejects(LanguageModel.availability({ samplingMode: "wild" as never }), TypeError);
  const told: number[] = [];
  const monitor = (target: EventTarget): void => target.addEventListener("downloadprogress", (event) => told.push(Number(Reflect.get(event, "loaded"))));
  const both = [LanguageModel.create({ monitor }), LanguageModel.create()];
  await turns(2);
  assert.equal(await LanguageModel.availability(), "downloading");
  loaded();
  await soon(Promise.all(both));
  assert.deepEqual([told, opened, await LanguageModel.availability()], [[0, 0.5, 1], 1, "available"]);
  assert.equal(await from(it, { isPossible: async () => false }).availability(), "unavailable");
});

test("the browser's own is taken where it is preferred", async () => {
  const it = await saying(PLACES["in this thread"] ?? assert.fail(), []);
  const native = { create: () => undefined, availability: () => undefined };
  Object.assign(globalThis, { LanguageModel: native });
  assert.equal(from(it, { prefersNative: true }), native);
  assert.notEqual(from(it), native);
  Reflect.deleteProperty(globalThis, "LanguageModel");
  assert.notEqual(from(it, { prefersNative: true }), undefined);
});

test("a load that failed is tried again", async () => {
  const it = await saying(PLACES["in this thread"] ?? assert.fail(), []);
  let fails = true;
  const LanguageModel = from(it, { open: async () => { if (fails) throw new Error("no network"); return it.client; } });
  await assert.rejects(LanguageModel.create(), /no network/);
  fails = false;
  assert.ok(await LanguageModel.create());
  const controller = new AbortController();
  controller.abort(new Error("mine"));
  await assert.rejects(LanguageModel.create({ signal: controller.signal }), /mine/);
});

test("a conversation: prompts, streams, what was appended, clones", async () => {
  const session = await (await model("Sunny.", "Rainy.", "Windy.", "Foggy.")).create({ initialPrompts: [{ role: "system", content: "Be brief." }] });
  const [before, window] = [session.contextUsage, session.contextWindow];
  assert.ok(before > 0 && window === CONTEXT);
  const more = await session.measureContextUsage("And now?");
  assert.equal(await session.prompt("And now?"), "Sunny.");
  assert.ok(more > 0 && session.contextUsage >= before + more);
  assert.equal(await session.append([{ role: "user", content: "It changes." }, { role: "assistant", content: [{ type: "text", value: "Does it?" }] }]), undefined);
  const clone = await session.clone();
  assert.equal(clone.contextUsage, session.contextUsage);
  assert.equal((await all(session.promptStreaming("And now?"))).join(""), "Rainy.");
  assert.ok(clone.contextUsage < session.contextUsage);
  assert.deepEqual(await Promise.all([session.prompt("1?"), clone.prompt("2?")].map((one) => one.then((text) => text.length))), [6, 6]);
});

test("prompts of a session come one after the other", async () => {
  const session = await (await model("Sunny.", "Rainy.")).create();
  assert.deepEqual(await Promise.all([session.prompt("1?"), session.prompt("2?")]), ["Sunny.", "Rainy."]);
});

test("an answer goes on with a prefix", async () => {
  const session = await (await model("Rome.")).create();
  assert.equal(await session.prompt([{ role: "user", content: "Where?" }, { role: "assistant", content: "In ", prefix: true }]), "Rome.");
  const told = await (await model()).create();
  await told.append([{ role: "user", content: "Where?" }, { role: "assistant", content: "In Rome." }]);
  assert.equal(session.contextUsage, told.contextUsage, "both are one message of the assistant's");
});

test("tools are called until there is an answer", async () => {
  const asked: unknown[] = [];
  const execute = async (input: unknown): Promise<string> => { asked.push(input); return "sun"; };
  const tools = [{ name: "weather", description: "The weather", inputSchema: { type: "object", properties: { city: { type: "string" } } }, execute }];
  const session = await (await model(CALL, "Sunny in Rome.")).create({ tools });
  assert.equal(await session.prompt("The weather in Rome?"), "Sunny in Rome.");
  assert.deepEqual(asked, [{ city: "Rome" }]);
  const failing = await (await model(CALL, "I do not know.")).create({ tools: tools.map((tool) => ({ ...tool, execute: async () => { throw new Error("closed"); } })) });
  assert.equal(await failing.prompt("The weather in Rome?"), "I do not know.");
});

const OPEN = { expectedInputs: [{ type: "tool-response" }, { type: "tool-call" }], expectedOutputs: [{ type: "tool-call" }] } as const;
const WEATHER = { name: "weather", description: "The weather", inputSchema: { type: "object", properties: { city: { type: "string" } } } };

test("calls of a tool that has no `execute` are the page's, which says what came of them", async () => {
  const session = await (await model(CALL, "Sunny in Rome.", `One moment.${CALL}`, "It rains.")).create({ ...OPEN, tools: [WEATHER] });
  const [call] = await session.prompt("The weather in Rome?");
  assert.ok(typeof call === "object" && call.type === "tool-call" && call.value instanceof LanguageModelToolCall);
  const { callId, name } = call.value;
  assert.deepEqual([name, call.value.arguments], ["weather", { city: "Rome" }]);
  const result = [{ type: "text", value: "sun" }, { type: "object", value: { degrees: 30 } }] as const;
  const before = session.contextUsage;
  assert.equal(await session.prompt([{ role: "user", content: [{ type: "tool-response", value: new LanguageModelToolSuccess({ callId, name, result }) }] }]), "Sunny in Rome.");
  assert.ok(session.contextUsage > before);
  const pieces: unknown[] = [];
  for await (const piece of session.promptStreaming("And tomorrow?")) pieces.push(piece);
  assert.equal(pieces.filter((piece) => typeof piece === "string").join(""), "One moment.");
  const last = pieces.at(-1);
  assert.ok(typeof last === "object" && last !== null && "value" in last && last.value instanceof LanguageModelToolCall);
  const failed = new LanguageModelToolError({ callId: last.value.callId, name, errorMessage: "closed" });
  assert.equal(await session.prompt([{ role: "user", content: [{ type: "tool-response", value: failed }, { type: "text", value: "Guess." }] }]), "It rains.");
});

test("calls and what came of them can be told as examples, and are what the template makes of them", async () => {
  const told = async (value: object): Promise<number> => {
    const call = new LanguageModelToolCall({ callId: "1", name: "weather", arguments: { city: "Rome" } });
    const session = await (await model("Sunny.")).create({ ...OPEN, tools: [WEATHER], initialPrompts: [
      { role: "user", content: "The weather in Rome?" }, { role: "assistant", content: [{ type: "tool-call", value: call }] },
      { role: "user", content: [{ type: "tool-response", value }] }, { role: "assistant", content: "Sunny." },
    ] });
    return session.contextUsage;
  };
  const short = await told(new LanguageModelToolSuccess({ callId: "1", name: "weather", result: [] }));
  assert.ok(await told({ callId: "1", name: "weather", result: [{ type: "object", value: { sky: "blue" } }] }) > short); // as a browser's own class would be
  const LanguageModel = await model();
  const refuses = async (role: "user" | "assistant", type: "tool-call" | "tool-response", value: unknown, name: string, options: object = OPEN): Promise<void> => {
    const session = await LanguageModel.create({ ...options });
    await assert.rejects(session.append([{ role, content: [{ type, value }] }]), { name });
  };
  const call = { callId: "1", name: "weather", arguments: {} };
  await refuses("user", "tool-call", call, "NotSupportedError");
  await refuses("assistant", "tool-response", { ...call, result: [] }, "NotSupportedError");
  await refuses("assistant", "tool-call", call, "NotSupportedError", {});
  await refuses("assistant", "tool-call", { ...call, arguments: "{}" }, "TypeError");
  for (const value of [null, "sun", {}, { callId: "1", name: "weather" }, { ...call, result: [{ type: "text", value: 3 }] }]) await refuses("user", "tool-response", value, "TypeError");
  await refuses("user", "tool-response", { ...call, result: [{ type: "image", value: null }] }, "NotSupportedError");
  await assert.rejects(LanguageModel.create({ tools: [WEATHER] } as never), TypeError);
});

test("tools are there beside a constraint, too", async () => {
  const it = await saying(PLACES["in this thread"] ?? assert.fail(), [CALL, '{"sky":"blue"}']);
  const { completions } = it.engine.chat;
  const [create, asked]: [typeof completions.create, unknown[]] = [completions.create.bind(completions), []];
  const heard = ({ response_format, ...request }: ChatCompletionRequestStreaming, options: object): unknown => {
    asked.push([request.tools?.length, response_format?.type]);
    return create(request, options); // what it says is written down
  };
  Object.assign(completions, { create: heard });
  const tools = [{ name: "weather", description: "The weather", inputSchema: { type: "object" }, execute: async () => "sun" }];
  const session = await from({ ...it, client: it.engine }).create({ tools });
  assert.equal(await session.prompt("The weather in Rome?", { responseConstraint: { type: "object" } }), '{"sky":"blue"}');
  assert.deepEqual(asked, [[1, "json_schema"], [1, "json_schema"]]);
});

test("answers fit a constraint", async () => {
  const engine = new FakeEngine({ appConfig: { model_list: [{ model_id: MODEL, manifest: "m.json" }] } });
  engine.prepare = (runner) => { runner.vocabulary = 300; }; // all of the tokenizer's
  await engine.reload(MODEL);
  const session = await createLanguageModel({ contextWindow: CONTEXT, open: async () => engine, isStored: async () => true }).create();
  const responseConstraint = { type: "object", properties: { sky: { enum: ["blue"] } }, required: ["sky"], additionalProperties: false };
  assert.deepEqual(JSON.parse(await session.prompt("?", { responseConstraint })), { sky: "blue" });
  assert.match(await session.prompt("?", { responseConstraint: /(yes|no)/, omitResponseConstraintInput: true }), /^(yes|no)$/);
  assert.deepEqual(readConstraint({ responseConstraint: /^yes|no$/dgimy, omitResponseConstraintInput: true }), { format: { type: "regex", regex: "(?im)^yes|no$" }, told: "" });
  assert.match(await session.prompt("?", { responseConstraint: /^yes|no$/i }), /^(yes|no)$/i);
  await assert.rejects(session.prompt("?", { responseConstraint: /\bno/i }), { name: "NotSupportedError", message: /cannot say \\b/ });
});

test("the oldest turns go where the context is full, but for the first prompts", async () => {
  const session = await (await model("Sunny.", "Rainy.", "Windy.", "Foggy.", "Grey.")).create({ initialPrompts: [{ role: "system", content: "Be brief." }] });
  let overflows = 0;
  session.oncontextoverflow = () => { overflows++; };
  for (let i = 0; i < 5; i++) await session.prompt(`${i} ${"how is the weather today ".repeat(4)}?`);
  assert.ok(overflows > 0 && session.contextUsage <= session.contextWindow);
  await assert.rejects(session.prompt("weather ".repeat(300)), { name: "QuotaExceededError" });
});

test("what cannot be is refused under the names of the specification", async () => {
  const LanguageModel = await model("Sunny.", "Sunny. ".repeat(30));
  await assert.rejects(LanguageModel.create({ initialPrompts: [{ role: "user", content: "a" }, { role: "system", content: "b" }] }), TypeError);
  await assert.rejects(LanguageModel.create({ expectedInputs: [{ type: "audio" }] }), { name: "NotSupportedError" });
  const session = await LanguageModel.create();
  await assert.rejects(session.prompt([{ role: "user", content: "b" }, { role: "system", content: "a" }]), TypeError);
  await assert.rejects(session.prompt([{ role: "user", content: [{ type: "image", value: null }] }]), { name: "NotSupportedError" });
  await assert.rejects(session.prompt([{ role: "assistant", content: "a", prefix: true }, { role: "user", content: "b" }]), { name: "SyntaxError" });
  for (const [role, content] of [["alien", "a"], ["user", undefined], ["user", 3]]) await assert.rejects(session.prompt(JSON.parse(JSON.stringify([{ role, content }]))), TypeError);
  assert.equal(await session.prompt("?"), "Sunny.");
  const controller = new AbortController();
  const reader = session.promptStreaming("?", { signal: controller.signal }).getReader();
  await reader.read();
  controller.abort(new Error("mine"));
  await assert.rejects(async () => { while (!(await reader.read()).done); }, /mine/);
  const before = session.contextUsage;
  session.destroy();
  await assert.rejects(session.prompt("?"), { name: "InvalidStateError" });
  assert.equal(session.contextUsage, before);
});

test("what is done is remembered by no signal; a session that is full can be cloned", async () => {
  const session = await (await model("Sunny.", "Rainy. ".repeat(200), "Windy.")).create();
  const { signal } = new AbortController();
  await session.prompt("?", { signal });
  await session.append("And?", { signal });
  await session.measureContextUsage("?", { signal });
  await session.prompt("?", { signal });
  assert.equal(getEventListeners(signal, "abort").length, 0);
  assert.equal(session.contextUsage, session.contextWindow);
  const clone = await session.clone();
  assert.equal(clone.contextUsage, session.contextUsage);
  assert.equal(await clone.prompt("?"), "Windy.");
});

/** As the Web Platform Tests of this API have it. */
test("an abort rejects with its reason itself, whatever is under way", async () => {
  const LanguageModel = await model(...Array<string>(12).fill("Sunny. ".repeat(20)));
  const session = await LanguageModel.create();
  const ways: ((signal: AbortSignal) => Promise<unknown>)[] = [
    (signal) => LanguageModel.create({ signal }), (signal) => session.clone({ signal }), (signal) => session.prompt("?", { signal }),
    (signal) => session.append("?", { signal }), (signal) => session.measureContextUsage("?", { signal }), (signal) => all(session.promptStreaming("?", { signal })),
  ];
  for (const way of ways) {
    for (const reason of [undefined, new Error("mine")]) {
      const controller = new AbortController();
      const work = way(controller.signal);
      controller.abort(reason);
      const expected: unknown = controller.signal.reason;
      assert.equal(await soon(work.catch((error: unknown) => error)), expected);
      assert.equal(await (async () => way(controller.signal))().catch((error: unknown) => error), expected);
    }
  }
  const controller = new AbortController();
  controller.abort(new Error("mine"));
  assert.throws(() => session.promptStreaming("?", { signal: controller.signal }), /mine/);
});

test("a session ends with its create's signal, or when it is destroyed, and what it knows stays", async () => {
  const LanguageModel = await model("Sunny.", "Rainy.");
  const controller = new AbortController();
  const session = await LanguageModel.create({ signal: controller.signal });
  assert.ok(session instanceof LanguageModel && !({} instanceof LanguageModel));
  assert.deepEqual([session.onquotaoverflow, Reflect.get(session, "topK"), session.inputQuota, session.inputUsage], [null, undefined, session.contextWindow, 0]);
  const waiting = session.prompt("?");
  controller.abort(new Error("mine"));
  await assert.rejects(waiting, /mine/);
  await assert.rejects(session.append("?"), /mine/);
  const other = await LanguageModel.create();
  const asked = other.prompt("?");
  other.destroy();
  await assert.rejects(asked, { name: "InvalidStateError" });
  await assert.rejects(other.prompt("?"), { name: "InvalidStateError" });
  assert.equal(typeof other.contextUsage, "number");
});

test("input that is no list is a string; empty input is answered; a system message comes first", async () => {
  const session = await (await model(...Array<string>(6).fill("Sunny."))).create();
  for (const input of [null, undefined, {}, "", [], [{ role: "user", content: [] }]]) assert.equal(await session.prompt(input as never), "Sunny.");
  await session.append([]);
  await session.append(null as never);
  await assert.rejects(session.append([{ role: "system", content: "b" }]), TypeError);
  assert.ok(await session.measureContextUsage([{ role: "system", content: "b" }]) > 0);
  const fresh = await (await model("Sunny.")).create();
  const usage = await fresh.measureContextUsage("How is it?");
  await fresh.append("How is it?");
  assert.equal(fresh.contextUsage, usage);
});

test("what has no room is refused with numbers, also among the first prompts", async () => {
  const LanguageModel = await model("Sunny.");
  const session = await LanguageModel.create();
  const long = "weather ".repeat(300);
  const expected = { name: "QuotaExceededError", requested: await session.measureContextUsage(long), quota: CONTEXT };
  await assert.rejects(session.prompt(long), expected);
  await assert.rejects(session.append(long), expected);
  await assert.rejects(LanguageModel.create({ initialPrompts: [{ role: "system", content: long }] }), { name: "QuotaExceededError", quota: CONTEXT });
});

test("what the model is told of tools takes of the context; a model without tools is not made a session with them", async () => {
  const tools = (count: number) => Array.from({ length: count }, (_, i) => (
    { name: "a".repeat(40 + i), description: "Tells", inputSchema: { type: "object" }, execute: async () => "1" }));
  const LanguageModel = await model("Sunny.", "Rainy.");
  const [plain, told] = await Promise.all([LanguageModel.create(), LanguageModel.create({ tools: tools(2) })]);
  assert.ok(plain.contextUsage === 0 && told.contextUsage > 50);
  assert.equal(await told.measureContextUsage("And now?"), await plain.measureContextUsage("And now?"));
  const before = told.contextUsage;
  await told.prompt("And now?");
  assert.ok(told.contextUsage > before);
  const overflows: string[] = [];
  told.addEventListener("contextoverflow", ({ type }) => overflows.push(type));
  let text = "";
  while (await told.measureContextUsage(text) < CONTEXT - told.contextUsage) text += " and now?";
  assert.equal(await told.prompt(text), "Rainy.");
  assert.deepEqual(overflows, ["contextoverflow"]);
  await assert.rejects(LanguageModel.create({ tools: tools(7) }), { name: "QuotaExceededError", quota: CONTEXT });
  const it = PLACES["in this thread"]?.() ?? assert.fail();
  await it.client.reload(MODEL);
  await assert.rejects(from(it).create({ tools: tools(1) }), { name: "NotSupportedError", message: /has no tools/ });
});

test("options are read as the specification says", async () => {
  const LanguageModel = await model("Sunny.");
  for (const samplingMode of ["most-predictable", "predictable", "slightly-predictable", "balanced", "slightly-creative", "creative", "most-creative"] as const) {
    const session = await LanguageModel.create({ samplingMode, temperature: 9 });
    assert.deepEqual([session.samplingMode, (await session.clone()).samplingMode], [samplingMode, samplingMode]);
  }
  await assert.rejects(LanguageModel.availability({ expectedInputs: [{ type: "soup" as never }] }), TypeError);
  await assert.rejects(LanguageModel.create({ expectedInputs: [{ type: "text", languages: ["en-abc-invalid"] }] }), RangeError);
  assert.ok(await LanguageModel.create({ expectedInputs: [{ type: "text", languages: ["EN"] }] }));
  const execute = async (): Promise<string> => "";
  const good = { name: "a", description: "b", inputSchema: { type: "object", properties: {} }, execute };
  const circular: Record<string, unknown> = { type: "object" };
  circular["self"] = circular;
  const bad = [
    { ...good, name: "" }, { ...good, description: "" }, { ...good, inputSchema: {} }, { ...good, inputSchema: null as never }, { ...good, inputSchema: { type: "string" } },
    { ...good, inputSchema: { type: "object", properties: "a" } }, { ...good, inputSchema: { type: "object", required: "a" } }, { ...good, inputSchema: circular },
  ];
  for (const tool of bad) await assert.rejects(LanguageModel.create({ tools: [tool] }), TypeError);
  await assert.rejects(LanguageModel.create({ tools: [good, good] }), TypeError);
  const session = await LanguageModel.create({ tools: [good] });
  await assert.rejects(session.prompt("?", { responseConstraint: circular }), { name: "NotSupportedError" });
  await assert.rejects(session.prompt("?", { responseConstraint: { type: "text" } }), { name: "NotSupportedError" });
});

test("a monitor has a handler, too", async () => {
  const LanguageModel = await model();
  const told: number[] = [];
  await LanguageModel.create({ monitor: (monitor) => { monitor.ondownloadprogress = ({ loaded }) => told.push(loaded); } });
  assert.deepEqual([told[0], told.at(-1)], [0, 1]);
});

test("progress is told in steps, and a monitor that fails ends the creation", async () => {
  const it = await saying(PLACES["in this thread"] ?? assert.fail(), []);
  const LanguageModel = from(it, { open: async (progress) => { progress(1 / 3); return it.client; } });
  await assert.rejects(LanguageModel.create({ monitor: () => { throw new Error("mine"); } }), /mine/);
  for (const at of [0, 1]) {
    const [controller, told]: [AbortController, number[]] = [new AbortController(), []];
    const monitor = (target: EventTarget): void => target.addEventListener("downloadprogress", (event) => {
      const loaded = Number(Reflect.get(event, "loaded"));
      told.push(loaded);
      if (loaded === at) controller.abort(new Error("mine"));
    });
    await assert.rejects(LanguageModel.create({ monitor, signal: controller.signal }), /mine/);
    assert.equal(told.at(-1), at);
    assert.ok(told.every((loaded) => Number.isInteger(loaded * 0x10000)));
  }
});
