import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AbortError, ERROR_CLASSES, InternalError, MLCEngineError, OutOfMemoryError, ProtocolError, asEngineError, fromWire, isErrorCode, toWire,
} from "../src/support/errors.ts";
import { CALLS, parseClientMessage, parseWorkerMessage, type ClientMessage, type WorkerMessage } from "../src/transport/protocol.ts";
import { mutations } from "./fakes/mutate.ts";

const CLIENT_MESSAGES: readonly ClientMessage[] = [
  {
    kind: "reload", id: 1, keepsOthers: false, choices: [
      { modelId: "toy", source: { manifest: "https://a.example/m.json" }, contextLength: undefined, device: undefined, variant: undefined, calibrate: undefined, memoryLimit: undefined },
      {
        modelId: "other", contextLength: 64, device: "cpu", variant: "f32", calibrate: "off", memoryLimit: 1e9, source: {
          manifest: "https://a.example/m.json", manifest_sha256: "0a".repeat(32), files: { "a.bin": "https://b.example/x" },
          weights: "https://c.example/w/",
        },
      },
    ],
  },
  { kind: "call", id: 3, name: "unload", model: undefined },
  { kind: "call", id: 3, name: "forgetConversations", model: "toy" },
  {
    kind: "answer", id: 4, model: "toy", past: [7, 0], request: {
      prompt: { kind: "chat", conversation: {
        messages: [
          { role: "system", content: "s" }, { role: "user", content: "hi", name: "me" },
          { role: "assistant", content: "", reasoning: "well", toolCalls: [{ id: "1", name: "look", arguments: "{}" }] },
          { role: "tool", content: "nothing", name: "look", toolCallId: "1" },
        ],
        tools: [{ type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } }],
        variables: { enable_thinking: false },
      } },
      parallelToolCalls: false, toolChoice: { kind: "named", name: "look" }, strictTools: ["look"], thinkingBudget: 7, guesses: { isOff: true, prediction: "Once", draft: "other" },
      maxTokens: 5, overflow: "drop_oldest", choice: 1, priority: 9, stop: ["a", "b"], stopTokens: [1], ignoreEos: true,
      sampling: {
        temperature: 0, topP: 0.5, topK: 3, minP: 0.1, frequencyPenalty: 1, presencePenalty: -1, repetitionPenalty: 1.5, topLogprobs: 2, seed: -3,
        logitBias: [[4, -100], [5, 1.5]],
      },
      structure: { kind: "schema", schema: "{}", isStrict: true, param: "response_format.json_schema.schema" },
    },
  },
  {
    kind: "answer", id: 4, model: undefined, past: undefined, request: {
      prompt: { kind: "text", text: "Once" }, maxTokens: undefined, overflow: undefined, choice: undefined, priority: undefined, sampling: {}, stop: [], structure: undefined,
    },
  },
  { kind: "embed", id: 4, model: "toy", pooling: "mean", promptName: undefined, truncate: false, dimensions: 3, inputs: [{ kind: "text", text: "Once" }] },
  { kind: "embed", id: 4, model: "toy", pooling: undefined, promptName: "query", truncate: true, dimensions: undefined, inputs: [{ kind: "text", text: "Once" }] },
  { kind: "resume", id: 4, sessionId: "s" },
  { kind: "deleteSession", id: 4, sessionId: "s" },
  { kind: "encode", id: 4, model: "toy", prompt: { kind: "text", text: "Once", suffix: "upon" } },
  { kind: "encode", id: 4, model: undefined, prompt: { kind: "tokens", tokens: [1, 2] } },
  { kind: "decode", id: 4, model: undefined, tokens: [1, 2] },
  { kind: "credit", id: 5 },
  { kind: "cancel", id: 6 },
  { kind: "interrupt", id: 6 },
  { kind: "setLogLevel", level: "INFO" },
];

const WORKER_MESSAGES: readonly WorkerMessage[] = [
  { kind: "embeddings", id: 9, modelId: "toy", tokens: 3, vectors: [Float32Array.of(1, 2)] },
  { kind: "sessions", id: 9, sessions: [{ sessionId: "s", modelId: "toy", promptTokens: 3, tokens: [1, 2] }, { sessionId: "t", reason: "r" }] },
  { kind: "memory", id: 9, memory: { weights: 1, cache: 2, workspace: 3, total: 6, contextLength: 64 } },
  { kind: "tokens", id: 9, tokens: [3] },
  { kind: "models", id: 9, models: [{ modelId: "toy", loadedAt: 1.5 }] },
  { kind: "progress", report: {
    progress: 1, timeElapsed: 1, text: "t", phase: "ready", bytesDone: 2, bytesTotal: 2,
    times: { manifest: 0.1, device: 0.2, tokenizer: 0.3, kernels: 0.4, weights: 0.5 },
  } },
  { kind: "progress", report: { progress: 0.5, timeElapsed: 1, text: "t", phase: "weights", bytesDone: 1, bytesTotal: 2, waiting: "n", waitingKind: "network", warning: "w", warningKind: "storage", computer: { device: "cpu", vendor: "", threads: 2, tokensPerSecond: 9.5 } } },
  { kind: "done", id: 1 },
  { kind: "accepted", id: 1 },
  { kind: "text", id: 2, text: "t" },
  { kind: "number", id: 3, value: 7 },
  { kind: "begun", id: 4, modelId: "toy" },
  { kind: "events", id: 5, events: [
    { type: "token", token: 3 },
    { type: "token", token: 3, logprobs: { text: "a", bytes: [97], logprob: -1, top: [{ text: "<e>", bytes: null, logprob: -0.5 }] } }, { type: "text", text: "hel" },
    { type: "reasoning", text: "hm" }, { type: "toolCall", index: 0, id: "call_1", name: "look" }, { type: "toolArguments", index: 0, text: "{}" },
    { type: "end", finishReason: "length", tokens: { prompt: 10, cached: 4, completion: 3, reasoning: 1, accepted: 2, rejected: 0 }, times: { queued: 0, prefill: 5.5, decode: 20 } },
  ] },
  { kind: "deviceLost", error: { code: "DeviceLost", message: "m", details: {} } },
  { kind: "error", id: 7, error: { code: "OutOfMemory", message: "m", details: { bytes: 5, what: "kv", fatal: true } } },
];

test("every message survives structured cloning and reading", () => {
  for (const message of CLIENT_MESSAGES) assert.deepEqual(parseClientMessage(structuredClone(message)), message);
  for (const message of WORKER_MESSAGES) assert.deepEqual(parseWorkerMessage(structuredClone(message)), message);
});

test("every call's name is read", () => {
  for (const name of Object.keys(CALLS)) assert.deepEqual(parseClientMessage({ kind: "call", id: 0, name }), { kind: "call", id: 0, name, model: undefined });
});

test("a mutated message is refused with a typed error or read as a message of its kind, never anything else", () => {
  let refused = 0;
  const read = (parse: (value: unknown) => { kind: string }, mutated: unknown): void => {
    try {
      assert.ok(parse(mutated).kind.length > 0);
    } catch (error) {
      assert.ok(error instanceof MLCEngineError, String(error));
      assert.ok(error.code === "Protocol", error.code);
      refused++;
    }
  };
  for (const message of CLIENT_MESSAGES) for (const mutated of mutations(message)) read(parseClientMessage, mutated);
  for (const message of WORKER_MESSAGES) for (const mutated of mutations(message)) read(parseWorkerMessage, mutated);
  assert.ok(refused > 400, `${refused} refused`);
});

test("unknown kinds, prototype keys and unbounded text are refused", () => {
  const bad = [{ kind: "reboot", id: 1 }, { kind: "call", id: 1, name: "constructor" }, { kind: "call", id: 1.5, name: "unload" }];
  for (const message of bad) assert.throws(() => parseClientMessage(message), ProtocolError);
  assert.throws(() => parseWorkerMessage({ kind: "error", id: 1, error: { code: "toString", message: "", details: {} } }), ProtocolError);
  const nested = { kind: "error", id: 1, error: { code: "Abort", message: "", details: { a: {} } } };
  assert.throws(() => parseWorkerMessage(nested), ProtocolError);
  assert.throws(() => parseClientMessage({ kind: "setLogLevel", level: "x".repeat(10_000) }), (error: Error) => error.message.length < 300);
});

test("every error keeps class, code, name, message and details across the boundary", () => {
  for (const [code, ErrorClass] of Object.entries(ERROR_CLASSES)) {
    const error = fromWire(structuredClone(toWire(new ErrorClass("what to do", { bytes: 3 }))));
    assert.ok(error instanceof ErrorClass && error instanceof MLCEngineError && error instanceof Error);
    assert.ok(isErrorCode(code));
    assert.deepEqual([error.code, error.name, error.message, error.details], [code, `${code}Error`, "what to do", { bytes: 3 }]);
  }
});

test("what is no engine error becomes one", () => {
  assert.ok(asEngineError(new TypeError("x")) instanceof InternalError);
  assert.equal(asEngineError(new DOMException("stop", "AbortError")).code, "Abort");
  assert.equal(asEngineError("text").message, "text");
});

test("memory that a browser does not give is told apart from other ranges", () => {
  const said = ["Array buffer allocation failed", "WebAssembly.Memory(): could not allocate memory", "Out of memory", "WebAssembly.Memory.grow(): Unable to grow instance memory"];
  for (const message of said) assert.equal(toWire(new RangeError(message)).code, "OutOfMemory", message);
  assert.equal(toWire(Object.assign(new Error("allocation size overflow"), { name: "InternalError" })).code, "OutOfMemory");
  for (const message of ["Maximum call stack size exceeded", "Invalid array length", "precision is out of range"]) {
    assert.equal(toWire(new RangeError(message)).code, "Internal", message);
  }
});

test("an error of a part that was bundled by itself has its class here too", () => {
  const foreign = Object.assign(new Error("no room"), { code: "OutOfMemory", details: {}, name: "OutOfMemoryError" });
  assert.ok(foreign instanceof OutOfMemoryError && foreign instanceof MLCEngineError);
  assert.ok(!(foreign instanceof AbortError));
  for (const other of [new Error("no"), Object.assign(new Error("no"), { code: "OutOfMemory" }), { code: "Abort", name: "AbortError" }, new DOMException("no", "AbortError")]) {
    assert.ok(!(other instanceof MLCEngineError));
  }
  assert.equal(toWire(foreign).code, "OutOfMemory");
});
