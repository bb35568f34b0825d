// test/protocol.test.ts
import assert from "node:assert/strict";
import { test } from "node:test";

// src/errors.ts
var MLCEngineError = class extends Error {
  constructor(code, message, details = {}, cause) {
    super(message, cause === void 0 ? void 0 : { cause });
    this.code = code;
    this.details = details;
    this.name = `${code}Error`;
  }
  code;
  details;
};
var WebGPUNotAvailableError = class extends MLCEngineError {
  constructor(message, details) {
    super("WebGPUNotAvailable", message, details);
  }
};
var FeatureSupportError = class extends MLCEngineError {
  constructor(message, details) {
    super("FeatureSupport", message, details);
  }
};
var DeviceLostError = class extends MLCEngineError {
  constructor(message, details) {
    super("DeviceLost", message, details);
  }
};
var GPUExecutionError = class extends MLCEngineError {
  constructor(message, details) {
    super("GPUExecution", message, details);
  }
};
var OutOfMemoryError = class extends MLCEngineError {
  constructor(message, details) {
    super("OutOfMemory", message, details);
  }
};
var ModelNotFoundError = class extends MLCEngineError {
  constructor(message, details) {
    super("ModelNotFound", message, details);
  }
};
var ModelNotLoadedError = class extends MLCEngineError {
  constructor(message, details) {
    super("ModelNotLoaded", message, details);
  }
};
var ManifestError = class extends MLCEngineError {
  constructor(message, details) {
    super("Manifest", message, details);
  }
};
var IntegrityError = class extends MLCEngineError {
  constructor(message, details) {
    super("Integrity", message, details);
  }
};
var DownloadError = class extends MLCEngineError {
  constructor(message, details, cause) {
    super("Download", message, details, cause);
  }
};
var RequestValidationError = class extends MLCEngineError {
  constructor(message, details) {
    super("RequestValidation", message, details);
  }
};
var ContextWindowSizeExceededError = class extends MLCEngineError {
  constructor(message, details) {
    super("ContextWindowSizeExceeded", message, details);
  }
};
var AbortError = class extends MLCEngineError {
  constructor(message, details) {
    super("Abort", message, details);
  }
};
var ProtocolError = class extends MLCEngineError {
  constructor(message, details) {
    super("Protocol", message, details);
  }
};
var InternalError = class extends MLCEngineError {
  constructor(message, details, cause) {
    super("Internal", message, details, cause);
  }
};
var ERROR_CLASSES = {
  WebGPUNotAvailable: WebGPUNotAvailableError,
  FeatureSupport: FeatureSupportError,
  DeviceLost: DeviceLostError,
  GPUExecution: GPUExecutionError,
  OutOfMemory: OutOfMemoryError,
  ModelNotFound: ModelNotFoundError,
  ModelNotLoaded: ModelNotLoadedError,
  Manifest: ManifestError,
  Integrity: IntegrityError,
  Download: DownloadError,
  RequestValidation: RequestValidationError,
  ContextWindowSizeExceeded: ContextWindowSizeExceededError,
  Abort: AbortError,
  Protocol: ProtocolError,
  Internal: InternalError
};
function isErrorCode(code) {
  return Object.hasOwn(ERROR_CLASSES, code);
}
function asEngineError(thrown) {
  if (thrown instanceof MLCEngineError) return thrown;
  if (thrown instanceof Error && thrown.name === "AbortError") return new AbortError(thrown.message);
  return new InternalError(thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown), {}, thrown);
}
function toWire(thrown) {
  const { code, message, details } = asEngineError(thrown);
  return { code, message, details };
}
function fromWire(error) {
  return new ERROR_CLASSES[error.code](error.message, error.details);
}

// src/openai/response.ts
function perSecond(count, milliseconds) {
  return milliseconds > 0 ? count * 1e3 / milliseconds : 0;
}
function usage(tokens, times) {
  const decoded = Math.max(0, tokens.completion - 1);
  const decodeTime = times.finished - times.firstToken;
  return {
    prompt_tokens: tokens.prompt,
    completion_tokens: tokens.completion,
    total_tokens: tokens.prompt + tokens.completion,
    prompt_tokens_details: { cached_tokens: tokens.cached },
    extra: {
      e2e_latency_s: (times.finished - times.requested) / 1e3,
      prefill_tokens_per_s: perSecond(tokens.prompt - tokens.cached, times.firstToken - times.prefillStarted),
      decode_tokens_per_s: perSecond(decoded, decodeTime),
      time_to_first_token_s: (times.firstToken - times.requested) / 1e3,
      time_per_output_token_s: decoded > 0 ? decodeTime / decoded / 1e3 : 0
    }
  };
}
var ResponseShape = class {
  constructor(model) {
    this.model = model;
  }
  model;
  id = `chatcmpl-${crypto.randomUUID()}`;
  created = Math.floor(Date.now() / 1e3);
  completion(content, finishReason, tokensUsed) {
    return {
      id: this.id,
      object: "chat.completion",
      created: this.created,
      model: this.model,
      choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: finishReason, logprobs: null }],
      usage: tokensUsed
    };
  }
  chunk(fields) {
    return { id: this.id, object: "chat.completion.chunk", created: this.created, model: this.model, ...fields };
  }
  roleChunk() {
    return this.chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null, logprobs: null }] });
  }
  textChunk(content) {
    return this.chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null, logprobs: null }] });
  }
  finishChunk(finishReason) {
    return this.chunk({ choices: [{ index: 0, delta: {}, finish_reason: finishReason, logprobs: null }] });
  }
  usageChunk(tokensUsed) {
    return this.chunk({ choices: [], usage: tokensUsed });
  }
};

// src/fields.ts
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
function describe(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "string") return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : `a value of type ${typeof value}`;
}
var Fields = class _Fields {
  constructor(value, path, fail2) {
    this.path = path;
    this.fail = fail2;
    if (!isRecord(value)) throw fail2(`${path} must be an object, not ${describe(value)}`);
    this.#values = value;
  }
  path;
  fail;
  #values;
  at(key) {
    return this.path === "" ? key : `${this.path}.${key}`;
  }
  has(key) {
    return Object.hasOwn(this.#values, key) && this.#values[key] !== void 0 && this.#values[key] !== null;
  }
  raw(key) {
    return Object.hasOwn(this.#values, key) ? this.#values[key] : void 0;
  }
  keys() {
    return Object.keys(this.#values);
  }
  wrong(key, expected) {
    return this.fail(`${this.at(key)} must be ${expected}, not ${describe(this.raw(key))}`);
  }
  string(key, maxLength) {
    const value = this.raw(key);
    if (typeof value !== "string") throw this.wrong(key, "a string");
    if (value.length > maxLength) throw this.wrong(key, `at most ${maxLength} characters long`);
    return value;
  }
  boolean(key) {
    const value = this.raw(key);
    if (typeof value !== "boolean") throw this.wrong(key, "true or false");
    return value;
  }
  number(key, min, max) {
    const value = this.raw(key);
    if (typeof value !== "number" || !(value >= min && value <= max)) throw this.wrong(key, `a number from ${min} to ${max}`);
    return value;
  }
  integer(key, min, max) {
    const value = this.raw(key);
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw this.wrong(key, `an integer from ${min} to ${max}`);
    }
    return value;
  }
  oneOf(key, choices) {
    const value = this.raw(key);
    const found = choices.find((choice) => choice === value);
    if (found === void 0) throw this.wrong(key, choices.map((choice) => JSON.stringify(choice)).join(" or "));
    return found;
  }
  object(key) {
    return new _Fields(this.raw(key), this.at(key), this.fail);
  }
  array(key, maxLength, read) {
    const value = this.raw(key);
    if (!Array.isArray(value)) throw this.wrong(key, "an array");
    if (value.length > maxLength) throw this.fail(`${this.at(key)} has ${value.length} entries; at most ${maxLength} are allowed`);
    return value.map((item, i) => read(item, `${this.at(key)}[${i}]`));
  }
  objects(key, maxLength, read) {
    return this.array(key, maxLength, (value, path) => read(new _Fields(value, path, this.fail)));
  }
  integers(key, maxLength, min, max) {
    return this.array(key, maxLength, (value, path) => {
      if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
        throw this.fail(`${path} must be an integer from ${min} to ${max}, not ${describe(value)}`);
      }
      return value;
    });
  }
  /** A field that may be absent or null: undefined then. */
  optional(key, read) {
    return this.has(key) ? read(key) : void 0;
  }
  /** Names the first key that is not known: what would be ignored is an error instead. */
  onlyKeys(known) {
    const unknown = this.keys().find((key) => !known.includes(key) && this.raw(key) !== void 0);
    if (unknown !== void 0) throw this.fail(`${this.at(unknown)} is not known here; known are ${known.join(", ")}`);
  }
};

// src/config.ts
var MAX_URL = 8192;
var MAX_FILES = 4096;
var LOG_LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "SILENT"];
function parseModelRecord(record) {
  record.onlyKeys(["model_id", "manifest", "manifest_sha256", "files"]);
  const sha256 = record.optional("manifest_sha256", (key) => record.string(key, 64));
  if (sha256 !== void 0 && !/^[0-9a-f]{64}$/.test(sha256)) throw record.wrong("manifest_sha256", "64 lower-case hex digits");
  const files = record.optional("files", (key) => {
    const entries = record.object(key);
    if (entries.keys().length > MAX_FILES) throw record.wrong(key, `an object of at most ${MAX_FILES} entries`);
    return Object.fromEntries(entries.keys().map((name) => [name, entries.string(name, MAX_URL)]));
  });
  return {
    model_id: record.string("model_id", MAX_URL),
    manifest: record.string("manifest", MAX_URL),
    ...sha256 !== void 0 && { manifest_sha256: sha256 },
    ...files !== void 0 && { files }
  };
}
function parseChatOptions(options) {
  options.onlyKeys(["context_window_size"]);
  const size = options.optional("context_window_size", (key) => options.integer(key, 1, 1 << 24));
  return size === void 0 ? {} : { context_window_size: size };
}

// src/openai/parse.ts
var MAX_TEXT = 1 << 26;
var MAX_NAME = 1024;
var FINISH_REASONS = ["stop", "length", "abort"];
function parseUsage(usage2) {
  const count = (key) => usage2.integer(key, 0, Number.MAX_SAFE_INTEGER);
  const details = usage2.object("prompt_tokens_details");
  const extra = usage2.object("extra");
  const measure = (key) => extra.number(key, 0, Number.MAX_VALUE);
  return {
    prompt_tokens: count("prompt_tokens"),
    completion_tokens: count("completion_tokens"),
    total_tokens: count("total_tokens"),
    prompt_tokens_details: { cached_tokens: details.integer("cached_tokens", 0, Number.MAX_SAFE_INTEGER) },
    extra: {
      e2e_latency_s: measure("e2e_latency_s"),
      prefill_tokens_per_s: measure("prefill_tokens_per_s"),
      decode_tokens_per_s: measure("decode_tokens_per_s"),
      time_to_first_token_s: measure("time_to_first_token_s"),
      time_per_output_token_s: measure("time_per_output_token_s")
    }
  };
}
function parseCompletion(value) {
  return {
    id: value.string("id", MAX_NAME),
    object: value.oneOf("object", ["chat.completion"]),
    created: value.integer("created", 0, Number.MAX_SAFE_INTEGER),
    model: value.string("model", MAX_NAME),
    choices: value.objects("choices", 1, (choice) => {
      const message = choice.object("message");
      return {
        index: choice.oneOf("index", [0]),
        message: { role: message.oneOf("role", ["assistant"]), content: message.string("content", MAX_TEXT) },
        finish_reason: choice.oneOf("finish_reason", FINISH_REASONS),
        logprobs: null
      };
    }),
    usage: parseUsage(value.object("usage"))
  };
}
function parseChunk(value) {
  const usage2 = value.optional("usage", (key) => parseUsage(value.object(key)));
  return {
    id: value.string("id", MAX_NAME),
    object: value.oneOf("object", ["chat.completion.chunk"]),
    created: value.integer("created", 0, Number.MAX_SAFE_INTEGER),
    model: value.string("model", MAX_NAME),
    choices: value.objects("choices", 1, (choice) => {
      const delta = choice.object("delta");
      return {
        index: choice.oneOf("index", [0]),
        delta: {
          ...delta.has("role") && { role: delta.oneOf("role", ["assistant"]) },
          ...delta.has("content") && { content: delta.string("content", MAX_TEXT) }
        },
        finish_reason: choice.optional("finish_reason", (key) => choice.oneOf(key, FINISH_REASONS)) ?? null,
        logprobs: null
      };
    }),
    ...usage2 !== void 0 && { usage: usage2 }
  };
}

// src/openai/request.ts
var MAX_MESSAGES = 4096;
var MAX_PARTS = 256;
var MAX_CONTENT = 1 << 24;
var MAX_TOKENS = 1 << 24;
var MAX_STOPS = 16;
var MAX_STOP_LENGTH = 256;
var FIELDS = [
  "messages",
  "model",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "seed",
  "stop",
  "n",
  "stream",
  "stream_options"
];
var ROLES = ["system", "user", "assistant"];
function fail(message) {
  return new RequestValidationError(`Invalid chat completion request: ${message}.`);
}
function parseContent(message) {
  if (!Array.isArray(message.raw("content"))) return message.string("content", MAX_CONTENT);
  return message.objects("content", MAX_PARTS, (part) => {
    part.onlyKeys(["type", "text"]);
    return { type: part.oneOf("type", ["text"]), text: part.string("text", MAX_CONTENT) };
  });
}
function parseMessage(message) {
  message.onlyKeys(["role", "content", "name"]);
  return {
    role: message.oneOf("role", ROLES),
    content: parseContent(message),
    name: message.optional("name", (key) => message.string(key, 256))
  };
}
function parseMessages(request) {
  const messages = request.objects("messages", MAX_MESSAGES, parseMessage);
  const last = messages.at(-1);
  if (last === void 0) throw fail("messages is empty; give at least one user message");
  if (last.role !== "user") throw fail(`the last message must have role "user", not "${last.role}"`);
  const misplaced = messages.findIndex((message, i) => message.role === "system" && i > 0);
  if (misplaced > 0) throw fail(`messages[${misplaced}] has role "system"; only the first message may`);
  return messages;
}
function parseStop(request) {
  if (!Array.isArray(request.raw("stop"))) return parseStopString(request.raw("stop"), "stop");
  return request.array("stop", MAX_STOPS, parseStopString);
}
function parseStopString(value, path) {
  if (typeof value !== "string" || value.length === 0 || value.length > MAX_STOP_LENGTH) {
    throw fail(`${path} must be a string of 1 to ${MAX_STOP_LENGTH} characters`);
  }
  return value;
}
function parseChatCompletionRequest(value) {
  const request = new Fields(value, "", (message) => fail(message.replace(/^ must/, "the request must")));
  const unsupported = request.keys().find((key) => request.has(key) && !FIELDS.some((field) => field === key));
  if (unsupported !== void 0) throw fail(`${unsupported} is not supported; remove it (supported: ${FIELDS.join(", ")})`);
  const fields = {
    messages: parseMessages(request),
    model: request.optional("model", (key) => request.string(key, 1024)),
    max_tokens: request.optional("max_tokens", (key) => request.integer(key, 1, MAX_TOKENS)),
    max_completion_tokens: request.optional("max_completion_tokens", (key) => request.integer(key, 1, MAX_TOKENS)),
    temperature: request.optional("temperature", (key) => request.number(key, 0, 2)),
    top_p: request.optional("top_p", (key) => request.number(key, 1e-6, 1)),
    seed: request.optional("seed", (key) => request.integer(key, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
    stop: request.optional("stop", () => parseStop(request)),
    n: request.optional("n", (key) => request.oneOf(key, [1]))
  };
  const streamOptions = request.optional("stream_options", (key) => {
    const options = request.object(key);
    options.onlyKeys(["include_usage"]);
    return { include_usage: options.optional("include_usage", (name) => options.boolean(name)) };
  });
  const stream = request.optional("stream", (key) => request.boolean(key)) ?? false;
  if (stream) return { ...fields, stream, stream_options: streamOptions };
  if (streamOptions !== void 0) throw fail("stream_options needs stream: true");
  return { ...fields, stream };
}

// src/protocol.ts
var CALLS = {
  unload: "done",
  resetChat: "done",
  interruptGenerate: "done",
  getMessage: "text",
  runtimeStatsText: "text",
  getGPUVendor: "text",
  getMaxStorageBufferBindingSize: "number"
};
var MAX_TEXT2 = 1 << 26;
var MAX_CHUNKS = 1 << 20;
var MAX_DETAILS = 64;
var CLIENT_KINDS = ["reload", "call", "chatCompletion", "credit", "cancel", "setLogLevel"];
var WORKER_KINDS = ["progress", "done", "text", "number", "completion", "chunks", "end", "error"];
var CALL_NAMES = Object.keys(CALLS).filter((name) => Object.hasOwn(CALLS, name));
var PHASES = ["config", "weights", "kernels", "ready"];
function messageFields(value) {
  return new Fields(value, "message", (message) => new ProtocolError(`Malformed message between page and worker: ${message}.`));
}
function idOf(message) {
  return message.integer("id", 0, Number.MAX_SAFE_INTEGER);
}
function parseClientMessage(value) {
  const message = messageFields(value);
  const kind = message.oneOf("kind", CLIENT_KINDS);
  switch (kind) {
    case "reload":
      return {
        kind,
        id: idOf(message),
        record: parseModelRecord(message.object("record")),
        chatOpts: parseChatOptions(message.object("chatOpts")),
        variant: message.optional("variant", (key) => message.string(key, 64))
      };
    case "call":
      return { kind, id: idOf(message), name: message.oneOf("name", CALL_NAMES) };
    case "chatCompletion":
      return { kind, id: idOf(message), request: parseChatCompletionRequest(message.raw("request")) };
    case "credit":
    case "cancel":
      return { kind, id: idOf(message) };
    case "setLogLevel":
      return { kind, level: message.oneOf("level", LOG_LEVELS) };
    default:
      return unreachable(kind);
  }
}
function parseWorkerMessage(value) {
  const message = messageFields(value);
  const kind = message.oneOf("kind", WORKER_KINDS);
  switch (kind) {
    case "progress":
      return { kind, report: parseReport(message.object("report")) };
    case "done":
    case "end":
      return { kind, id: idOf(message) };
    case "text":
      return { kind, id: idOf(message), text: message.string("text", MAX_TEXT2) };
    case "number":
      return { kind, id: idOf(message), value: message.number("value", -Number.MAX_VALUE, Number.MAX_VALUE) };
    case "completion":
      return { kind, id: idOf(message), completion: parseCompletion(message.object("completion")) };
    case "chunks":
      return { kind, id: idOf(message), chunks: message.objects("chunks", MAX_CHUNKS, parseChunk) };
    case "error":
      return { kind, id: idOf(message), error: parseError(message.object("error")) };
    default:
      return unreachable(kind);
  }
}
function parseReport(report) {
  const warning = report.optional("warning", (key) => report.string(key, MAX_TEXT2));
  return {
    progress: report.number("progress", 0, 1),
    timeElapsed: report.number("timeElapsed", 0, Number.MAX_VALUE),
    text: report.string("text", MAX_TEXT2),
    phase: report.oneOf("phase", PHASES),
    bytesDone: report.integer("bytesDone", 0, Number.MAX_SAFE_INTEGER),
    bytesTotal: report.integer("bytesTotal", 0, Number.MAX_SAFE_INTEGER),
    ...warning !== void 0 && { warning }
  };
}
function parseError(error) {
  const code = error.string("code", 64);
  if (!isErrorCode(code)) throw error.wrong("code", Object.keys(ERROR_CLASSES).join(" or "));
  return { code, message: error.string("message", MAX_TEXT2), details: parseDetails(error.object("details")) };
}
function parseDetails(details) {
  const keys = details.keys();
  if (keys.length > MAX_DETAILS) throw details.fail(`${details.path} has ${keys.length} entries; at most ${MAX_DETAILS} are allowed`);
  return Object.fromEntries(keys.map((key) => {
    const value = details.raw(key);
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
      throw details.wrong(key, "a string, number or boolean");
    }
    return [key, value];
  }));
}
function unreachable(value) {
  throw new ProtocolError(`Unexpected value ${String(value)}`);
}

// test/protocol.test.ts
var SHAPE = new ResponseShape("toy");
var USAGE = usage({ prompt: 10, cached: 4, completion: 3 }, { requested: 0, prefillStarted: 5, firstToken: 20, finished: 40 });
var CLIENT_MESSAGES = [
  { kind: "reload", id: 1, record: { model_id: "toy", manifest: "https://a.example/model/manifest.json" }, chatOpts: {}, variant: void 0 },
  {
    kind: "reload",
    id: 2,
    chatOpts: { context_window_size: 64 },
    variant: "f32",
    record: { model_id: "toy", manifest: "https://a.example/m.json", manifest_sha256: "0a".repeat(32), files: { "a.bin": "https://b.example/x" } }
  },
  { kind: "call", id: 3, name: "unload" },
  {
    kind: "chatCompletion",
    id: 4,
    request: {
      messages: [{ role: "system", content: "s", name: void 0 }, { role: "user", content: [{ type: "text", text: "hi" }], name: "me" }],
      model: "toy",
      max_tokens: 5,
      max_completion_tokens: 6,
      temperature: 0,
      top_p: 0.5,
      seed: -3,
      stop: ["a", "b"],
      n: 1,
      stream: true,
      stream_options: { include_usage: true }
    }
  },
  { kind: "credit", id: 5 },
  { kind: "cancel", id: 6 },
  { kind: "setLogLevel", level: "INFO" }
];
var WORKER_MESSAGES = [
  { kind: "progress", report: { progress: 0.5, timeElapsed: 1, text: "t", phase: "weights", bytesDone: 1, bytesTotal: 2, warning: "w" } },
  { kind: "done", id: 1 },
  { kind: "text", id: 2, text: "t" },
  { kind: "number", id: 3, value: 7 },
  { kind: "completion", id: 4, completion: SHAPE.completion("hello", "stop", USAGE) },
  { kind: "chunks", id: 5, chunks: [SHAPE.roleChunk(), SHAPE.textChunk("hel"), SHAPE.finishChunk("length"), SHAPE.usageChunk(USAGE)] },
  { kind: "end", id: 6 },
  { kind: "error", id: 7, error: { code: "OutOfMemory", message: "m", details: { bytes: 5, what: "kv", fatal: true } } }
];
test("every message survives structured cloning and reading", () => {
  for (const message of CLIENT_MESSAGES) assert.deepEqual(parseClientMessage(structuredClone(message)), message);
  for (const message of WORKER_MESSAGES) assert.deepEqual(parseWorkerMessage(structuredClone(message)), message);
});
test("every call's name is read", () => {
  for (const name of Object.keys(CALLS)) assert.deepEqual(parseClientMessage({ kind: "call", id: 0, name }), { kind: "call", id: 0, name });
});
function* mutations(value) {
  for (const other of [null, void 0, 1e300, -1, "x".repeat(3), [], {}, true]) yield other;
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    for (const mutated of mutations(child)) {
      yield Array.isArray(value) ? value.map((item, i) => String(i) === key ? mutated : item) : { ...value, [key]: mutated };
    }
  }
}
test("a mutated message is refused with a typed error or read as a message of its kind, never anything else", () => {
  let refused = 0;
  const read = (parse, mutated) => {
    try {
      assert.ok(parse(mutated).kind.length > 0);
    } catch (error) {
      assert.ok(error instanceof MLCEngineError, String(error));
      assert.ok(error.code === "Protocol" || error.code === "RequestValidation", error.code);
      refused++;
    }
  };
  for (const message of CLIENT_MESSAGES) for (const mutated of mutations(message)) read(parseClientMessage, mutated);
  for (const message of WORKER_MESSAGES) for (const mutated of mutations(message)) read(parseWorkerMessage, mutated);
  assert.ok(refused > 500, `${refused} refused`);
});
test("unknown kinds, prototype keys and unbounded text are refused", () => {
  for (const message of [{ kind: "reboot", id: 1 }, { kind: "call", id: 1, name: "constructor" }, { kind: "call", id: 1.5, name: "unload" }]) {
    assert.throws(() => parseClientMessage(message), ProtocolError);
  }
  assert.throws(() => parseWorkerMessage({ kind: "error", id: 1, error: { code: "toString", message: "", details: {} } }), ProtocolError);
  assert.throws(() => parseWorkerMessage({ kind: "error", id: 1, error: { code: "Abort", message: "", details: { a: {} } } }), ProtocolError);
  assert.throws(() => parseClientMessage({ kind: "setLogLevel", level: "x".repeat(1e4) }), (error) => error.message.length < 300);
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
//# sourceMappingURL=data:application/json;base64,ewogICJ2ZXJzaW9uIjogMywKICAic291cmNlcyI6IFsiLi4vcHJvdG9jb2wudGVzdC50cyIsICIuLi8uLi9zcmMvZXJyb3JzLnRzIiwgIi4uLy4uL3NyYy9vcGVuYWkvcmVzcG9uc2UudHMiLCAiLi4vLi4vc3JjL2ZpZWxkcy50cyIsICIuLi8uLi9zcmMvY29uZmlnLnRzIiwgIi4uLy4uL3NyYy9vcGVuYWkvcGFyc2UudHMiLCAiLi4vLi4vc3JjL29wZW5haS9yZXF1ZXN0LnRzIiwgIi4uLy4uL3NyYy9wcm90b2NvbC50cyJdLAogICJzb3VyY2VzQ29udGVudCI6IFsiaW1wb3J0IGFzc2VydCBmcm9tIFwibm9kZTphc3NlcnQvc3RyaWN0XCI7XG5pbXBvcnQgeyB0ZXN0IH0gZnJvbSBcIm5vZGU6dGVzdFwiO1xuaW1wb3J0IHsgRVJST1JfQ0xBU1NFUywgSW50ZXJuYWxFcnJvciwgTUxDRW5naW5lRXJyb3IsIFByb3RvY29sRXJyb3IsIGFzRW5naW5lRXJyb3IsIGZyb21XaXJlLCBpc0Vycm9yQ29kZSwgdG9XaXJlIH0gZnJvbSBcIi4uL3NyYy9lcnJvcnMudHNcIjtcbmltcG9ydCB7IFJlc3BvbnNlU2hhcGUsIHVzYWdlIH0gZnJvbSBcIi4uL3NyYy9vcGVuYWkvcmVzcG9uc2UudHNcIjtcbmltcG9ydCB7IENBTExTLCBwYXJzZUNsaWVudE1lc3NhZ2UsIHBhcnNlV29ya2VyTWVzc2FnZSwgdHlwZSBDbGllbnRNZXNzYWdlLCB0eXBlIFdvcmtlck1lc3NhZ2UgfSBmcm9tIFwiLi4vc3JjL3Byb3RvY29sLnRzXCI7XG5cbmNvbnN0IFNIQVBFID0gbmV3IFJlc3BvbnNlU2hhcGUoXCJ0b3lcIik7XG5jb25zdCBVU0FHRSA9IHVzYWdlKHsgcHJvbXB0OiAxMCwgY2FjaGVkOiA0LCBjb21wbGV0aW9uOiAzIH0sIHsgcmVxdWVzdGVkOiAwLCBwcmVmaWxsU3RhcnRlZDogNSwgZmlyc3RUb2tlbjogMjAsIGZpbmlzaGVkOiA0MCB9KTtcblxuY29uc3QgQ0xJRU5UX01FU1NBR0VTOiByZWFkb25seSBDbGllbnRNZXNzYWdlW10gPSBbXG4gIHsga2luZDogXCJyZWxvYWRcIiwgaWQ6IDEsIHJlY29yZDogeyBtb2RlbF9pZDogXCJ0b3lcIiwgbWFuaWZlc3Q6IFwiaHR0cHM6Ly9hLmV4YW1wbGUvbW9kZWwvbWFuaWZlc3QuanNvblwiIH0sIGNoYXRPcHRzOiB7fSwgdmFyaWFudDogdW5kZWZpbmVkIH0sXG4gIHtcbiAgICBraW5kOiBcInJlbG9hZFwiLCBpZDogMiwgY2hhdE9wdHM6IHsgY29udGV4dF93aW5kb3dfc2l6ZTogNjQgfSwgdmFyaWFudDogXCJmMzJcIixcbiAgICByZWNvcmQ6IHsgbW9kZWxfaWQ6IFwidG95XCIsIG1hbmlmZXN0OiBcImh0dHBzOi8vYS5leGFtcGxlL20uanNvblwiLCBtYW5pZmVzdF9zaGEyNTY6IFwiMGFcIi5yZXBlYXQoMzIpLCBmaWxlczogeyBcImEuYmluXCI6IFwiaHR0cHM6Ly9iLmV4YW1wbGUveFwiIH0gfSxcbiAgfSxcbiAgeyBraW5kOiBcImNhbGxcIiwgaWQ6IDMsIG5hbWU6IFwidW5sb2FkXCIgfSxcbiAge1xuICAgIGtpbmQ6IFwiY2hhdENvbXBsZXRpb25cIiwgaWQ6IDQsIHJlcXVlc3Q6IHtcbiAgICAgIG1lc3NhZ2VzOiBbeyByb2xlOiBcInN5c3RlbVwiLCBjb250ZW50OiBcInNcIiwgbmFtZTogdW5kZWZpbmVkIH0sIHsgcm9sZTogXCJ1c2VyXCIsIGNvbnRlbnQ6IFt7IHR5cGU6IFwidGV4dFwiLCB0ZXh0OiBcImhpXCIgfV0sIG5hbWU6IFwibWVcIiB9XSxcbiAgICAgIG1vZGVsOiBcInRveVwiLCBtYXhfdG9rZW5zOiA1LCBtYXhfY29tcGxldGlvbl90b2tlbnM6IDYsIHRlbXBlcmF0dXJlOiAwLCB0b3BfcDogMC41LCBzZWVkOiAtMywgc3RvcDogW1wiYVwiLCBcImJcIl0sIG46IDEsXG4gICAgICBzdHJlYW06IHRydWUsIHN0cmVhbV9vcHRpb25zOiB7IGluY2x1ZGVfdXNhZ2U6IHRydWUgfSxcbiAgICB9LFxuICB9LFxuICB7IGtpbmQ6IFwiY3JlZGl0XCIsIGlkOiA1IH0sXG4gIHsga2luZDogXCJjYW5jZWxcIiwgaWQ6IDYgfSxcbiAgeyBraW5kOiBcInNldExvZ0xldmVsXCIsIGxldmVsOiBcIklORk9cIiB9LFxuXTtcblxuY29uc3QgV09SS0VSX01FU1NBR0VTOiByZWFkb25seSBXb3JrZXJNZXNzYWdlW10gPSBbXG4gIHsga2luZDogXCJwcm9ncmVzc1wiLCByZXBvcnQ6IHsgcHJvZ3Jlc3M6IDAuNSwgdGltZUVsYXBzZWQ6IDEsIHRleHQ6IFwidFwiLCBwaGFzZTogXCJ3ZWlnaHRzXCIsIGJ5dGVzRG9uZTogMSwgYnl0ZXNUb3RhbDogMiwgd2FybmluZzogXCJ3XCIgfSB9LFxuICB7IGtpbmQ6IFwiZG9uZVwiLCBpZDogMSB9LFxuICB7IGtpbmQ6IFwidGV4dFwiLCBpZDogMiwgdGV4dDogXCJ0XCIgfSxcbiAgeyBraW5kOiBcIm51bWJlclwiLCBpZDogMywgdmFsdWU6IDcgfSxcbiAgeyBraW5kOiBcImNvbXBsZXRpb25cIiwgaWQ6IDQsIGNvbXBsZXRpb246IFNIQVBFLmNvbXBsZXRpb24oXCJoZWxsb1wiLCBcInN0b3BcIiwgVVNBR0UpIH0sXG4gIHsga2luZDogXCJjaHVua3NcIiwgaWQ6IDUsIGNodW5rczogW1NIQVBFLnJvbGVDaHVuaygpLCBTSEFQRS50ZXh0Q2h1bmsoXCJoZWxcIiksIFNIQVBFLmZpbmlzaENodW5rKFwibGVuZ3RoXCIpLCBTSEFQRS51c2FnZUNodW5rKFVTQUdFKV0gfSxcbiAgeyBraW5kOiBcImVuZFwiLCBpZDogNiB9LFxuICB7IGtpbmQ6IFwiZXJyb3JcIiwgaWQ6IDcsIGVycm9yOiB7IGNvZGU6IFwiT3V0T2ZNZW1vcnlcIiwgbWVzc2FnZTogXCJtXCIsIGRldGFpbHM6IHsgYnl0ZXM6IDUsIHdoYXQ6IFwia3ZcIiwgZmF0YWw6IHRydWUgfSB9IH0sXG5dO1xuXG50ZXN0KFwiZXZlcnkgbWVzc2FnZSBzdXJ2aXZlcyBzdHJ1Y3R1cmVkIGNsb25pbmcgYW5kIHJlYWRpbmdcIiwgKCkgPT4ge1xuICBmb3IgKGNvbnN0IG1lc3NhZ2Ugb2YgQ0xJRU5UX01FU1NBR0VTKSBhc3NlcnQuZGVlcEVxdWFsKHBhcnNlQ2xpZW50TWVzc2FnZShzdHJ1Y3R1cmVkQ2xvbmUobWVzc2FnZSkpLCBtZXNzYWdlKTtcbiAgZm9yIChjb25zdCBtZXNzYWdlIG9mIFdPUktFUl9NRVNTQUdFUykgYXNzZXJ0LmRlZXBFcXVhbChwYXJzZVdvcmtlck1lc3NhZ2Uoc3RydWN0dXJlZENsb25lKG1lc3NhZ2UpKSwgbWVzc2FnZSk7XG59KTtcblxudGVzdChcImV2ZXJ5IGNhbGwncyBuYW1lIGlzIHJlYWRcIiwgKCkgPT4ge1xuICBmb3IgKGNvbnN0IG5hbWUgb2YgT2JqZWN0LmtleXMoQ0FMTFMpKSBhc3NlcnQuZGVlcEVxdWFsKHBhcnNlQ2xpZW50TWVzc2FnZSh7IGtpbmQ6IFwiY2FsbFwiLCBpZDogMCwgbmFtZSB9KSwgeyBraW5kOiBcImNhbGxcIiwgaWQ6IDAsIG5hbWUgfSk7XG59KTtcblxuLyoqIEV2ZXJ5IG9iamVjdCB0aGF0IGlzIGB2YWx1ZWAgd2l0aCBvbmUgZmllbGQgcmVtb3ZlZCBvciByZXBsYWNlZCBieSBzb21ldGhpbmcgb2YgYW5vdGhlciB0eXBlLiAqL1xuZnVuY3Rpb24qIG11dGF0aW9ucyh2YWx1ZTogdW5rbm93bik6IEdlbmVyYXRvcjx1bmtub3duPiB7XG4gIGZvciAoY29uc3Qgb3RoZXIgb2YgW251bGwsIHVuZGVmaW5lZCwgMWUzMDAsIC0xLCBcInhcIi5yZXBlYXQoMyksIFtdLCB7fSwgdHJ1ZV0pIHlpZWxkIG90aGVyO1xuICBpZiAodHlwZW9mIHZhbHVlICE9PSBcIm9iamVjdFwiIHx8IHZhbHVlID09PSBudWxsKSByZXR1cm47XG4gIGZvciAoY29uc3QgW2tleSwgY2hpbGRdIG9mIE9iamVjdC5lbnRyaWVzKHZhbHVlKSkge1xuICAgIGZvciAoY29uc3QgbXV0YXRlZCBvZiBtdXRhdGlvbnMoY2hpbGQpKSB7XG4gICAgICB5aWVsZCBBcnJheS5pc0FycmF5KHZhbHVlKSA/IHZhbHVlLm1hcCgoaXRlbTogdW5rbm93biwgaSkgPT4gKFN0cmluZyhpKSA9PT0ga2V5ID8gbXV0YXRlZCA6IGl0ZW0pKSA6IHsgLi4udmFsdWUsIFtrZXldOiBtdXRhdGVkIH07XG4gICAgfVxuICB9XG59XG5cbnRlc3QoXCJhIG11dGF0ZWQgbWVzc2FnZSBpcyByZWZ1c2VkIHdpdGggYSB0eXBlZCBlcnJvciBvciByZWFkIGFzIGEgbWVzc2FnZSBvZiBpdHMga2luZCwgbmV2ZXIgYW55dGhpbmcgZWxzZVwiLCAoKSA9PiB7XG4gIGxldCByZWZ1c2VkID0gMDtcbiAgY29uc3QgcmVhZCA9IChwYXJzZTogKHZhbHVlOiB1bmtub3duKSA9PiB7IGtpbmQ6IHN0cmluZyB9LCBtdXRhdGVkOiB1bmtub3duKTogdm9pZCA9PiB7XG4gICAgdHJ5IHtcbiAgICAgIGFzc2VydC5vayhwYXJzZShtdXRhdGVkKS5raW5kLmxlbmd0aCA+IDApO1xuICAgIH0gY2F0Y2ggKGVycm9yKSB7XG4gICAgICBhc3NlcnQub2soZXJyb3IgaW5zdGFuY2VvZiBNTENFbmdpbmVFcnJvciwgU3RyaW5nKGVycm9yKSk7XG4gICAgICBhc3NlcnQub2soZXJyb3IuY29kZSA9PT0gXCJQcm90b2NvbFwiIHx8IGVycm9yLmNvZGUgPT09IFwiUmVxdWVzdFZhbGlkYXRpb25cIiwgZXJyb3IuY29kZSk7XG4gICAgICByZWZ1c2VkKys7XG4gICAgfVxuICB9O1xuICBmb3IgKGNvbnN0IG1lc3NhZ2Ugb2YgQ0xJRU5UX01FU1NBR0VTKSBmb3IgKGNvbnN0IG11dGF0ZWQgb2YgbXV0YXRpb25zKG1lc3NhZ2UpKSByZWFkKHBhcnNlQ2xpZW50TWVzc2FnZSwgbXV0YXRlZCk7XG4gIGZvciAoY29uc3QgbWVzc2FnZSBvZiBXT1JLRVJfTUVTU0FHRVMpIGZvciAoY29uc3QgbXV0YXRlZCBvZiBtdXRhdGlvbnMobWVzc2FnZSkpIHJlYWQocGFyc2VXb3JrZXJNZXNzYWdlLCBtdXRhdGVkKTtcbiAgYXNzZXJ0Lm9rKHJlZnVzZWQgPiA1MDAsIGAke3JlZnVzZWR9IHJlZnVzZWRgKTtcbn0pO1xuXG50ZXN0KFwidW5rbm93biBraW5kcywgcHJvdG90eXBlIGtleXMgYW5kIHVuYm91bmRlZCB0ZXh0IGFyZSByZWZ1c2VkXCIsICgpID0+IHtcbiAgZm9yIChjb25zdCBtZXNzYWdlIG9mIFt7IGtpbmQ6IFwicmVib290XCIsIGlkOiAxIH0sIHsga2luZDogXCJjYWxsXCIsIGlkOiAxLCBuYW1lOiBcImNvbnN0cnVjdG9yXCIgfSwgeyBraW5kOiBcImNhbGxcIiwgaWQ6IDEuNSwgbmFtZTogXCJ1bmxvYWRcIiB9XSkge1xuICAgIGFzc2VydC50aHJvd3MoKCkgPT4gcGFyc2VDbGllbnRNZXNzYWdlKG1lc3NhZ2UpLCBQcm90b2NvbEVycm9yKTtcbiAgfVxuICBhc3NlcnQudGhyb3dzKCgpID0+IHBhcnNlV29ya2VyTWVzc2FnZSh7IGtpbmQ6IFwiZXJyb3JcIiwgaWQ6IDEsIGVycm9yOiB7IGNvZGU6IFwidG9TdHJpbmdcIiwgbWVzc2FnZTogXCJcIiwgZGV0YWlsczoge30gfSB9KSwgUHJvdG9jb2xFcnJvcik7XG4gIGFzc2VydC50aHJvd3MoKCkgPT4gcGFyc2VXb3JrZXJNZXNzYWdlKHsga2luZDogXCJlcnJvclwiLCBpZDogMSwgZXJyb3I6IHsgY29kZTogXCJBYm9ydFwiLCBtZXNzYWdlOiBcIlwiLCBkZXRhaWxzOiB7IGE6IHt9IH0gfSB9KSwgUHJvdG9jb2xFcnJvcik7XG4gIGFzc2VydC50aHJvd3MoKCkgPT4gcGFyc2VDbGllbnRNZXNzYWdlKHsga2luZDogXCJzZXRMb2dMZXZlbFwiLCBsZXZlbDogXCJ4XCIucmVwZWF0KDEwXzAwMCkgfSksIChlcnJvcjogRXJyb3IpID0+IGVycm9yLm1lc3NhZ2UubGVuZ3RoIDwgMzAwKTtcbn0pO1xuXG50ZXN0KFwiZXZlcnkgZXJyb3Iga2VlcHMgY2xhc3MsIGNvZGUsIG5hbWUsIG1lc3NhZ2UgYW5kIGRldGFpbHMgYWNyb3NzIHRoZSBib3VuZGFyeVwiLCAoKSA9PiB7XG4gIGZvciAoY29uc3QgW2NvZGUsIEVycm9yQ2xhc3NdIG9mIE9iamVjdC5lbnRyaWVzKEVSUk9SX0NMQVNTRVMpKSB7XG4gICAgY29uc3QgZXJyb3IgPSBmcm9tV2lyZShzdHJ1Y3R1cmVkQ2xvbmUodG9XaXJlKG5ldyBFcnJvckNsYXNzKFwid2hhdCB0byBkb1wiLCB7IGJ5dGVzOiAzIH0pKSkpO1xuICAgIGFzc2VydC5vayhlcnJvciBpbnN0YW5jZW9mIEVycm9yQ2xhc3MgJiYgZXJyb3IgaW5zdGFuY2VvZiBNTENFbmdpbmVFcnJvciAmJiBlcnJvciBpbnN0YW5jZW9mIEVycm9yKTtcbiAgICBhc3NlcnQub2soaXNFcnJvckNvZGUoY29kZSkpO1xuICAgIGFzc2VydC5kZWVwRXF1YWwoW2Vycm9yLmNvZGUsIGVycm9yLm5hbWUsIGVycm9yLm1lc3NhZ2UsIGVycm9yLmRldGFpbHNdLCBbY29kZSwgYCR7Y29kZX1FcnJvcmAsIFwid2hhdCB0byBkb1wiLCB7IGJ5dGVzOiAzIH1dKTtcbiAgfVxufSk7XG5cbnRlc3QoXCJ3aGF0IGlzIG5vIGVuZ2luZSBlcnJvciBiZWNvbWVzIG9uZVwiLCAoKSA9PiB7XG4gIGFzc2VydC5vayhhc0VuZ2luZUVycm9yKG5ldyBUeXBlRXJyb3IoXCJ4XCIpKSBpbnN0YW5jZW9mIEludGVybmFsRXJyb3IpO1xuICBhc3NlcnQuZXF1YWwoYXNFbmdpbmVFcnJvcihuZXcgRE9NRXhjZXB0aW9uKFwic3RvcFwiLCBcIkFib3J0RXJyb3JcIikpLmNvZGUsIFwiQWJvcnRcIik7XG4gIGFzc2VydC5lcXVhbChhc0VuZ2luZUVycm9yKFwidGV4dFwiKS5tZXNzYWdlLCBcInRleHRcIik7XG59KTtcbiIsICIvKipcbiAqIFRoZSBlcnJvciB0cmVlLiBFdmVyeSBlcnJvciB0aGUgZW5naW5lIHRocm93cyBpcyBhbiBNTENFbmdpbmVFcnJvciB3aXRoIGEgc3RhYmxlIGBjb2RlYDsgaXQgY3Jvc3Nlc1xuICogYHBvc3RNZXNzYWdlYCBhcyBge2NvZGUsIG1lc3NhZ2UsIGRldGFpbHN9YCBhbmQgaGFzIGl0cyBjbGFzcyBhZ2FpbiBvbiB0aGUgb3RoZXIgc2lkZS5cbiAqXG4gKiAgICAgTUxDRW5naW5lRXJyb3JcbiAqICAgICAgIFdlYkdQVU5vdEF2YWlsYWJsZUVycm9yICAgICAgICAgIG5vIFdlYkdQVSBpbiB0aGlzIGJyb3dzZXIsIG9yIG5vIHVzYWJsZSBhZGFwdGVyXG4gKiAgICAgICBGZWF0dXJlU3VwcG9ydEVycm9yICAgICAgICAgICAgICB0aGUgYWRhcHRlciBsYWNrcyBhIGZlYXR1cmUgb3IgbGltaXQgdGhhdCBldmVyeSB2YXJpYW50IG5lZWRzXG4gKiAgICAgICBEZXZpY2VMb3N0RXJyb3IgICAgICAgICAgICAgICAgICB0aGUgR1BVIHdlbnQgYXdheTsgcmVsb2FkIHRoZSBtb2RlbFxuICogICAgICAgR1BVRXhlY3V0aW9uRXJyb3IgICAgICAgICAgICAgICAgdGhlIEdQVSByZWZ1c2VkIGEgY29tbWFuZCBvciBhIHNoYWRlclxuICogICAgICAgT3V0T2ZNZW1vcnlFcnJvciAgICAgICAgICAgICAgICAgdGhlIEdQVSBoYXMgbm8gcm9vbSBmb3IgdGhlIHdlaWdodHMgb3IgdGhlIGNhY2hlXG4gKiAgICAgICBNb2RlbE5vdEZvdW5kRXJyb3IgICAgICAgICAgICAgICB0aGUgbW9kZWwgaWQgaXMgaW4gbm8gbW9kZWxfbGlzdCBhbmQgaXMgbm8gVVJMXG4gKiAgICAgICBNb2RlbE5vdExvYWRlZEVycm9yICAgICAgICAgICAgICBhIHJlcXVlc3QgY2FtZSBiZWZvcmUgYSBtb2RlbCB3YXMgbG9hZGVkXG4gKiAgICAgICBNYW5pZmVzdEVycm9yICAgICAgICAgICAgICAgICAgICBtYW5pZmVzdCwgcGxhbiBvciB0b2tlbml6ZXIgaXMgbWFsZm9ybWVkIG9yIG9mIGFuIHVua25vd24gdmVyc2lvblxuICogICAgICAgSW50ZWdyaXR5RXJyb3IgICAgICAgICAgICAgICAgICAgYSBmaWxlJ3MgYnl0ZXMgYXJlIG5vdCB0aG9zZSB0aGF0IHRoZSBtYW5pZmVzdCBuYW1lc1xuICogICAgICAgRG93bmxvYWRFcnJvciAgICAgICAgICAgICAgICAgICAgYSBmaWxlIGlzIG1pc3Npbmcgb3IgY291bGQgbm90IGJlIGZldGNoZWRcbiAqICAgICAgIFJlcXVlc3RWYWxpZGF0aW9uRXJyb3IgICAgICAgICAgIGEgcmVxdWVzdCBoYXMgYSB3cm9uZywgdW5rbm93biBvciBtaXNzaW5nIGZpZWxkXG4gKiAgICAgICBDb250ZXh0V2luZG93U2l6ZUV4Y2VlZGVkRXJyb3IgICB0aGUgcHJvbXB0IGRvZXMgbm90IGZpdCBpbnRvIHRoZSBjb250ZXh0IHdpbmRvd1xuICogICAgICAgQWJvcnRFcnJvciAgICAgICAgICAgICAgICAgICAgICAgdGhlIGNhbGxlciBzdG9wcGVkIGl0XG4gKiAgICAgICBQcm90b2NvbEVycm9yICAgICAgICAgICAgICAgICAgICBhIG1hbGZvcm1lZCBtZXNzYWdlIGJldHdlZW4gcGFnZSBhbmQgd29ya2VyXG4gKiAgICAgICBJbnRlcm5hbEVycm9yICAgICAgICAgICAgICAgICAgICBhbnl0aGluZyBlbHNlOiBhIGJ1Z1xuICovXG5cbmV4cG9ydCB0eXBlIEVycm9yRGV0YWlscyA9IFJlYWRvbmx5PFJlY29yZDxzdHJpbmcsIHN0cmluZyB8IG51bWJlciB8IGJvb2xlYW4+PjtcblxuLyoqIFdoYXQgYW4gZXJyb3IgaXMgYmV0d2VlbiBwYWdlIGFuZCB3b3JrZXIuICovXG5leHBvcnQgaW50ZXJmYWNlIFdpcmVFcnJvciB7XG4gIHJlYWRvbmx5IGNvZGU6IEVycm9yQ29kZTtcbiAgcmVhZG9ubHkgbWVzc2FnZTogc3RyaW5nO1xuICByZWFkb25seSBkZXRhaWxzOiBFcnJvckRldGFpbHM7XG59XG5cbmV4cG9ydCBjbGFzcyBNTENFbmdpbmVFcnJvciBleHRlbmRzIEVycm9yIHtcbiAgY29uc3RydWN0b3IocmVhZG9ubHkgY29kZTogRXJyb3JDb2RlLCBtZXNzYWdlOiBzdHJpbmcsIHJlYWRvbmx5IGRldGFpbHM6IEVycm9yRGV0YWlscyA9IHt9LCBjYXVzZT86IHVua25vd24pIHtcbiAgICBzdXBlcihtZXNzYWdlLCBjYXVzZSA9PT0gdW5kZWZpbmVkID8gdW5kZWZpbmVkIDogeyBjYXVzZSB9KTtcbiAgICB0aGlzLm5hbWUgPSBgJHtjb2RlfUVycm9yYDsgLy8gbm90IHRoZSBjbGFzcydzIG93biBuYW1lLCB3aGljaCBhIG1pbmlmaWVyIGNoYW5nZXNcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgV2ViR1BVTm90QXZhaWxhYmxlRXJyb3IgZXh0ZW5kcyBNTENFbmdpbmVFcnJvciB7XG4gIGNvbnN0cnVjdG9yKG1lc3NhZ2U6IHN0cmluZywgZGV0YWlscz86IEVycm9yRGV0YWlscykge1xuICAgIHN1cGVyKFwiV2ViR1BVTm90QXZhaWxhYmxlXCIsIG1lc3NhZ2UsIGRldGFpbHMpO1xuICB9XG59XG5cbmV4cG9ydCBjbGFzcyBGZWF0dXJlU3VwcG9ydEVycm9yIGV4dGVuZHMgTUxDRW5naW5lRXJyb3Ige1xuICBjb25zdHJ1Y3RvcihtZXNzYWdlOiBzdHJpbmcsIGRldGFpbHM/OiBFcnJvckRldGFpbHMpIHtcbiAgICBzdXBlcihcIkZlYXR1cmVTdXBwb3J0XCIsIG1lc3NhZ2UsIGRldGFpbHMpO1xuICB9XG59XG5cbmV4cG9ydCBjbGFzcyBEZXZpY2VMb3N0RXJyb3IgZXh0ZW5kcyBNTENFbmdpbmVFcnJvciB7XG4gIGNvbnN0cnVjdG9yKG1lc3NhZ2U6IHN0cmluZywgZGV0YWlscz86IEVycm9yRGV0YWlscykge1xuICAgIHN1cGVyKFwiRGV2aWNlTG9zdFwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgR1BVRXhlY3V0aW9uRXJyb3IgZXh0ZW5kcyBNTENFbmdpbmVFcnJvciB7XG4gIGNvbnN0cnVjdG9yKG1lc3NhZ2U6IHN0cmluZywgZGV0YWlscz86IEVycm9yRGV0YWlscykge1xuICAgIHN1cGVyKFwiR1BVRXhlY3V0aW9uXCIsIG1lc3NhZ2UsIGRldGFpbHMpO1xuICB9XG59XG5cbmV4cG9ydCBjbGFzcyBPdXRPZk1lbW9yeUVycm9yIGV4dGVuZHMgTUxDRW5naW5lRXJyb3Ige1xuICBjb25zdHJ1Y3RvcihtZXNzYWdlOiBzdHJpbmcsIGRldGFpbHM/OiBFcnJvckRldGFpbHMpIHtcbiAgICBzdXBlcihcIk91dE9mTWVtb3J5XCIsIG1lc3NhZ2UsIGRldGFpbHMpO1xuICB9XG59XG5cbmV4cG9ydCBjbGFzcyBNb2RlbE5vdEZvdW5kRXJyb3IgZXh0ZW5kcyBNTENFbmdpbmVFcnJvciB7XG4gIGNvbnN0cnVjdG9yKG1lc3NhZ2U6IHN0cmluZywgZGV0YWlscz86IEVycm9yRGV0YWlscykge1xuICAgIHN1cGVyKFwiTW9kZWxOb3RGb3VuZFwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgTW9kZWxOb3RMb2FkZWRFcnJvciBleHRlbmRzIE1MQ0VuZ2luZUVycm9yIHtcbiAgY29uc3RydWN0b3IobWVzc2FnZTogc3RyaW5nLCBkZXRhaWxzPzogRXJyb3JEZXRhaWxzKSB7XG4gICAgc3VwZXIoXCJNb2RlbE5vdExvYWRlZFwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgTWFuaWZlc3RFcnJvciBleHRlbmRzIE1MQ0VuZ2luZUVycm9yIHtcbiAgY29uc3RydWN0b3IobWVzc2FnZTogc3RyaW5nLCBkZXRhaWxzPzogRXJyb3JEZXRhaWxzKSB7XG4gICAgc3VwZXIoXCJNYW5pZmVzdFwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgSW50ZWdyaXR5RXJyb3IgZXh0ZW5kcyBNTENFbmdpbmVFcnJvciB7XG4gIGNvbnN0cnVjdG9yKG1lc3NhZ2U6IHN0cmluZywgZGV0YWlscz86IEVycm9yRGV0YWlscykge1xuICAgIHN1cGVyKFwiSW50ZWdyaXR5XCIsIG1lc3NhZ2UsIGRldGFpbHMpO1xuICB9XG59XG5cbmV4cG9ydCBjbGFzcyBEb3dubG9hZEVycm9yIGV4dGVuZHMgTUxDRW5naW5lRXJyb3Ige1xuICBjb25zdHJ1Y3RvcihtZXNzYWdlOiBzdHJpbmcsIGRldGFpbHM/OiBFcnJvckRldGFpbHMsIGNhdXNlPzogdW5rbm93bikge1xuICAgIHN1cGVyKFwiRG93bmxvYWRcIiwgbWVzc2FnZSwgZGV0YWlscywgY2F1c2UpO1xuICB9XG59XG5cbmV4cG9ydCBjbGFzcyBSZXF1ZXN0VmFsaWRhdGlvbkVycm9yIGV4dGVuZHMgTUxDRW5naW5lRXJyb3Ige1xuICBjb25zdHJ1Y3RvcihtZXNzYWdlOiBzdHJpbmcsIGRldGFpbHM/OiBFcnJvckRldGFpbHMpIHtcbiAgICBzdXBlcihcIlJlcXVlc3RWYWxpZGF0aW9uXCIsIG1lc3NhZ2UsIGRldGFpbHMpO1xuICB9XG59XG5cbmV4cG9ydCBjbGFzcyBDb250ZXh0V2luZG93U2l6ZUV4Y2VlZGVkRXJyb3IgZXh0ZW5kcyBNTENFbmdpbmVFcnJvciB7XG4gIGNvbnN0cnVjdG9yKG1lc3NhZ2U6IHN0cmluZywgZGV0YWlscz86IEVycm9yRGV0YWlscykge1xuICAgIHN1cGVyKFwiQ29udGV4dFdpbmRvd1NpemVFeGNlZWRlZFwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgQWJvcnRFcnJvciBleHRlbmRzIE1MQ0VuZ2luZUVycm9yIHtcbiAgY29uc3RydWN0b3IobWVzc2FnZTogc3RyaW5nLCBkZXRhaWxzPzogRXJyb3JEZXRhaWxzKSB7XG4gICAgc3VwZXIoXCJBYm9ydFwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgUHJvdG9jb2xFcnJvciBleHRlbmRzIE1MQ0VuZ2luZUVycm9yIHtcbiAgY29uc3RydWN0b3IobWVzc2FnZTogc3RyaW5nLCBkZXRhaWxzPzogRXJyb3JEZXRhaWxzKSB7XG4gICAgc3VwZXIoXCJQcm90b2NvbFwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgSW50ZXJuYWxFcnJvciBleHRlbmRzIE1MQ0VuZ2luZUVycm9yIHtcbiAgY29uc3RydWN0b3IobWVzc2FnZTogc3RyaW5nLCBkZXRhaWxzPzogRXJyb3JEZXRhaWxzLCBjYXVzZT86IHVua25vd24pIHtcbiAgICBzdXBlcihcIkludGVybmFsXCIsIG1lc3NhZ2UsIGRldGFpbHMsIGNhdXNlKTtcbiAgfVxufVxuXG5leHBvcnQgY29uc3QgRVJST1JfQ0xBU1NFUyA9IHtcbiAgV2ViR1BVTm90QXZhaWxhYmxlOiBXZWJHUFVOb3RBdmFpbGFibGVFcnJvcixcbiAgRmVhdHVyZVN1cHBvcnQ6IEZlYXR1cmVTdXBwb3J0RXJyb3IsXG4gIERldmljZUxvc3Q6IERldmljZUxvc3RFcnJvcixcbiAgR1BVRXhlY3V0aW9uOiBHUFVFeGVjdXRpb25FcnJvcixcbiAgT3V0T2ZNZW1vcnk6IE91dE9mTWVtb3J5RXJyb3IsXG4gIE1vZGVsTm90Rm91bmQ6IE1vZGVsTm90Rm91bmRFcnJvcixcbiAgTW9kZWxOb3RMb2FkZWQ6IE1vZGVsTm90TG9hZGVkRXJyb3IsXG4gIE1hbmlmZXN0OiBNYW5pZmVzdEVycm9yLFxuICBJbnRlZ3JpdHk6IEludGVncml0eUVycm9yLFxuICBEb3dubG9hZDogRG93bmxvYWRFcnJvcixcbiAgUmVxdWVzdFZhbGlkYXRpb246IFJlcXVlc3RWYWxpZGF0aW9uRXJyb3IsXG4gIENvbnRleHRXaW5kb3dTaXplRXhjZWVkZWQ6IENvbnRleHRXaW5kb3dTaXplRXhjZWVkZWRFcnJvcixcbiAgQWJvcnQ6IEFib3J0RXJyb3IsXG4gIFByb3RvY29sOiBQcm90b2NvbEVycm9yLFxuICBJbnRlcm5hbDogSW50ZXJuYWxFcnJvcixcbn0gYXMgY29uc3Q7XG5cbmV4cG9ydCB0eXBlIEVycm9yQ29kZSA9IGtleW9mIHR5cGVvZiBFUlJPUl9DTEFTU0VTO1xuXG5leHBvcnQgZnVuY3Rpb24gaXNFcnJvckNvZGUoY29kZTogc3RyaW5nKTogY29kZSBpcyBFcnJvckNvZGUge1xuICByZXR1cm4gT2JqZWN0Lmhhc093bihFUlJPUl9DTEFTU0VTLCBjb2RlKTtcbn1cblxuLyoqIEdpdmVzIGFueXRoaW5nIHRoYXQgd2FzIHRocm93biBhIHBsYWNlIGluIHRoZSB0cmVlLiAqL1xuZXhwb3J0IGZ1bmN0aW9uIGFzRW5naW5lRXJyb3IodGhyb3duOiB1bmtub3duKTogTUxDRW5naW5lRXJyb3Ige1xuICBpZiAodGhyb3duIGluc3RhbmNlb2YgTUxDRW5naW5lRXJyb3IpIHJldHVybiB0aHJvd247XG4gIGlmICh0aHJvd24gaW5zdGFuY2VvZiBFcnJvciAmJiB0aHJvd24ubmFtZSA9PT0gXCJBYm9ydEVycm9yXCIpIHJldHVybiBuZXcgQWJvcnRFcnJvcih0aHJvd24ubWVzc2FnZSk7XG4gIHJldHVybiBuZXcgSW50ZXJuYWxFcnJvcih0aHJvd24gaW5zdGFuY2VvZiBFcnJvciA/IGAke3Rocm93bi5uYW1lfTogJHt0aHJvd24ubWVzc2FnZX1gIDogU3RyaW5nKHRocm93biksIHt9LCB0aHJvd24pO1xufVxuXG5leHBvcnQgZnVuY3Rpb24gdG9XaXJlKHRocm93bjogdW5rbm93bik6IFdpcmVFcnJvciB7XG4gIGNvbnN0IHsgY29kZSwgbWVzc2FnZSwgZGV0YWlscyB9ID0gYXNFbmdpbmVFcnJvcih0aHJvd24pO1xuICByZXR1cm4geyBjb2RlLCBtZXNzYWdlLCBkZXRhaWxzIH07XG59XG5cbmV4cG9ydCBmdW5jdGlvbiBmcm9tV2lyZShlcnJvcjogV2lyZUVycm9yKTogTUxDRW5naW5lRXJyb3Ige1xuICByZXR1cm4gbmV3IEVSUk9SX0NMQVNTRVNbZXJyb3IuY29kZV0oZXJyb3IubWVzc2FnZSwgZXJyb3IuZGV0YWlscyk7XG59XG4iLCAiLyoqIEJ1aWxkcyB0aGUgYW5zd2VycyBvZiBhIGNoYXQgY29tcGxldGlvbiBpbiBPcGVuQUkncyBzaGFwZXMuICovXG5cbmltcG9ydCB0eXBlIHsgQ2hhdENvbXBsZXRpb24sIENoYXRDb21wbGV0aW9uQ2h1bmssIENoYXRDb21wbGV0aW9uRmluaXNoUmVhc29uLCBDb21wbGV0aW9uVXNhZ2UgfSBmcm9tIFwiLi90eXBlcy50c1wiO1xuXG4vKiogV2hhdCB3YXMgbWVhc3VyZWQgd2hpbGUgb25lIGFuc3dlciB3YXMgbWFkZTsgdGltZXMgaW4gbWlsbGlzZWNvbmRzIG9mIGBwZXJmb3JtYW5jZS5ub3coKWAuICovXG5leHBvcnQgaW50ZXJmYWNlIFRpbWluZ3Mge1xuICByZWFkb25seSByZXF1ZXN0ZWQ6IG51bWJlcjtcbiAgcmVhZG9ubHkgcHJlZmlsbFN0YXJ0ZWQ6IG51bWJlcjtcbiAgcmVhZG9ubHkgZmlyc3RUb2tlbjogbnVtYmVyO1xuICByZWFkb25seSBmaW5pc2hlZDogbnVtYmVyO1xufVxuXG5leHBvcnQgaW50ZXJmYWNlIFRva2VuQ291bnRzIHtcbiAgcmVhZG9ubHkgcHJvbXB0OiBudW1iZXI7XG4gIC8qKiBPZiB0aGUgcHJvbXB0LCBhbHJlYWR5IGluIHRoZSBLViBjYWNoZS4gKi9cbiAgcmVhZG9ubHkgY2FjaGVkOiBudW1iZXI7XG4gIHJlYWRvbmx5IGNvbXBsZXRpb246IG51bWJlcjtcbn1cblxuZnVuY3Rpb24gcGVyU2Vjb25kKGNvdW50OiBudW1iZXIsIG1pbGxpc2Vjb25kczogbnVtYmVyKTogbnVtYmVyIHtcbiAgcmV0dXJuIG1pbGxpc2Vjb25kcyA+IDAgPyAoY291bnQgKiAxMDAwKSAvIG1pbGxpc2Vjb25kcyA6IDA7XG59XG5cbmV4cG9ydCBmdW5jdGlvbiB1c2FnZSh0b2tlbnM6IFRva2VuQ291bnRzLCB0aW1lczogVGltaW5ncyk6IENvbXBsZXRpb25Vc2FnZSB7XG4gIGNvbnN0IGRlY29kZWQgPSBNYXRoLm1heCgwLCB0b2tlbnMuY29tcGxldGlvbiAtIDEpOyAvLyB0aGUgZmlyc3QgdG9rZW4gY29tZXMgZnJvbSB0aGUgcHJlZmlsbFxuICBjb25zdCBkZWNvZGVUaW1lID0gdGltZXMuZmluaXNoZWQgLSB0aW1lcy5maXJzdFRva2VuO1xuICByZXR1cm4ge1xuICAgIHByb21wdF90b2tlbnM6IHRva2Vucy5wcm9tcHQsXG4gICAgY29tcGxldGlvbl90b2tlbnM6IHRva2Vucy5jb21wbGV0aW9uLFxuICAgIHRvdGFsX3Rva2VuczogdG9rZW5zLnByb21wdCArIHRva2Vucy5jb21wbGV0aW9uLFxuICAgIHByb21wdF90b2tlbnNfZGV0YWlsczogeyBjYWNoZWRfdG9rZW5zOiB0b2tlbnMuY2FjaGVkIH0sXG4gICAgZXh0cmE6IHtcbiAgICAgIGUyZV9sYXRlbmN5X3M6ICh0aW1lcy5maW5pc2hlZCAtIHRpbWVzLnJlcXVlc3RlZCkgLyAxMDAwLFxuICAgICAgcHJlZmlsbF90b2tlbnNfcGVyX3M6IHBlclNlY29uZCh0b2tlbnMucHJvbXB0IC0gdG9rZW5zLmNhY2hlZCwgdGltZXMuZmlyc3RUb2tlbiAtIHRpbWVzLnByZWZpbGxTdGFydGVkKSxcbiAgICAgIGRlY29kZV90b2tlbnNfcGVyX3M6IHBlclNlY29uZChkZWNvZGVkLCBkZWNvZGVUaW1lKSxcbiAgICAgIHRpbWVfdG9fZmlyc3RfdG9rZW5fczogKHRpbWVzLmZpcnN0VG9rZW4gLSB0aW1lcy5yZXF1ZXN0ZWQpIC8gMTAwMCxcbiAgICAgIHRpbWVfcGVyX291dHB1dF90b2tlbl9zOiBkZWNvZGVkID4gMCA/IGRlY29kZVRpbWUgLyBkZWNvZGVkIC8gMTAwMCA6IDAsXG4gICAgfSxcbiAgfTtcbn1cblxuLyoqIFRoZSBmaWVsZHMgdGhhdCBhbGwgY2h1bmtzIG9mIG9uZSBhbnN3ZXIgc2hhcmUuICovXG5leHBvcnQgY2xhc3MgUmVzcG9uc2VTaGFwZSB7XG4gIHJlYWRvbmx5IGlkID0gYGNoYXRjbXBsLSR7Y3J5cHRvLnJhbmRvbVVVSUQoKX1gO1xuICByZWFkb25seSBjcmVhdGVkID0gTWF0aC5mbG9vcihEYXRlLm5vdygpIC8gMTAwMCk7XG5cbiAgY29uc3RydWN0b3IocmVhZG9ubHkgbW9kZWw6IHN0cmluZykge31cblxuICBjb21wbGV0aW9uKGNvbnRlbnQ6IHN0cmluZywgZmluaXNoUmVhc29uOiBDaGF0Q29tcGxldGlvbkZpbmlzaFJlYXNvbiwgdG9rZW5zVXNlZDogQ29tcGxldGlvblVzYWdlKTogQ2hhdENvbXBsZXRpb24ge1xuICAgIHJldHVybiB7XG4gICAgICBpZDogdGhpcy5pZCxcbiAgICAgIG9iamVjdDogXCJjaGF0LmNvbXBsZXRpb25cIixcbiAgICAgIGNyZWF0ZWQ6IHRoaXMuY3JlYXRlZCxcbiAgICAgIG1vZGVsOiB0aGlzLm1vZGVsLFxuICAgICAgY2hvaWNlczogW3sgaW5kZXg6IDAsIG1lc3NhZ2U6IHsgcm9sZTogXCJhc3Npc3RhbnRcIiwgY29udGVudCB9LCBmaW5pc2hfcmVhc29uOiBmaW5pc2hSZWFzb24sIGxvZ3Byb2JzOiBudWxsIH1dLFxuICAgICAgdXNhZ2U6IHRva2Vuc1VzZWQsXG4gICAgfTtcbiAgfVxuXG4gIHByaXZhdGUgY2h1bmsoZmllbGRzOiBQaWNrPENoYXRDb21wbGV0aW9uQ2h1bmssIFwiY2hvaWNlc1wiIHwgXCJ1c2FnZVwiPik6IENoYXRDb21wbGV0aW9uQ2h1bmsge1xuICAgIHJldHVybiB7IGlkOiB0aGlzLmlkLCBvYmplY3Q6IFwiY2hhdC5jb21wbGV0aW9uLmNodW5rXCIsIGNyZWF0ZWQ6IHRoaXMuY3JlYXRlZCwgbW9kZWw6IHRoaXMubW9kZWwsIC4uLmZpZWxkcyB9O1xuICB9XG5cbiAgcm9sZUNodW5rKCk6IENoYXRDb21wbGV0aW9uQ2h1bmsge1xuICAgIHJldHVybiB0aGlzLmNodW5rKHsgY2hvaWNlczogW3sgaW5kZXg6IDAsIGRlbHRhOiB7IHJvbGU6IFwiYXNzaXN0YW50XCIsIGNvbnRlbnQ6IFwiXCIgfSwgZmluaXNoX3JlYXNvbjogbnVsbCwgbG9ncHJvYnM6IG51bGwgfV0gfSk7XG4gIH1cblxuICB0ZXh0Q2h1bmsoY29udGVudDogc3RyaW5nKTogQ2hhdENvbXBsZXRpb25DaHVuayB7XG4gICAgcmV0dXJuIHRoaXMuY2h1bmsoeyBjaG9pY2VzOiBbeyBpbmRleDogMCwgZGVsdGE6IHsgY29udGVudCB9LCBmaW5pc2hfcmVhc29uOiBudWxsLCBsb2dwcm9iczogbnVsbCB9XSB9KTtcbiAgfVxuXG4gIGZpbmlzaENodW5rKGZpbmlzaFJlYXNvbjogQ2hhdENvbXBsZXRpb25GaW5pc2hSZWFzb24pOiBDaGF0Q29tcGxldGlvbkNodW5rIHtcbiAgICByZXR1cm4gdGhpcy5jaHVuayh7IGNob2ljZXM6IFt7IGluZGV4OiAwLCBkZWx0YToge30sIGZpbmlzaF9yZWFzb246IGZpbmlzaFJlYXNvbiwgbG9ncHJvYnM6IG51bGwgfV0gfSk7XG4gIH1cblxuICB1c2FnZUNodW5rKHRva2Vuc1VzZWQ6IENvbXBsZXRpb25Vc2FnZSk6IENoYXRDb21wbGV0aW9uQ2h1bmsge1xuICAgIHJldHVybiB0aGlzLmNodW5rKHsgY2hvaWNlczogW10sIHVzYWdlOiB0b2tlbnNVc2VkIH0pO1xuICB9XG59XG4iLCAiLyoqXG4gKiBSZWFkcyB1bnRydXN0ZWQsIEpTT04tbGlrZSB2YWx1ZXMgKG1lc3NhZ2VzLCBtYW5pZmVzdHMsIHBsYW5zLCByZXF1ZXN0cykuIEVhY2ggY2FsbCBjaGVja3Mgb25lIGZpZWxkIGFnYWluc3QgYVxuICogdHlwZSBhbmQgYSBib3VuZDsgd2hhdCBmYWlscyBpcyByZXBvcnRlZCB3aXRoIGl0cyBwYXRoIGJ5IHRoZSBlcnJvciB0aGF0IHRoZSBjYWxsZXIgY2hvc2UuXG4gKi9cblxuZXhwb3J0IHR5cGUgRmFpbCA9IChtZXNzYWdlOiBzdHJpbmcpID0+IEVycm9yO1xuXG5leHBvcnQgZnVuY3Rpb24gaXNSZWNvcmQodmFsdWU6IHVua25vd24pOiB2YWx1ZSBpcyBSZWNvcmQ8c3RyaW5nLCB1bmtub3duPiB7XG4gIHJldHVybiB0eXBlb2YgdmFsdWUgPT09IFwib2JqZWN0XCIgJiYgdmFsdWUgIT09IG51bGwgJiYgIUFycmF5LmlzQXJyYXkodmFsdWUpICYmICFBcnJheUJ1ZmZlci5pc1ZpZXcodmFsdWUpO1xufVxuXG5mdW5jdGlvbiBkZXNjcmliZSh2YWx1ZTogdW5rbm93bik6IHN0cmluZyB7XG4gIGlmICh2YWx1ZSA9PT0gbnVsbCkgcmV0dXJuIFwibnVsbFwiO1xuICBpZiAoQXJyYXkuaXNBcnJheSh2YWx1ZSkpIHJldHVybiBcImFuIGFycmF5XCI7XG4gIGlmICh0eXBlb2YgdmFsdWUgPT09IFwic3RyaW5nXCIpIHJldHVybiB2YWx1ZS5sZW5ndGggPiA0MCA/IGBhIHN0cmluZyBvZiAke3ZhbHVlLmxlbmd0aH0gY2hhcmFjdGVyc2AgOiBKU09OLnN0cmluZ2lmeSh2YWx1ZSk7XG4gIHJldHVybiB0eXBlb2YgdmFsdWUgPT09IFwibnVtYmVyXCIgfHwgdHlwZW9mIHZhbHVlID09PSBcImJvb2xlYW5cIiA/IFN0cmluZyh2YWx1ZSkgOiBgYSB2YWx1ZSBvZiB0eXBlICR7dHlwZW9mIHZhbHVlfWA7XG59XG5cbmV4cG9ydCBjbGFzcyBGaWVsZHMge1xuICByZWFkb25seSAjdmFsdWVzOiBSZWNvcmQ8c3RyaW5nLCB1bmtub3duPjtcblxuICBjb25zdHJ1Y3Rvcih2YWx1ZTogdW5rbm93biwgcmVhZG9ubHkgcGF0aDogc3RyaW5nLCByZWFkb25seSBmYWlsOiBGYWlsKSB7XG4gICAgaWYgKCFpc1JlY29yZCh2YWx1ZSkpIHRocm93IGZhaWwoYCR7cGF0aH0gbXVzdCBiZSBhbiBvYmplY3QsIG5vdCAke2Rlc2NyaWJlKHZhbHVlKX1gKTtcbiAgICB0aGlzLiN2YWx1ZXMgPSB2YWx1ZTtcbiAgfVxuXG4gIGF0KGtleTogc3RyaW5nKTogc3RyaW5nIHtcbiAgICByZXR1cm4gdGhpcy5wYXRoID09PSBcIlwiID8ga2V5IDogYCR7dGhpcy5wYXRofS4ke2tleX1gO1xuICB9XG5cbiAgaGFzKGtleTogc3RyaW5nKTogYm9vbGVhbiB7XG4gICAgcmV0dXJuIE9iamVjdC5oYXNPd24odGhpcy4jdmFsdWVzLCBrZXkpICYmIHRoaXMuI3ZhbHVlc1trZXldICE9PSB1bmRlZmluZWQgJiYgdGhpcy4jdmFsdWVzW2tleV0gIT09IG51bGw7XG4gIH1cblxuICByYXcoa2V5OiBzdHJpbmcpOiB1bmtub3duIHtcbiAgICByZXR1cm4gT2JqZWN0Lmhhc093bih0aGlzLiN2YWx1ZXMsIGtleSkgPyB0aGlzLiN2YWx1ZXNba2V5XSA6IHVuZGVmaW5lZDtcbiAgfVxuXG4gIGtleXMoKTogc3RyaW5nW10ge1xuICAgIHJldHVybiBPYmplY3Qua2V5cyh0aGlzLiN2YWx1ZXMpO1xuICB9XG5cbiAgd3Jvbmcoa2V5OiBzdHJpbmcsIGV4cGVjdGVkOiBzdHJpbmcpOiBFcnJvciB7XG4gICAgcmV0dXJuIHRoaXMuZmFpbChgJHt0aGlzLmF0KGtleSl9IG11c3QgYmUgJHtleHBlY3RlZH0sIG5vdCAke2Rlc2NyaWJlKHRoaXMucmF3KGtleSkpfWApO1xuICB9XG5cbiAgc3RyaW5nKGtleTogc3RyaW5nLCBtYXhMZW5ndGg6IG51bWJlcik6IHN0cmluZyB7XG4gICAgY29uc3QgdmFsdWUgPSB0aGlzLnJhdyhrZXkpO1xuICAgIGlmICh0eXBlb2YgdmFsdWUgIT09IFwic3RyaW5nXCIpIHRocm93IHRoaXMud3Jvbmcoa2V5LCBcImEgc3RyaW5nXCIpO1xuICAgIGlmICh2YWx1ZS5sZW5ndGggPiBtYXhMZW5ndGgpIHRocm93IHRoaXMud3Jvbmcoa2V5LCBgYXQgbW9zdCAke21heExlbmd0aH0gY2hhcmFjdGVycyBsb25nYCk7XG4gICAgcmV0dXJuIHZhbHVlO1xuICB9XG5cbiAgYm9vbGVhbihrZXk6IHN0cmluZyk6IGJvb2xlYW4ge1xuICAgIGNvbnN0IHZhbHVlID0gdGhpcy5yYXcoa2V5KTtcbiAgICBpZiAodHlwZW9mIHZhbHVlICE9PSBcImJvb2xlYW5cIikgdGhyb3cgdGhpcy53cm9uZyhrZXksIFwidHJ1ZSBvciBmYWxzZVwiKTtcbiAgICByZXR1cm4gdmFsdWU7XG4gIH1cblxuICBudW1iZXIoa2V5OiBzdHJpbmcsIG1pbjogbnVtYmVyLCBtYXg6IG51bWJlcik6IG51bWJlciB7XG4gICAgY29uc3QgdmFsdWUgPSB0aGlzLnJhdyhrZXkpO1xuICAgIGlmICh0eXBlb2YgdmFsdWUgIT09IFwibnVtYmVyXCIgfHwgISh2YWx1ZSA+PSBtaW4gJiYgdmFsdWUgPD0gbWF4KSkgdGhyb3cgdGhpcy53cm9uZyhrZXksIGBhIG51bWJlciBmcm9tICR7bWlufSB0byAke21heH1gKTtcbiAgICByZXR1cm4gdmFsdWU7XG4gIH1cblxuICBpbnRlZ2VyKGtleTogc3RyaW5nLCBtaW46IG51bWJlciwgbWF4OiBudW1iZXIpOiBudW1iZXIge1xuICAgIGNvbnN0IHZhbHVlID0gdGhpcy5yYXcoa2V5KTtcbiAgICBpZiAodHlwZW9mIHZhbHVlICE9PSBcIm51bWJlclwiIHx8ICFOdW1iZXIuaXNJbnRlZ2VyKHZhbHVlKSB8fCB2YWx1ZSA8IG1pbiB8fCB2YWx1ZSA+IG1heCkge1xuICAgICAgdGhyb3cgdGhpcy53cm9uZyhrZXksIGBhbiBpbnRlZ2VyIGZyb20gJHttaW59IHRvICR7bWF4fWApO1xuICAgIH1cbiAgICByZXR1cm4gdmFsdWU7XG4gIH1cblxuICBvbmVPZjxjb25zdCBUIGV4dGVuZHMgc3RyaW5nIHwgbnVtYmVyPihrZXk6IHN0cmluZywgY2hvaWNlczogcmVhZG9ubHkgVFtdKTogVCB7XG4gICAgY29uc3QgdmFsdWUgPSB0aGlzLnJhdyhrZXkpO1xuICAgIGNvbnN0IGZvdW5kID0gY2hvaWNlcy5maW5kKChjaG9pY2UpID0+IGNob2ljZSA9PT0gdmFsdWUpO1xuICAgIGlmIChmb3VuZCA9PT0gdW5kZWZpbmVkKSB0aHJvdyB0aGlzLndyb25nKGtleSwgY2hvaWNlcy5tYXAoKGNob2ljZSkgPT4gSlNPTi5zdHJpbmdpZnkoY2hvaWNlKSkuam9pbihcIiBvciBcIikpO1xuICAgIHJldHVybiBmb3VuZDtcbiAgfVxuXG4gIG9iamVjdChrZXk6IHN0cmluZyk6IEZpZWxkcyB7XG4gICAgcmV0dXJuIG5ldyBGaWVsZHModGhpcy5yYXcoa2V5KSwgdGhpcy5hdChrZXkpLCB0aGlzLmZhaWwpO1xuICB9XG5cbiAgYXJyYXk8VD4oa2V5OiBzdHJpbmcsIG1heExlbmd0aDogbnVtYmVyLCByZWFkOiAodmFsdWU6IHVua25vd24sIHBhdGg6IHN0cmluZykgPT4gVCk6IFRbXSB7XG4gICAgY29uc3QgdmFsdWUgPSB0aGlzLnJhdyhrZXkpO1xuICAgIGlmICghQXJyYXkuaXNBcnJheSh2YWx1ZSkpIHRocm93IHRoaXMud3Jvbmcoa2V5LCBcImFuIGFycmF5XCIpO1xuICAgIGlmICh2YWx1ZS5sZW5ndGggPiBtYXhMZW5ndGgpIHRocm93IHRoaXMuZmFpbChgJHt0aGlzLmF0KGtleSl9IGhhcyAke3ZhbHVlLmxlbmd0aH0gZW50cmllczsgYXQgbW9zdCAke21heExlbmd0aH0gYXJlIGFsbG93ZWRgKTtcbiAgICByZXR1cm4gdmFsdWUubWFwKChpdGVtOiB1bmtub3duLCBpKSA9PiByZWFkKGl0ZW0sIGAke3RoaXMuYXQoa2V5KX1bJHtpfV1gKSk7XG4gIH1cblxuICBvYmplY3RzPFQ+KGtleTogc3RyaW5nLCBtYXhMZW5ndGg6IG51bWJlciwgcmVhZDogKGl0ZW06IEZpZWxkcykgPT4gVCk6IFRbXSB7XG4gICAgcmV0dXJuIHRoaXMuYXJyYXkoa2V5LCBtYXhMZW5ndGgsICh2YWx1ZSwgcGF0aCkgPT4gcmVhZChuZXcgRmllbGRzKHZhbHVlLCBwYXRoLCB0aGlzLmZhaWwpKSk7XG4gIH1cblxuICBpbnRlZ2VycyhrZXk6IHN0cmluZywgbWF4TGVuZ3RoOiBudW1iZXIsIG1pbjogbnVtYmVyLCBtYXg6IG51bWJlcik6IG51bWJlcltdIHtcbiAgICByZXR1cm4gdGhpcy5hcnJheShrZXksIG1heExlbmd0aCwgKHZhbHVlLCBwYXRoKSA9PiB7XG4gICAgICBpZiAodHlwZW9mIHZhbHVlICE9PSBcIm51bWJlclwiIHx8ICFOdW1iZXIuaXNJbnRlZ2VyKHZhbHVlKSB8fCB2YWx1ZSA8IG1pbiB8fCB2YWx1ZSA+IG1heCkge1xuICAgICAgICB0aHJvdyB0aGlzLmZhaWwoYCR7cGF0aH0gbXVzdCBiZSBhbiBpbnRlZ2VyIGZyb20gJHttaW59IHRvICR7bWF4fSwgbm90ICR7ZGVzY3JpYmUodmFsdWUpfWApO1xuICAgICAgfVxuICAgICAgcmV0dXJuIHZhbHVlO1xuICAgIH0pO1xuICB9XG5cbiAgLyoqIEEgZmllbGQgdGhhdCBtYXkgYmUgYWJzZW50IG9yIG51bGw6IHVuZGVmaW5lZCB0aGVuLiAqL1xuICBvcHRpb25hbDxUPihrZXk6IHN0cmluZywgcmVhZDogKGtleTogc3RyaW5nKSA9PiBUKTogVCB8IHVuZGVmaW5lZCB7XG4gICAgcmV0dXJuIHRoaXMuaGFzKGtleSkgPyByZWFkKGtleSkgOiB1bmRlZmluZWQ7XG4gIH1cblxuICAvKiogTmFtZXMgdGhlIGZpcnN0IGtleSB0aGF0IGlzIG5vdCBrbm93bjogd2hhdCB3b3VsZCBiZSBpZ25vcmVkIGlzIGFuIGVycm9yIGluc3RlYWQuICovXG4gIG9ubHlLZXlzKGtub3duOiByZWFkb25seSBzdHJpbmdbXSk6IHZvaWQge1xuICAgIGNvbnN0IHVua25vd24gPSB0aGlzLmtleXMoKS5maW5kKChrZXkpID0+ICFrbm93bi5pbmNsdWRlcyhrZXkpICYmIHRoaXMucmF3KGtleSkgIT09IHVuZGVmaW5lZCk7XG4gICAgaWYgKHVua25vd24gIT09IHVuZGVmaW5lZCkgdGhyb3cgdGhpcy5mYWlsKGAke3RoaXMuYXQodW5rbm93bil9IGlzIG5vdCBrbm93biBoZXJlOyBrbm93biBhcmUgJHtrbm93bi5qb2luKFwiLCBcIil9YCk7XG4gIH1cbn1cbiIsICIvKiogUmVhZHMgdGhlIGVuZ2luZSdzIG9wdGlvbnMgYW5kIGZpbmRzIHRoZSBtb2RlbCB0aGF0IGFuIGlkIG9yIGEgVVJMIG1lYW5zLiAqL1xuXG5pbXBvcnQgeyBNb2RlbE5vdEZvdW5kRXJyb3IsIFJlcXVlc3RWYWxpZGF0aW9uRXJyb3IgfSBmcm9tIFwiLi9lcnJvcnMudHNcIjtcbmltcG9ydCB7IEZpZWxkcyB9IGZyb20gXCIuL2ZpZWxkcy50c1wiO1xuaW1wb3J0IHR5cGUgeyBBcHBDb25maWcsIENoYXRPcHRpb25zLCBNb2RlbFJlY29yZCB9IGZyb20gXCIuL3R5cGVzLnRzXCI7XG5cbmNvbnN0IE1BWF9VUkwgPSA4MTkyO1xuY29uc3QgTUFYX01PREVMUyA9IDQwOTY7XG5jb25zdCBNQVhfRklMRVMgPSA0MDk2O1xuXG5leHBvcnQgY29uc3QgTE9HX0xFVkVMUyA9IFtcIlRSQUNFXCIsIFwiREVCVUdcIiwgXCJJTkZPXCIsIFwiV0FSTlwiLCBcIkVSUk9SXCIsIFwiU0lMRU5UXCJdIGFzIGNvbnN0O1xuXG5leHBvcnQgZnVuY3Rpb24gcGFyc2VNb2RlbFJlY29yZChyZWNvcmQ6IEZpZWxkcyk6IE1vZGVsUmVjb3JkIHtcbiAgcmVjb3JkLm9ubHlLZXlzKFtcIm1vZGVsX2lkXCIsIFwibWFuaWZlc3RcIiwgXCJtYW5pZmVzdF9zaGEyNTZcIiwgXCJmaWxlc1wiXSk7XG4gIGNvbnN0IHNoYTI1NiA9IHJlY29yZC5vcHRpb25hbChcIm1hbmlmZXN0X3NoYTI1NlwiLCAoa2V5KSA9PiByZWNvcmQuc3RyaW5nKGtleSwgNjQpKTtcbiAgaWYgKHNoYTI1NiAhPT0gdW5kZWZpbmVkICYmICEvXlswLTlhLWZdezY0fSQvLnRlc3Qoc2hhMjU2KSkgdGhyb3cgcmVjb3JkLndyb25nKFwibWFuaWZlc3Rfc2hhMjU2XCIsIFwiNjQgbG93ZXItY2FzZSBoZXggZGlnaXRzXCIpO1xuICBjb25zdCBmaWxlcyA9IHJlY29yZC5vcHRpb25hbChcImZpbGVzXCIsIChrZXkpID0+IHtcbiAgICBjb25zdCBlbnRyaWVzID0gcmVjb3JkLm9iamVjdChrZXkpO1xuICAgIGlmIChlbnRyaWVzLmtleXMoKS5sZW5ndGggPiBNQVhfRklMRVMpIHRocm93IHJlY29yZC53cm9uZyhrZXksIGBhbiBvYmplY3Qgb2YgYXQgbW9zdCAke01BWF9GSUxFU30gZW50cmllc2ApO1xuICAgIHJldHVybiBPYmplY3QuZnJvbUVudHJpZXMoZW50cmllcy5rZXlzKCkubWFwKChuYW1lKSA9PiBbbmFtZSwgZW50cmllcy5zdHJpbmcobmFtZSwgTUFYX1VSTCldKSk7XG4gIH0pO1xuICByZXR1cm4ge1xuICAgIG1vZGVsX2lkOiByZWNvcmQuc3RyaW5nKFwibW9kZWxfaWRcIiwgTUFYX1VSTCksXG4gICAgbWFuaWZlc3Q6IHJlY29yZC5zdHJpbmcoXCJtYW5pZmVzdFwiLCBNQVhfVVJMKSxcbiAgICAuLi4oc2hhMjU2ICE9PSB1bmRlZmluZWQgJiYgeyBtYW5pZmVzdF9zaGEyNTY6IHNoYTI1NiB9KSxcbiAgICAuLi4oZmlsZXMgIT09IHVuZGVmaW5lZCAmJiB7IGZpbGVzIH0pLFxuICB9O1xufVxuXG5leHBvcnQgZnVuY3Rpb24gcGFyc2VBcHBDb25maWcodmFsdWU6IHVua25vd24pOiBBcHBDb25maWcge1xuICBjb25zdCBjb25maWcgPSBuZXcgRmllbGRzKHZhbHVlLCBcImFwcENvbmZpZ1wiLCAobWVzc2FnZSkgPT4gbmV3IFJlcXVlc3RWYWxpZGF0aW9uRXJyb3IoYEludmFsaWQgY29uZmlndXJhdGlvbjogJHttZXNzYWdlfS5gKSk7XG4gIGNvbmZpZy5vbmx5S2V5cyhbXCJtb2RlbF9saXN0XCJdKTtcbiAgcmV0dXJuIHsgbW9kZWxfbGlzdDogY29uZmlnLm9iamVjdHMoXCJtb2RlbF9saXN0XCIsIE1BWF9NT0RFTFMsIHBhcnNlTW9kZWxSZWNvcmQpIH07XG59XG5cbmV4cG9ydCBmdW5jdGlvbiBwYXJzZUNoYXRPcHRpb25zKG9wdGlvbnM6IEZpZWxkcyk6IENoYXRPcHRpb25zIHtcbiAgb3B0aW9ucy5vbmx5S2V5cyhbXCJjb250ZXh0X3dpbmRvd19zaXplXCJdKTtcbiAgY29uc3Qgc2l6ZSA9IG9wdGlvbnMub3B0aW9uYWwoXCJjb250ZXh0X3dpbmRvd19zaXplXCIsIChrZXkpID0+IG9wdGlvbnMuaW50ZWdlcihrZXksIDEsIDEgPDwgMjQpKTtcbiAgcmV0dXJuIHNpemUgPT09IHVuZGVmaW5lZCA/IHt9IDogeyBjb250ZXh0X3dpbmRvd19zaXplOiBzaXplIH07XG59XG5cbi8qKiBUaGUgYWRkcmVzcyB0aGF0IHJlbGF0aXZlIFVSTHMgYXJlIHJlc29sdmVkIGFnYWluc3Q6IHRoZSBwYWdlJ3MsIG9yIHRoZSB3b3JrZXIncyBvd24gc2NyaXB0LiAqL1xuZnVuY3Rpb24gYmFzZVVybCgpOiBzdHJpbmcge1xuICByZXR1cm4gdHlwZW9mIGRvY3VtZW50ID09PSBcInVuZGVmaW5lZFwiID8gZ2xvYmFsVGhpcy5sb2NhdGlvbi5ocmVmIDogZG9jdW1lbnQuYmFzZVVSSTtcbn1cblxuZnVuY3Rpb24gYWJzb2x1dGUodXJsOiBzdHJpbmcsIHdoYXQ6IHN0cmluZyk6IHN0cmluZyB7XG4gIGxldCByZXNvbHZlZDogVVJMIHwgbnVsbCA9IG51bGw7XG4gIHRyeSB7XG4gICAgcmVzb2x2ZWQgPSBuZXcgVVJMKHVybCwgYmFzZVVybCgpKTtcbiAgfSBjYXRjaCB7XG4gICAgLy8gcmVwb3J0ZWQgYmVsb3dcbiAgfVxuICBpZiAocmVzb2x2ZWQgPT09IG51bGwgfHwgIS9eKGh0dHBzP3xbYS16LV0rLWV4dGVuc2lvbik6JC8udGVzdChyZXNvbHZlZC5wcm90b2NvbCkpIHtcbiAgICB0aHJvdyBuZXcgTW9kZWxOb3RGb3VuZEVycm9yKGAke3doYXR9IGlzIG5vdCBhIFVSTCB0aGF0IGNhbiBiZSBmZXRjaGVkOiAke3VybH1gLCB7IHVybCB9KTtcbiAgfVxuICByZXR1cm4gcmVzb2x2ZWQuaHJlZjtcbn1cblxuLyoqIFRoZSByZWNvcmQgb2YgYSBtb2RlbCwgd2l0aCBhYnNvbHV0ZSBVUkxzLiBgbW9kZWxJZGAgaXMgYW4gaWQgb2YgdGhlIGxpc3Qgb3IgdGhlIFVSTCBvZiBhIG1hbmlmZXN0LiAqL1xuZXhwb3J0IGZ1bmN0aW9uIHJlc29sdmVNb2RlbChtb2RlbElkOiBzdHJpbmcsIGFwcENvbmZpZzogQXBwQ29uZmlnIHwgdW5kZWZpbmVkKTogTW9kZWxSZWNvcmQge1xuICBjb25zdCBsaXN0ID0gYXBwQ29uZmlnPy5tb2RlbF9saXN0ID8/IFtdO1xuICBjb25zdCByZWNvcmQgPSBsaXN0LmZpbmQoKGNhbmRpZGF0ZSkgPT4gY2FuZGlkYXRlLm1vZGVsX2lkID09PSBtb2RlbElkKVxuICAgID8/ICgvWy9dfFsuXWpzb24kLy50ZXN0KG1vZGVsSWQpID8geyBtb2RlbF9pZDogbW9kZWxJZCwgbWFuaWZlc3Q6IG1vZGVsSWQgfSA6IHVuZGVmaW5lZCk7XG4gIGlmIChyZWNvcmQgPT09IHVuZGVmaW5lZCkge1xuICAgIGNvbnN0IGtub3duID0gbGlzdC5sZW5ndGggPT09IDAgPyBcImFwcENvbmZpZy5tb2RlbF9saXN0IGlzIGVtcHR5XCIgOiBga25vd24gaWRzOiAke2xpc3QubWFwKChpdGVtKSA9PiBpdGVtLm1vZGVsX2lkKS5qb2luKFwiLCBcIil9YDtcbiAgICB0aHJvdyBuZXcgTW9kZWxOb3RGb3VuZEVycm9yKGBObyBtb2RlbCBpcyBjYWxsZWQgXCIke21vZGVsSWR9XCIgKCR7a25vd259KS4gR2l2ZSBhbiBpZCBvZiB0aGUgbGlzdCBvciBhIG1hbmlmZXN0J3MgVVJMLmAsIHsgbW9kZWxJZCB9KTtcbiAgfVxuICBjb25zdCBmaWxlcyA9IHJlY29yZC5maWxlcyA9PT0gdW5kZWZpbmVkID8gdW5kZWZpbmVkXG4gICAgOiBPYmplY3QuZnJvbUVudHJpZXMoT2JqZWN0LmVudHJpZXMocmVjb3JkLmZpbGVzKS5tYXAoKFtuYW1lLCB1cmxdKSA9PiBbbmFtZSwgYWJzb2x1dGUodXJsLCBgVGhlIFVSTCBvZiAke25hbWV9YCldKSk7XG4gIHJldHVybiB7IC4uLnJlY29yZCwgbWFuaWZlc3Q6IGFic29sdXRlKHJlY29yZC5tYW5pZmVzdCwgXCJUaGUgbWFuaWZlc3QncyBhZGRyZXNzXCIpLCAuLi4oZmlsZXMgIT09IHVuZGVmaW5lZCAmJiB7IGZpbGVzIH0pIH07XG59XG4iLCAiLyoqIFJlYWRzIHRoZSBhbnN3ZXJzIHRoYXQgY29tZSBmcm9tIGEgd29ya2VyOyB3aGF0IGhhcyBhbm90aGVyIHNoYXBlIGlzIGFuIGVycm9yIG9mIHRoZSByZWFkZXIncyBjaG9pY2UuICovXG5cbmltcG9ydCB0eXBlIHsgRmllbGRzIH0gZnJvbSBcIi4uL2ZpZWxkcy50c1wiO1xuaW1wb3J0IHR5cGUgeyBDaGF0Q29tcGxldGlvbiwgQ2hhdENvbXBsZXRpb25DaHVuaywgQ29tcGxldGlvblVzYWdlIH0gZnJvbSBcIi4vdHlwZXMudHNcIjtcblxuY29uc3QgTUFYX1RFWFQgPSAxIDw8IDI2O1xuY29uc3QgTUFYX05BTUUgPSAxMDI0O1xuY29uc3QgRklOSVNIX1JFQVNPTlMgPSBbXCJzdG9wXCIsIFwibGVuZ3RoXCIsIFwiYWJvcnRcIl0gYXMgY29uc3Q7XG5cbmZ1bmN0aW9uIHBhcnNlVXNhZ2UodXNhZ2U6IEZpZWxkcyk6IENvbXBsZXRpb25Vc2FnZSB7XG4gIGNvbnN0IGNvdW50ID0gKGtleTogc3RyaW5nKTogbnVtYmVyID0+IHVzYWdlLmludGVnZXIoa2V5LCAwLCBOdW1iZXIuTUFYX1NBRkVfSU5URUdFUik7XG4gIGNvbnN0IGRldGFpbHMgPSB1c2FnZS5vYmplY3QoXCJwcm9tcHRfdG9rZW5zX2RldGFpbHNcIik7XG4gIGNvbnN0IGV4dHJhID0gdXNhZ2Uub2JqZWN0KFwiZXh0cmFcIik7XG4gIGNvbnN0IG1lYXN1cmUgPSAoa2V5OiBzdHJpbmcpOiBudW1iZXIgPT4gZXh0cmEubnVtYmVyKGtleSwgMCwgTnVtYmVyLk1BWF9WQUxVRSk7XG4gIHJldHVybiB7XG4gICAgcHJvbXB0X3Rva2VuczogY291bnQoXCJwcm9tcHRfdG9rZW5zXCIpLFxuICAgIGNvbXBsZXRpb25fdG9rZW5zOiBjb3VudChcImNvbXBsZXRpb25fdG9rZW5zXCIpLFxuICAgIHRvdGFsX3Rva2VuczogY291bnQoXCJ0b3RhbF90b2tlbnNcIiksXG4gICAgcHJvbXB0X3Rva2Vuc19kZXRhaWxzOiB7IGNhY2hlZF90b2tlbnM6IGRldGFpbHMuaW50ZWdlcihcImNhY2hlZF90b2tlbnNcIiwgMCwgTnVtYmVyLk1BWF9TQUZFX0lOVEVHRVIpIH0sXG4gICAgZXh0cmE6IHtcbiAgICAgIGUyZV9sYXRlbmN5X3M6IG1lYXN1cmUoXCJlMmVfbGF0ZW5jeV9zXCIpLFxuICAgICAgcHJlZmlsbF90b2tlbnNfcGVyX3M6IG1lYXN1cmUoXCJwcmVmaWxsX3Rva2Vuc19wZXJfc1wiKSxcbiAgICAgIGRlY29kZV90b2tlbnNfcGVyX3M6IG1lYXN1cmUoXCJkZWNvZGVfdG9rZW5zX3Blcl9zXCIpLFxuICAgICAgdGltZV90b19maXJzdF90b2tlbl9zOiBtZWFzdXJlKFwidGltZV90b19maXJzdF90b2tlbl9zXCIpLFxuICAgICAgdGltZV9wZXJfb3V0cHV0X3Rva2VuX3M6IG1lYXN1cmUoXCJ0aW1lX3Blcl9vdXRwdXRfdG9rZW5fc1wiKSxcbiAgICB9LFxuICB9O1xufVxuXG5leHBvcnQgZnVuY3Rpb24gcGFyc2VDb21wbGV0aW9uKHZhbHVlOiBGaWVsZHMpOiBDaGF0Q29tcGxldGlvbiB7XG4gIHJldHVybiB7XG4gICAgaWQ6IHZhbHVlLnN0cmluZyhcImlkXCIsIE1BWF9OQU1FKSxcbiAgICBvYmplY3Q6IHZhbHVlLm9uZU9mKFwib2JqZWN0XCIsIFtcImNoYXQuY29tcGxldGlvblwiXSksXG4gICAgY3JlYXRlZDogdmFsdWUuaW50ZWdlcihcImNyZWF0ZWRcIiwgMCwgTnVtYmVyLk1BWF9TQUZFX0lOVEVHRVIpLFxuICAgIG1vZGVsOiB2YWx1ZS5zdHJpbmcoXCJtb2RlbFwiLCBNQVhfTkFNRSksXG4gICAgY2hvaWNlczogdmFsdWUub2JqZWN0cyhcImNob2ljZXNcIiwgMSwgKGNob2ljZSkgPT4ge1xuICAgICAgY29uc3QgbWVzc2FnZSA9IGNob2ljZS5vYmplY3QoXCJtZXNzYWdlXCIpO1xuICAgICAgcmV0dXJuIHtcbiAgICAgICAgaW5kZXg6IGNob2ljZS5vbmVPZihcImluZGV4XCIsIFswXSksXG4gICAgICAgIG1lc3NhZ2U6IHsgcm9sZTogbWVzc2FnZS5vbmVPZihcInJvbGVcIiwgW1wiYXNzaXN0YW50XCJdKSwgY29udGVudDogbWVzc2FnZS5zdHJpbmcoXCJjb250ZW50XCIsIE1BWF9URVhUKSB9LFxuICAgICAgICBmaW5pc2hfcmVhc29uOiBjaG9pY2Uub25lT2YoXCJmaW5pc2hfcmVhc29uXCIsIEZJTklTSF9SRUFTT05TKSxcbiAgICAgICAgbG9ncHJvYnM6IG51bGwsXG4gICAgICB9O1xuICAgIH0pLFxuICAgIHVzYWdlOiBwYXJzZVVzYWdlKHZhbHVlLm9iamVjdChcInVzYWdlXCIpKSxcbiAgfTtcbn1cblxuZXhwb3J0IGZ1bmN0aW9uIHBhcnNlQ2h1bmsodmFsdWU6IEZpZWxkcyk6IENoYXRDb21wbGV0aW9uQ2h1bmsge1xuICBjb25zdCB1c2FnZSA9IHZhbHVlLm9wdGlvbmFsKFwidXNhZ2VcIiwgKGtleSkgPT4gcGFyc2VVc2FnZSh2YWx1ZS5vYmplY3Qoa2V5KSkpO1xuICByZXR1cm4ge1xuICAgIGlkOiB2YWx1ZS5zdHJpbmcoXCJpZFwiLCBNQVhfTkFNRSksXG4gICAgb2JqZWN0OiB2YWx1ZS5vbmVPZihcIm9iamVjdFwiLCBbXCJjaGF0LmNvbXBsZXRpb24uY2h1bmtcIl0pLFxuICAgIGNyZWF0ZWQ6IHZhbHVlLmludGVnZXIoXCJjcmVhdGVkXCIsIDAsIE51bWJlci5NQVhfU0FGRV9JTlRFR0VSKSxcbiAgICBtb2RlbDogdmFsdWUuc3RyaW5nKFwibW9kZWxcIiwgTUFYX05BTUUpLFxuICAgIGNob2ljZXM6IHZhbHVlLm9iamVjdHMoXCJjaG9pY2VzXCIsIDEsIChjaG9pY2UpID0+IHtcbiAgICAgIGNvbnN0IGRlbHRhID0gY2hvaWNlLm9iamVjdChcImRlbHRhXCIpO1xuICAgICAgcmV0dXJuIHtcbiAgICAgICAgaW5kZXg6IGNob2ljZS5vbmVPZihcImluZGV4XCIsIFswXSksXG4gICAgICAgIGRlbHRhOiB7XG4gICAgICAgICAgLi4uKGRlbHRhLmhhcyhcInJvbGVcIikgJiYgeyByb2xlOiBkZWx0YS5vbmVPZihcInJvbGVcIiwgW1wiYXNzaXN0YW50XCJdKSB9KSxcbiAgICAgICAgICAuLi4oZGVsdGEuaGFzKFwiY29udGVudFwiKSAmJiB7IGNvbnRlbnQ6IGRlbHRhLnN0cmluZyhcImNvbnRlbnRcIiwgTUFYX1RFWFQpIH0pLFxuICAgICAgICB9LFxuICAgICAgICBmaW5pc2hfcmVhc29uOiBjaG9pY2Uub3B0aW9uYWwoXCJmaW5pc2hfcmVhc29uXCIsIChrZXkpID0+IGNob2ljZS5vbmVPZihrZXksIEZJTklTSF9SRUFTT05TKSkgPz8gbnVsbCxcbiAgICAgICAgbG9ncHJvYnM6IG51bGwsXG4gICAgICB9O1xuICAgIH0pLFxuICAgIC4uLih1c2FnZSAhPT0gdW5kZWZpbmVkICYmIHsgdXNhZ2UgfSksXG4gIH07XG59XG4iLCAiLyoqIFZhbGlkYXRpb24gb2YgYSBjaGF0IGNvbXBsZXRpb24gcmVxdWVzdDogYSB3cm9uZywgbWlzc2luZyBvciB1bnN1cHBvcnRlZCBmaWVsZCBpcyBhbiBlcnJvciB0aGF0IG5hbWVzIGl0LiAqL1xuXG5pbXBvcnQgeyBSZXF1ZXN0VmFsaWRhdGlvbkVycm9yIH0gZnJvbSBcIi4uL2Vycm9ycy50c1wiO1xuaW1wb3J0IHsgRmllbGRzIH0gZnJvbSBcIi4uL2ZpZWxkcy50c1wiO1xuaW1wb3J0IHR5cGUgeyBDaGF0Q29tcGxldGlvbk1lc3NhZ2VQYXJhbSwgQ2hhdENvbXBsZXRpb25SZXF1ZXN0LCBUZXh0UGFydCB9IGZyb20gXCIuL3R5cGVzLnRzXCI7XG5cbmNvbnN0IE1BWF9NRVNTQUdFUyA9IDQwOTY7XG5jb25zdCBNQVhfUEFSVFMgPSAyNTY7XG5jb25zdCBNQVhfQ09OVEVOVCA9IDEgPDwgMjQ7XG5jb25zdCBNQVhfVE9LRU5TID0gMSA8PCAyNDtcbmNvbnN0IE1BWF9TVE9QUyA9IDE2O1xuY29uc3QgTUFYX1NUT1BfTEVOR1RIID0gMjU2O1xuXG5jb25zdCBGSUVMRFMgPSBbXG4gIFwibWVzc2FnZXNcIiwgXCJtb2RlbFwiLCBcIm1heF90b2tlbnNcIiwgXCJtYXhfY29tcGxldGlvbl90b2tlbnNcIiwgXCJ0ZW1wZXJhdHVyZVwiLCBcInRvcF9wXCIsIFwic2VlZFwiLCBcInN0b3BcIiwgXCJuXCIsIFwic3RyZWFtXCIsIFwic3RyZWFtX29wdGlvbnNcIixcbl0gYXMgY29uc3Q7XG5jb25zdCBST0xFUyA9IFtcInN5c3RlbVwiLCBcInVzZXJcIiwgXCJhc3Npc3RhbnRcIl0gYXMgY29uc3Q7XG5cbmZ1bmN0aW9uIGZhaWwobWVzc2FnZTogc3RyaW5nKTogUmVxdWVzdFZhbGlkYXRpb25FcnJvciB7XG4gIHJldHVybiBuZXcgUmVxdWVzdFZhbGlkYXRpb25FcnJvcihgSW52YWxpZCBjaGF0IGNvbXBsZXRpb24gcmVxdWVzdDogJHttZXNzYWdlfS5gKTtcbn1cblxuZnVuY3Rpb24gcGFyc2VDb250ZW50KG1lc3NhZ2U6IEZpZWxkcyk6IHN0cmluZyB8IFRleHRQYXJ0W10ge1xuICBpZiAoIUFycmF5LmlzQXJyYXkobWVzc2FnZS5yYXcoXCJjb250ZW50XCIpKSkgcmV0dXJuIG1lc3NhZ2Uuc3RyaW5nKFwiY29udGVudFwiLCBNQVhfQ09OVEVOVCk7XG4gIHJldHVybiBtZXNzYWdlLm9iamVjdHMoXCJjb250ZW50XCIsIE1BWF9QQVJUUywgKHBhcnQpID0+IHtcbiAgICBwYXJ0Lm9ubHlLZXlzKFtcInR5cGVcIiwgXCJ0ZXh0XCJdKTtcbiAgICByZXR1cm4geyB0eXBlOiBwYXJ0Lm9uZU9mKFwidHlwZVwiLCBbXCJ0ZXh0XCJdKSwgdGV4dDogcGFydC5zdHJpbmcoXCJ0ZXh0XCIsIE1BWF9DT05URU5UKSB9O1xuICB9KTtcbn1cblxuZnVuY3Rpb24gcGFyc2VNZXNzYWdlKG1lc3NhZ2U6IEZpZWxkcyk6IENoYXRDb21wbGV0aW9uTWVzc2FnZVBhcmFtIHtcbiAgbWVzc2FnZS5vbmx5S2V5cyhbXCJyb2xlXCIsIFwiY29udGVudFwiLCBcIm5hbWVcIl0pO1xuICByZXR1cm4ge1xuICAgIHJvbGU6IG1lc3NhZ2Uub25lT2YoXCJyb2xlXCIsIFJPTEVTKSxcbiAgICBjb250ZW50OiBwYXJzZUNvbnRlbnQobWVzc2FnZSksXG4gICAgbmFtZTogbWVzc2FnZS5vcHRpb25hbChcIm5hbWVcIiwgKGtleSkgPT4gbWVzc2FnZS5zdHJpbmcoa2V5LCAyNTYpKSxcbiAgfTtcbn1cblxuZnVuY3Rpb24gcGFyc2VNZXNzYWdlcyhyZXF1ZXN0OiBGaWVsZHMpOiBDaGF0Q29tcGxldGlvbk1lc3NhZ2VQYXJhbVtdIHtcbiAgY29uc3QgbWVzc2FnZXMgPSByZXF1ZXN0Lm9iamVjdHMoXCJtZXNzYWdlc1wiLCBNQVhfTUVTU0FHRVMsIHBhcnNlTWVzc2FnZSk7XG4gIGNvbnN0IGxhc3QgPSBtZXNzYWdlcy5hdCgtMSk7XG4gIGlmIChsYXN0ID09PSB1bmRlZmluZWQpIHRocm93IGZhaWwoXCJtZXNzYWdlcyBpcyBlbXB0eTsgZ2l2ZSBhdCBsZWFzdCBvbmUgdXNlciBtZXNzYWdlXCIpO1xuICBpZiAobGFzdC5yb2xlICE9PSBcInVzZXJcIikgdGhyb3cgZmFpbChgdGhlIGxhc3QgbWVzc2FnZSBtdXN0IGhhdmUgcm9sZSBcInVzZXJcIiwgbm90IFwiJHtsYXN0LnJvbGV9XCJgKTtcbiAgY29uc3QgbWlzcGxhY2VkID0gbWVzc2FnZXMuZmluZEluZGV4KChtZXNzYWdlLCBpKSA9PiBtZXNzYWdlLnJvbGUgPT09IFwic3lzdGVtXCIgJiYgaSA+IDApO1xuICBpZiAobWlzcGxhY2VkID4gMCkgdGhyb3cgZmFpbChgbWVzc2FnZXNbJHttaXNwbGFjZWR9XSBoYXMgcm9sZSBcInN5c3RlbVwiOyBvbmx5IHRoZSBmaXJzdCBtZXNzYWdlIG1heWApO1xuICByZXR1cm4gbWVzc2FnZXM7XG59XG5cbmZ1bmN0aW9uIHBhcnNlU3RvcChyZXF1ZXN0OiBGaWVsZHMpOiBzdHJpbmcgfCBzdHJpbmdbXSB7XG4gIGlmICghQXJyYXkuaXNBcnJheShyZXF1ZXN0LnJhdyhcInN0b3BcIikpKSByZXR1cm4gcGFyc2VTdG9wU3RyaW5nKHJlcXVlc3QucmF3KFwic3RvcFwiKSwgXCJzdG9wXCIpO1xuICByZXR1cm4gcmVxdWVzdC5hcnJheShcInN0b3BcIiwgTUFYX1NUT1BTLCBwYXJzZVN0b3BTdHJpbmcpO1xufVxuXG5mdW5jdGlvbiBwYXJzZVN0b3BTdHJpbmcodmFsdWU6IHVua25vd24sIHBhdGg6IHN0cmluZyk6IHN0cmluZyB7XG4gIGlmICh0eXBlb2YgdmFsdWUgIT09IFwic3RyaW5nXCIgfHwgdmFsdWUubGVuZ3RoID09PSAwIHx8IHZhbHVlLmxlbmd0aCA+IE1BWF9TVE9QX0xFTkdUSCkge1xuICAgIHRocm93IGZhaWwoYCR7cGF0aH0gbXVzdCBiZSBhIHN0cmluZyBvZiAxIHRvICR7TUFYX1NUT1BfTEVOR1RIfSBjaGFyYWN0ZXJzYCk7XG4gIH1cbiAgcmV0dXJuIHZhbHVlO1xufVxuXG4vKiogQSBmcmVzaCByZXF1ZXN0IHRoYXQgaG9sZHMgdGhlIGtub3duIGZpZWxkcyBvZiBgdmFsdWVgIGFuZCBub3RoaW5nIGVsc2UuIFJhaXNlcyBSZXF1ZXN0VmFsaWRhdGlvbkVycm9yLiAqL1xuZXhwb3J0IGZ1bmN0aW9uIHBhcnNlQ2hhdENvbXBsZXRpb25SZXF1ZXN0KHZhbHVlOiB1bmtub3duKTogQ2hhdENvbXBsZXRpb25SZXF1ZXN0IHtcbiAgY29uc3QgcmVxdWVzdCA9IG5ldyBGaWVsZHModmFsdWUsIFwiXCIsIChtZXNzYWdlKSA9PiBmYWlsKG1lc3NhZ2UucmVwbGFjZSgvXiBtdXN0LywgXCJ0aGUgcmVxdWVzdCBtdXN0XCIpKSk7XG4gIGNvbnN0IHVuc3VwcG9ydGVkID0gcmVxdWVzdC5rZXlzKCkuZmluZCgoa2V5KSA9PiByZXF1ZXN0LmhhcyhrZXkpICYmICFGSUVMRFMuc29tZSgoZmllbGQpID0+IGZpZWxkID09PSBrZXkpKTtcbiAgaWYgKHVuc3VwcG9ydGVkICE9PSB1bmRlZmluZWQpIHRocm93IGZhaWwoYCR7dW5zdXBwb3J0ZWR9IGlzIG5vdCBzdXBwb3J0ZWQ7IHJlbW92ZSBpdCAoc3VwcG9ydGVkOiAke0ZJRUxEUy5qb2luKFwiLCBcIil9KWApO1xuICBjb25zdCBmaWVsZHMgPSB7XG4gICAgbWVzc2FnZXM6IHBhcnNlTWVzc2FnZXMocmVxdWVzdCksXG4gICAgbW9kZWw6IHJlcXVlc3Qub3B0aW9uYWwoXCJtb2RlbFwiLCAoa2V5KSA9PiByZXF1ZXN0LnN0cmluZyhrZXksIDEwMjQpKSxcbiAgICBtYXhfdG9rZW5zOiByZXF1ZXN0Lm9wdGlvbmFsKFwibWF4X3Rva2Vuc1wiLCAoa2V5KSA9PiByZXF1ZXN0LmludGVnZXIoa2V5LCAxLCBNQVhfVE9LRU5TKSksXG4gICAgbWF4X2NvbXBsZXRpb25fdG9rZW5zOiByZXF1ZXN0Lm9wdGlvbmFsKFwibWF4X2NvbXBsZXRpb25fdG9rZW5zXCIsIChrZXkpID0+IHJlcXVlc3QuaW50ZWdlcihrZXksIDEsIE1BWF9UT0tFTlMpKSxcbiAgICB0ZW1wZXJhdHVyZTogcmVxdWVzdC5vcHRpb25hbChcInRlbXBlcmF0dXJlXCIsIChrZXkpID0+IHJlcXVlc3QubnVtYmVyKGtleSwgMCwgMikpLFxuICAgIHRvcF9wOiByZXF1ZXN0Lm9wdGlvbmFsKFwidG9wX3BcIiwgKGtleSkgPT4gcmVxdWVzdC5udW1iZXIoa2V5LCAxZS02LCAxKSksXG4gICAgc2VlZDogcmVxdWVzdC5vcHRpb25hbChcInNlZWRcIiwgKGtleSkgPT4gcmVxdWVzdC5pbnRlZ2VyKGtleSwgTnVtYmVyLk1JTl9TQUZFX0lOVEVHRVIsIE51bWJlci5NQVhfU0FGRV9JTlRFR0VSKSksXG4gICAgc3RvcDogcmVxdWVzdC5vcHRpb25hbChcInN0b3BcIiwgKCkgPT4gcGFyc2VTdG9wKHJlcXVlc3QpKSxcbiAgICBuOiByZXF1ZXN0Lm9wdGlvbmFsKFwiblwiLCAoa2V5KSA9PiByZXF1ZXN0Lm9uZU9mKGtleSwgWzFdKSksXG4gIH07XG4gIGNvbnN0IHN0cmVhbU9wdGlvbnMgPSByZXF1ZXN0Lm9wdGlvbmFsKFwic3RyZWFtX29wdGlvbnNcIiwgKGtleSkgPT4ge1xuICAgIGNvbnN0IG9wdGlvbnMgPSByZXF1ZXN0Lm9iamVjdChrZXkpO1xuICAgIG9wdGlvbnMub25seUtleXMoW1wiaW5jbHVkZV91c2FnZVwiXSk7XG4gICAgcmV0dXJuIHsgaW5jbHVkZV91c2FnZTogb3B0aW9ucy5vcHRpb25hbChcImluY2x1ZGVfdXNhZ2VcIiwgKG5hbWUpID0+IG9wdGlvbnMuYm9vbGVhbihuYW1lKSkgfTtcbiAgfSk7XG4gIGNvbnN0IHN0cmVhbSA9IHJlcXVlc3Qub3B0aW9uYWwoXCJzdHJlYW1cIiwgKGtleSkgPT4gcmVxdWVzdC5ib29sZWFuKGtleSkpID8/IGZhbHNlO1xuICBpZiAoc3RyZWFtKSByZXR1cm4geyAuLi5maWVsZHMsIHN0cmVhbSwgc3RyZWFtX29wdGlvbnM6IHN0cmVhbU9wdGlvbnMgfTtcbiAgaWYgKHN0cmVhbU9wdGlvbnMgIT09IHVuZGVmaW5lZCkgdGhyb3cgZmFpbChcInN0cmVhbV9vcHRpb25zIG5lZWRzIHN0cmVhbTogdHJ1ZVwiKTtcbiAgcmV0dXJuIHsgLi4uZmllbGRzLCBzdHJlYW0gfTtcbn1cbiIsICIvKipcbiAqIFRoZSBtZXNzYWdlcyBiZXR3ZWVuIGEgcGFnZSBhbmQgdGhlIHdvcmtlciB0aGF0IGhvbGRzIHRoZSBlbmdpbmU6IHR3byBjbG9zZWQgdW5pb25zLCByZWFkIGZyb20gdW50cnVzdGVkIHZhbHVlcyBhdFxuICogYm90aCBlbmRzLiBBIHJlcXVlc3QgY2FycmllcyBhbiBgaWRgOyB3aGF0IGFuc3dlcnMgaXQgY2FycmllcyB0aGUgc2FtZSBvbmUuIEFuIGFuc3dlciBpcyBvbmUgbWVzc2FnZSwgZXhjZXB0IHRoYXRcbiAqIGEgc3RyZWFtIGlzIGFueSBudW1iZXIgb2YgYGNodW5rc2AgYW5kIHRoZW4gYGVuZGAuXG4gKi9cblxuaW1wb3J0IHsgTE9HX0xFVkVMUywgcGFyc2VDaGF0T3B0aW9ucywgcGFyc2VNb2RlbFJlY29yZCB9IGZyb20gXCIuL2NvbmZpZy50c1wiO1xuaW1wb3J0IHsgRVJST1JfQ0xBU1NFUywgUHJvdG9jb2xFcnJvciwgaXNFcnJvckNvZGUsIHR5cGUgRXJyb3JEZXRhaWxzLCB0eXBlIFdpcmVFcnJvciB9IGZyb20gXCIuL2Vycm9ycy50c1wiO1xuaW1wb3J0IHsgRmllbGRzLCBpc1JlY29yZCB9IGZyb20gXCIuL2ZpZWxkcy50c1wiO1xuaW1wb3J0IHsgcGFyc2VDaHVuaywgcGFyc2VDb21wbGV0aW9uIH0gZnJvbSBcIi4vb3BlbmFpL3BhcnNlLnRzXCI7XG5pbXBvcnQgeyBwYXJzZUNoYXRDb21wbGV0aW9uUmVxdWVzdCB9IGZyb20gXCIuL29wZW5haS9yZXF1ZXN0LnRzXCI7XG5pbXBvcnQgdHlwZSB7IENoYXRDb21wbGV0aW9uLCBDaGF0Q29tcGxldGlvbkNodW5rLCBDaGF0Q29tcGxldGlvblJlcXVlc3QgfSBmcm9tIFwiLi9vcGVuYWkvdHlwZXMudHNcIjtcbmltcG9ydCB0eXBlIHsgQ2hhdE9wdGlvbnMsIEluaXRQcm9ncmVzc1JlcG9ydCwgTG9nTGV2ZWwsIE1vZGVsUmVjb3JkIH0gZnJvbSBcIi4vdHlwZXMudHNcIjtcblxuLyoqIENhbGxzIHdpdGhvdXQgYXJndW1lbnRzLCBieSB3aGF0IGFuc3dlcnMgdGhlbS4gKi9cbmV4cG9ydCBjb25zdCBDQUxMUyA9IHtcbiAgdW5sb2FkOiBcImRvbmVcIixcbiAgcmVzZXRDaGF0OiBcImRvbmVcIixcbiAgaW50ZXJydXB0R2VuZXJhdGU6IFwiZG9uZVwiLFxuICBnZXRNZXNzYWdlOiBcInRleHRcIixcbiAgcnVudGltZVN0YXRzVGV4dDogXCJ0ZXh0XCIsXG4gIGdldEdQVVZlbmRvcjogXCJ0ZXh0XCIsXG4gIGdldE1heFN0b3JhZ2VCdWZmZXJCaW5kaW5nU2l6ZTogXCJudW1iZXJcIixcbn0gYXMgY29uc3Q7XG5leHBvcnQgdHlwZSBDYWxsTmFtZSA9IGtleW9mIHR5cGVvZiBDQUxMUztcblxuZXhwb3J0IGludGVyZmFjZSBSZWxvYWRNZXNzYWdlIHtcbiAgcmVhZG9ubHkga2luZDogXCJyZWxvYWRcIjtcbiAgcmVhZG9ubHkgaWQ6IG51bWJlcjtcbiAgcmVhZG9ubHkgcmVjb3JkOiBNb2RlbFJlY29yZDtcbiAgcmVhZG9ubHkgY2hhdE9wdHM6IENoYXRPcHRpb25zO1xuICByZWFkb25seSB2YXJpYW50Pzogc3RyaW5nIHwgdW5kZWZpbmVkO1xufVxuXG4vKiogUGFnZSB0byB3b3JrZXIuICovXG5leHBvcnQgdHlwZSBDbGllbnRNZXNzYWdlID1cbiAgfCBSZWxvYWRNZXNzYWdlXG4gIHwgeyByZWFkb25seSBraW5kOiBcImNhbGxcIjsgcmVhZG9ubHkgaWQ6IG51bWJlcjsgcmVhZG9ubHkgbmFtZTogQ2FsbE5hbWUgfVxuICB8IHsgcmVhZG9ubHkga2luZDogXCJjaGF0Q29tcGxldGlvblwiOyByZWFkb25seSBpZDogbnVtYmVyOyByZWFkb25seSByZXF1ZXN0OiBDaGF0Q29tcGxldGlvblJlcXVlc3QgfVxuICAvKiogVGhlIGNvbnN1bWVyIG9mIHN0cmVhbSBgaWRgIGhhcyB0YWtlbiBvbmUgYGNodW5rc2AgbWVzc2FnZS4gKi9cbiAgfCB7IHJlYWRvbmx5IGtpbmQ6IFwiY3JlZGl0XCI7IHJlYWRvbmx5IGlkOiBudW1iZXIgfVxuICAvKiogTm9ib2R5IHdhaXRzIGZvciByZXF1ZXN0IGBpZGAgYW55IG1vcmUuICovXG4gIHwgeyByZWFkb25seSBraW5kOiBcImNhbmNlbFwiOyByZWFkb25seSBpZDogbnVtYmVyIH1cbiAgfCB7IHJlYWRvbmx5IGtpbmQ6IFwic2V0TG9nTGV2ZWxcIjsgcmVhZG9ubHkgbGV2ZWw6IExvZ0xldmVsIH07XG5cbi8qKiBXb3JrZXIgdG8gcGFnZS4gKi9cbmV4cG9ydCB0eXBlIFdvcmtlck1lc3NhZ2UgPVxuICB8IHsgcmVhZG9ubHkga2luZDogXCJwcm9ncmVzc1wiOyByZWFkb25seSByZXBvcnQ6IEluaXRQcm9ncmVzc1JlcG9ydCB9XG4gIHwgeyByZWFkb25seSBraW5kOiBcImRvbmVcIjsgcmVhZG9ubHkgaWQ6IG51bWJlciB9XG4gIHwgeyByZWFkb25seSBraW5kOiBcInRleHRcIjsgcmVhZG9ubHkgaWQ6IG51bWJlcjsgcmVhZG9ubHkgdGV4dDogc3RyaW5nIH1cbiAgfCB7IHJlYWRvbmx5IGtpbmQ6IFwibnVtYmVyXCI7IHJlYWRvbmx5IGlkOiBudW1iZXI7IHJlYWRvbmx5IHZhbHVlOiBudW1iZXIgfVxuICB8IHsgcmVhZG9ubHkga2luZDogXCJjb21wbGV0aW9uXCI7IHJlYWRvbmx5IGlkOiBudW1iZXI7IHJlYWRvbmx5IGNvbXBsZXRpb246IENoYXRDb21wbGV0aW9uIH1cbiAgfCB7IHJlYWRvbmx5IGtpbmQ6IFwiY2h1bmtzXCI7IHJlYWRvbmx5IGlkOiBudW1iZXI7IHJlYWRvbmx5IGNodW5rczogcmVhZG9ubHkgQ2hhdENvbXBsZXRpb25DaHVua1tdIH1cbiAgfCB7IHJlYWRvbmx5IGtpbmQ6IFwiZW5kXCI7IHJlYWRvbmx5IGlkOiBudW1iZXIgfVxuICB8IHsgcmVhZG9ubHkga2luZDogXCJlcnJvclwiOyByZWFkb25seSBpZDogbnVtYmVyOyByZWFkb25seSBlcnJvcjogV2lyZUVycm9yIH07XG5cbmNvbnN0IE1BWF9URVhUID0gMSA8PCAyNjtcbmNvbnN0IE1BWF9DSFVOS1MgPSAxIDw8IDIwO1xuY29uc3QgTUFYX0RFVEFJTFMgPSA2NDtcblxuY29uc3QgQ0xJRU5UX0tJTkRTID0gW1wicmVsb2FkXCIsIFwiY2FsbFwiLCBcImNoYXRDb21wbGV0aW9uXCIsIFwiY3JlZGl0XCIsIFwiY2FuY2VsXCIsIFwic2V0TG9nTGV2ZWxcIl0gYXMgY29uc3Q7XG5jb25zdCBXT1JLRVJfS0lORFMgPSBbXCJwcm9ncmVzc1wiLCBcImRvbmVcIiwgXCJ0ZXh0XCIsIFwibnVtYmVyXCIsIFwiY29tcGxldGlvblwiLCBcImNodW5rc1wiLCBcImVuZFwiLCBcImVycm9yXCJdIGFzIGNvbnN0O1xuY29uc3QgQ0FMTF9OQU1FUyA9IE9iamVjdC5rZXlzKENBTExTKS5maWx0ZXIoKG5hbWUpOiBuYW1lIGlzIENhbGxOYW1lID0+IE9iamVjdC5oYXNPd24oQ0FMTFMsIG5hbWUpKTtcbmNvbnN0IFBIQVNFUyA9IFtcImNvbmZpZ1wiLCBcIndlaWdodHNcIiwgXCJrZXJuZWxzXCIsIFwicmVhZHlcIl0gYXMgY29uc3Q7XG5cbmZ1bmN0aW9uIG1lc3NhZ2VGaWVsZHModmFsdWU6IHVua25vd24pOiBGaWVsZHMge1xuICByZXR1cm4gbmV3IEZpZWxkcyh2YWx1ZSwgXCJtZXNzYWdlXCIsIChtZXNzYWdlKSA9PiBuZXcgUHJvdG9jb2xFcnJvcihgTWFsZm9ybWVkIG1lc3NhZ2UgYmV0d2VlbiBwYWdlIGFuZCB3b3JrZXI6ICR7bWVzc2FnZX0uYCkpO1xufVxuXG5mdW5jdGlvbiBpZE9mKG1lc3NhZ2U6IEZpZWxkcyk6IG51bWJlciB7XG4gIHJldHVybiBtZXNzYWdlLmludGVnZXIoXCJpZFwiLCAwLCBOdW1iZXIuTUFYX1NBRkVfSU5URUdFUik7XG59XG5cbi8qKiBUaGUgaWQgb2YgYSBtZXNzYWdlIHRoYXQgY291bGQgbm90IGJlIHJlYWQgb3RoZXJ3aXNlLCBzbyB0aGF0IGl0cyBzZW5kZXIgY2FuIHN0aWxsIGJlIGFuc3dlcmVkLiAqL1xuZXhwb3J0IGZ1bmN0aW9uIGlkT2ZNYWxmb3JtZWQodmFsdWU6IHVua25vd24pOiBudW1iZXIgfCBudWxsIHtcbiAgY29uc3QgaWQgPSBpc1JlY29yZCh2YWx1ZSkgPyB2YWx1ZVtcImlkXCJdIDogbnVsbDtcbiAgcmV0dXJuIHR5cGVvZiBpZCA9PT0gXCJudW1iZXJcIiAmJiBOdW1iZXIuaXNTYWZlSW50ZWdlcihpZCkgPyBpZCA6IG51bGw7XG59XG5cbmV4cG9ydCBmdW5jdGlvbiBwYXJzZUNsaWVudE1lc3NhZ2UodmFsdWU6IHVua25vd24pOiBDbGllbnRNZXNzYWdlIHtcbiAgY29uc3QgbWVzc2FnZSA9IG1lc3NhZ2VGaWVsZHModmFsdWUpO1xuICBjb25zdCBraW5kID0gbWVzc2FnZS5vbmVPZihcImtpbmRcIiwgQ0xJRU5UX0tJTkRTKTtcbiAgc3dpdGNoIChraW5kKSB7XG4gICAgY2FzZSBcInJlbG9hZFwiOlxuICAgICAgcmV0dXJuIHtcbiAgICAgICAga2luZCxcbiAgICAgICAgaWQ6IGlkT2YobWVzc2FnZSksXG4gICAgICAgIHJlY29yZDogcGFyc2VNb2RlbFJlY29yZChtZXNzYWdlLm9iamVjdChcInJlY29yZFwiKSksXG4gICAgICAgIGNoYXRPcHRzOiBwYXJzZUNoYXRPcHRpb25zKG1lc3NhZ2Uub2JqZWN0KFwiY2hhdE9wdHNcIikpLFxuICAgICAgICB2YXJpYW50OiBtZXNzYWdlLm9wdGlvbmFsKFwidmFyaWFudFwiLCAoa2V5KSA9PiBtZXNzYWdlLnN0cmluZyhrZXksIDY0KSksXG4gICAgICB9O1xuICAgIGNhc2UgXCJjYWxsXCI6XG4gICAgICByZXR1cm4geyBraW5kLCBpZDogaWRPZihtZXNzYWdlKSwgbmFtZTogbWVzc2FnZS5vbmVPZihcIm5hbWVcIiwgQ0FMTF9OQU1FUykgfTtcbiAgICBjYXNlIFwiY2hhdENvbXBsZXRpb25cIjpcbiAgICAgIHJldHVybiB7IGtpbmQsIGlkOiBpZE9mKG1lc3NhZ2UpLCByZXF1ZXN0OiBwYXJzZUNoYXRDb21wbGV0aW9uUmVxdWVzdChtZXNzYWdlLnJhdyhcInJlcXVlc3RcIikpIH07XG4gICAgY2FzZSBcImNyZWRpdFwiOlxuICAgIGNhc2UgXCJjYW5jZWxcIjpcbiAgICAgIHJldHVybiB7IGtpbmQsIGlkOiBpZE9mKG1lc3NhZ2UpIH07XG4gICAgY2FzZSBcInNldExvZ0xldmVsXCI6XG4gICAgICByZXR1cm4geyBraW5kLCBsZXZlbDogbWVzc2FnZS5vbmVPZihcImxldmVsXCIsIExPR19MRVZFTFMpIH07XG4gICAgZGVmYXVsdDpcbiAgICAgIHJldHVybiB1bnJlYWNoYWJsZShraW5kKTtcbiAgfVxufVxuXG5leHBvcnQgZnVuY3Rpb24gcGFyc2VXb3JrZXJNZXNzYWdlKHZhbHVlOiB1bmtub3duKTogV29ya2VyTWVzc2FnZSB7XG4gIGNvbnN0IG1lc3NhZ2UgPSBtZXNzYWdlRmllbGRzKHZhbHVlKTtcbiAgY29uc3Qga2luZCA9IG1lc3NhZ2Uub25lT2YoXCJraW5kXCIsIFdPUktFUl9LSU5EUyk7XG4gIHN3aXRjaCAoa2luZCkge1xuICAgIGNhc2UgXCJwcm9ncmVzc1wiOlxuICAgICAgcmV0dXJuIHsga2luZCwgcmVwb3J0OiBwYXJzZVJlcG9ydChtZXNzYWdlLm9iamVjdChcInJlcG9ydFwiKSkgfTtcbiAgICBjYXNlIFwiZG9uZVwiOlxuICAgIGNhc2UgXCJlbmRcIjpcbiAgICAgIHJldHVybiB7IGtpbmQsIGlkOiBpZE9mKG1lc3NhZ2UpIH07XG4gICAgY2FzZSBcInRleHRcIjpcbiAgICAgIHJldHVybiB7IGtpbmQsIGlkOiBpZE9mKG1lc3NhZ2UpLCB0ZXh0OiBtZXNzYWdlLnN0cmluZyhcInRleHRcIiwgTUFYX1RFWFQpIH07XG4gICAgY2FzZSBcIm51bWJlclwiOlxuICAgICAgcmV0dXJuIHsga2luZCwgaWQ6IGlkT2YobWVzc2FnZSksIHZhbHVlOiBtZXNzYWdlLm51bWJlcihcInZhbHVlXCIsIC1OdW1iZXIuTUFYX1ZBTFVFLCBOdW1iZXIuTUFYX1ZBTFVFKSB9O1xuICAgIGNhc2UgXCJjb21wbGV0aW9uXCI6XG4gICAgICByZXR1cm4geyBraW5kLCBpZDogaWRPZihtZXNzYWdlKSwgY29tcGxldGlvbjogcGFyc2VDb21wbGV0aW9uKG1lc3NhZ2Uub2JqZWN0KFwiY29tcGxldGlvblwiKSkgfTtcbiAgICBjYXNlIFwiY2h1bmtzXCI6XG4gICAgICByZXR1cm4geyBraW5kLCBpZDogaWRPZihtZXNzYWdlKSwgY2h1bmtzOiBtZXNzYWdlLm9iamVjdHMoXCJjaHVua3NcIiwgTUFYX0NIVU5LUywgcGFyc2VDaHVuaykgfTtcbiAgICBjYXNlIFwiZXJyb3JcIjpcbiAgICAgIHJldHVybiB7IGtpbmQsIGlkOiBpZE9mKG1lc3NhZ2UpLCBlcnJvcjogcGFyc2VFcnJvcihtZXNzYWdlLm9iamVjdChcImVycm9yXCIpKSB9O1xuICAgIGRlZmF1bHQ6XG4gICAgICByZXR1cm4gdW5yZWFjaGFibGUoa2luZCk7XG4gIH1cbn1cblxuZnVuY3Rpb24gcGFyc2VSZXBvcnQocmVwb3J0OiBGaWVsZHMpOiBJbml0UHJvZ3Jlc3NSZXBvcnQge1xuICBjb25zdCB3YXJuaW5nID0gcmVwb3J0Lm9wdGlvbmFsKFwid2FybmluZ1wiLCAoa2V5KSA9PiByZXBvcnQuc3RyaW5nKGtleSwgTUFYX1RFWFQpKTtcbiAgcmV0dXJuIHtcbiAgICBwcm9ncmVzczogcmVwb3J0Lm51bWJlcihcInByb2dyZXNzXCIsIDAsIDEpLFxuICAgIHRpbWVFbGFwc2VkOiByZXBvcnQubnVtYmVyKFwidGltZUVsYXBzZWRcIiwgMCwgTnVtYmVyLk1BWF9WQUxVRSksXG4gICAgdGV4dDogcmVwb3J0LnN0cmluZyhcInRleHRcIiwgTUFYX1RFWFQpLFxuICAgIHBoYXNlOiByZXBvcnQub25lT2YoXCJwaGFzZVwiLCBQSEFTRVMpLFxuICAgIGJ5dGVzRG9uZTogcmVwb3J0LmludGVnZXIoXCJieXRlc0RvbmVcIiwgMCwgTnVtYmVyLk1BWF9TQUZFX0lOVEVHRVIpLFxuICAgIGJ5dGVzVG90YWw6IHJlcG9ydC5pbnRlZ2VyKFwiYnl0ZXNUb3RhbFwiLCAwLCBOdW1iZXIuTUFYX1NBRkVfSU5URUdFUiksXG4gICAgLi4uKHdhcm5pbmcgIT09IHVuZGVmaW5lZCAmJiB7IHdhcm5pbmcgfSksXG4gIH07XG59XG5cbmZ1bmN0aW9uIHBhcnNlRXJyb3IoZXJyb3I6IEZpZWxkcyk6IFdpcmVFcnJvciB7XG4gIGNvbnN0IGNvZGUgPSBlcnJvci5zdHJpbmcoXCJjb2RlXCIsIDY0KTtcbiAgaWYgKCFpc0Vycm9yQ29kZShjb2RlKSkgdGhyb3cgZXJyb3Iud3JvbmcoXCJjb2RlXCIsIE9iamVjdC5rZXlzKEVSUk9SX0NMQVNTRVMpLmpvaW4oXCIgb3IgXCIpKTtcbiAgcmV0dXJuIHsgY29kZSwgbWVzc2FnZTogZXJyb3Iuc3RyaW5nKFwibWVzc2FnZVwiLCBNQVhfVEVYVCksIGRldGFpbHM6IHBhcnNlRGV0YWlscyhlcnJvci5vYmplY3QoXCJkZXRhaWxzXCIpKSB9O1xufVxuXG5mdW5jdGlvbiBwYXJzZURldGFpbHMoZGV0YWlsczogRmllbGRzKTogRXJyb3JEZXRhaWxzIHtcbiAgY29uc3Qga2V5cyA9IGRldGFpbHMua2V5cygpO1xuICBpZiAoa2V5cy5sZW5ndGggPiBNQVhfREVUQUlMUykgdGhyb3cgZGV0YWlscy5mYWlsKGAke2RldGFpbHMucGF0aH0gaGFzICR7a2V5cy5sZW5ndGh9IGVudHJpZXM7IGF0IG1vc3QgJHtNQVhfREVUQUlMU30gYXJlIGFsbG93ZWRgKTtcbiAgcmV0dXJuIE9iamVjdC5mcm9tRW50cmllcyhrZXlzLm1hcCgoa2V5KSA9PiB7XG4gICAgY29uc3QgdmFsdWUgPSBkZXRhaWxzLnJhdyhrZXkpO1xuICAgIGlmICh0eXBlb2YgdmFsdWUgIT09IFwic3RyaW5nXCIgJiYgdHlwZW9mIHZhbHVlICE9PSBcIm51bWJlclwiICYmIHR5cGVvZiB2YWx1ZSAhPT0gXCJib29sZWFuXCIpIHtcbiAgICAgIHRocm93IGRldGFpbHMud3Jvbmcoa2V5LCBcImEgc3RyaW5nLCBudW1iZXIgb3IgYm9vbGVhblwiKTtcbiAgICB9XG4gICAgcmV0dXJuIFtrZXksIHZhbHVlXTtcbiAgfSkpO1xufVxuXG4vKiogRm9yIHRoZSBkZWZhdWx0IGJyYW5jaCBvZiBhIHN3aXRjaCBvdmVyIGEgY2xvc2VkIHVuaW9uOiB0aGUgY29tcGlsZXIgcmVmdXNlcyBpdCB3aGlsZSBhIGNhc2UgaXMgbWlzc2luZy4gKi9cbmV4cG9ydCBmdW5jdGlvbiB1bnJlYWNoYWJsZSh2YWx1ZTogbmV2ZXIpOiBuZXZlciB7XG4gIHRocm93IG5ldyBQcm90b2NvbEVycm9yKGBVbmV4cGVjdGVkIHZhbHVlICR7U3RyaW5nKHZhbHVlKX1gKTtcbn1cbiJdLAogICJtYXBwaW5ncyI6ICI7QUFBQSxPQUFPLFlBQVk7QUFDbkIsU0FBUyxZQUFZOzs7QUM4QmQsSUFBTSxpQkFBTixjQUE2QixNQUFNO0FBQUEsRUFDeEMsWUFBcUIsTUFBaUIsU0FBMEIsVUFBd0IsQ0FBQyxHQUFHLE9BQWlCO0FBQzNHLFVBQU0sU0FBUyxVQUFVLFNBQVksU0FBWSxFQUFFLE1BQU0sQ0FBQztBQUR2QztBQUEyQztBQUU5RCxTQUFLLE9BQU8sR0FBRyxJQUFJO0FBQUEsRUFDckI7QUFBQSxFQUhxQjtBQUFBLEVBQTJDO0FBSWxFO0FBRU8sSUFBTSwwQkFBTixjQUFzQyxlQUFlO0FBQUEsRUFDMUQsWUFBWSxTQUFpQixTQUF3QjtBQUNuRCxVQUFNLHNCQUFzQixTQUFTLE9BQU87QUFBQSxFQUM5QztBQUNGO0FBRU8sSUFBTSxzQkFBTixjQUFrQyxlQUFlO0FBQUEsRUFDdEQsWUFBWSxTQUFpQixTQUF3QjtBQUNuRCxVQUFNLGtCQUFrQixTQUFTLE9BQU87QUFBQSxFQUMxQztBQUNGO0FBRU8sSUFBTSxrQkFBTixjQUE4QixlQUFlO0FBQUEsRUFDbEQsWUFBWSxTQUFpQixTQUF3QjtBQUNuRCxVQUFNLGNBQWMsU0FBUyxPQUFPO0FBQUEsRUFDdEM7QUFDRjtBQUVPLElBQU0sb0JBQU4sY0FBZ0MsZUFBZTtBQUFBLEVBQ3BELFlBQVksU0FBaUIsU0FBd0I7QUFDbkQsVUFBTSxnQkFBZ0IsU0FBUyxPQUFPO0FBQUEsRUFDeEM7QUFDRjtBQUVPLElBQU0sbUJBQU4sY0FBK0IsZUFBZTtBQUFBLEVBQ25ELFlBQVksU0FBaUIsU0FBd0I7QUFDbkQsVUFBTSxlQUFlLFNBQVMsT0FBTztBQUFBLEVBQ3ZDO0FBQ0Y7QUFFTyxJQUFNLHFCQUFOLGNBQWlDLGVBQWU7QUFBQSxFQUNyRCxZQUFZLFNBQWlCLFNBQXdCO0FBQ25ELFVBQU0saUJBQWlCLFNBQVMsT0FBTztBQUFBLEVBQ3pDO0FBQ0Y7QUFFTyxJQUFNLHNCQUFOLGNBQWtDLGVBQWU7QUFBQSxFQUN0RCxZQUFZLFNBQWlCLFNBQXdCO0FBQ25ELFVBQU0sa0JBQWtCLFNBQVMsT0FBTztBQUFBLEVBQzFDO0FBQ0Y7QUFFTyxJQUFNLGdCQUFOLGNBQTRCLGVBQWU7QUFBQSxFQUNoRCxZQUFZLFNBQWlCLFNBQXdCO0FBQ25ELFVBQU0sWUFBWSxTQUFTLE9BQU87QUFBQSxFQUNwQztBQUNGO0FBRU8sSUFBTSxpQkFBTixjQUE2QixlQUFlO0FBQUEsRUFDakQsWUFBWSxTQUFpQixTQUF3QjtBQUNuRCxVQUFNLGFBQWEsU0FBUyxPQUFPO0FBQUEsRUFDckM7QUFDRjtBQUVPLElBQU0sZ0JBQU4sY0FBNEIsZUFBZTtBQUFBLEVBQ2hELFlBQVksU0FBaUIsU0FBd0IsT0FBaUI7QUFDcEUsVUFBTSxZQUFZLFNBQVMsU0FBUyxLQUFLO0FBQUEsRUFDM0M7QUFDRjtBQUVPLElBQU0seUJBQU4sY0FBcUMsZUFBZTtBQUFBLEVBQ3pELFlBQVksU0FBaUIsU0FBd0I7QUFDbkQsVUFBTSxxQkFBcUIsU0FBUyxPQUFPO0FBQUEsRUFDN0M7QUFDRjtBQUVPLElBQU0saUNBQU4sY0FBNkMsZUFBZTtBQUFBLEVBQ2pFLFlBQVksU0FBaUIsU0FBd0I7QUFDbkQsVUFBTSw2QkFBNkIsU0FBUyxPQUFPO0FBQUEsRUFDckQ7QUFDRjtBQUVPLElBQU0sYUFBTixjQUF5QixlQUFlO0FBQUEsRUFDN0MsWUFBWSxTQUFpQixTQUF3QjtBQUNuRCxVQUFNLFNBQVMsU0FBUyxPQUFPO0FBQUEsRUFDakM7QUFDRjtBQUVPLElBQU0sZ0JBQU4sY0FBNEIsZUFBZTtBQUFBLEVBQ2hELFlBQVksU0FBaUIsU0FBd0I7QUFDbkQsVUFBTSxZQUFZLFNBQVMsT0FBTztBQUFBLEVBQ3BDO0FBQ0Y7QUFFTyxJQUFNLGdCQUFOLGNBQTRCLGVBQWU7QUFBQSxFQUNoRCxZQUFZLFNBQWlCLFNBQXdCLE9BQWlCO0FBQ3BFLFVBQU0sWUFBWSxTQUFTLFNBQVMsS0FBSztBQUFBLEVBQzNDO0FBQ0Y7QUFFTyxJQUFNLGdCQUFnQjtBQUFBLEVBQzNCLG9CQUFvQjtBQUFBLEVBQ3BCLGdCQUFnQjtBQUFBLEVBQ2hCLFlBQVk7QUFBQSxFQUNaLGNBQWM7QUFBQSxFQUNkLGFBQWE7QUFBQSxFQUNiLGVBQWU7QUFBQSxFQUNmLGdCQUFnQjtBQUFBLEVBQ2hCLFVBQVU7QUFBQSxFQUNWLFdBQVc7QUFBQSxFQUNYLFVBQVU7QUFBQSxFQUNWLG1CQUFtQjtBQUFBLEVBQ25CLDJCQUEyQjtBQUFBLEVBQzNCLE9BQU87QUFBQSxFQUNQLFVBQVU7QUFBQSxFQUNWLFVBQVU7QUFDWjtBQUlPLFNBQVMsWUFBWSxNQUFpQztBQUMzRCxTQUFPLE9BQU8sT0FBTyxlQUFlLElBQUk7QUFDMUM7QUFHTyxTQUFTLGNBQWMsUUFBaUM7QUFDN0QsTUFBSSxrQkFBa0IsZUFBZ0IsUUFBTztBQUM3QyxNQUFJLGtCQUFrQixTQUFTLE9BQU8sU0FBUyxhQUFjLFFBQU8sSUFBSSxXQUFXLE9BQU8sT0FBTztBQUNqRyxTQUFPLElBQUksY0FBYyxrQkFBa0IsUUFBUSxHQUFHLE9BQU8sSUFBSSxLQUFLLE9BQU8sT0FBTyxLQUFLLE9BQU8sTUFBTSxHQUFHLENBQUMsR0FBRyxNQUFNO0FBQ3JIO0FBRU8sU0FBUyxPQUFPLFFBQTRCO0FBQ2pELFFBQU0sRUFBRSxNQUFNLFNBQVMsUUFBUSxJQUFJLGNBQWMsTUFBTTtBQUN2RCxTQUFPLEVBQUUsTUFBTSxTQUFTLFFBQVE7QUFDbEM7QUFFTyxTQUFTLFNBQVMsT0FBa0M7QUFDekQsU0FBTyxJQUFJLGNBQWMsTUFBTSxJQUFJLEVBQUUsTUFBTSxTQUFTLE1BQU0sT0FBTztBQUNuRTs7O0FDbkpBLFNBQVMsVUFBVSxPQUFlLGNBQThCO0FBQzlELFNBQU8sZUFBZSxJQUFLLFFBQVEsTUFBUSxlQUFlO0FBQzVEO0FBRU8sU0FBUyxNQUFNLFFBQXFCLE9BQWlDO0FBQzFFLFFBQU0sVUFBVSxLQUFLLElBQUksR0FBRyxPQUFPLGFBQWEsQ0FBQztBQUNqRCxRQUFNLGFBQWEsTUFBTSxXQUFXLE1BQU07QUFDMUMsU0FBTztBQUFBLElBQ0wsZUFBZSxPQUFPO0FBQUEsSUFDdEIsbUJBQW1CLE9BQU87QUFBQSxJQUMxQixjQUFjLE9BQU8sU0FBUyxPQUFPO0FBQUEsSUFDckMsdUJBQXVCLEVBQUUsZUFBZSxPQUFPLE9BQU87QUFBQSxJQUN0RCxPQUFPO0FBQUEsTUFDTCxnQkFBZ0IsTUFBTSxXQUFXLE1BQU0sYUFBYTtBQUFBLE1BQ3BELHNCQUFzQixVQUFVLE9BQU8sU0FBUyxPQUFPLFFBQVEsTUFBTSxhQUFhLE1BQU0sY0FBYztBQUFBLE1BQ3RHLHFCQUFxQixVQUFVLFNBQVMsVUFBVTtBQUFBLE1BQ2xELHdCQUF3QixNQUFNLGFBQWEsTUFBTSxhQUFhO0FBQUEsTUFDOUQseUJBQXlCLFVBQVUsSUFBSSxhQUFhLFVBQVUsTUFBTztBQUFBLElBQ3ZFO0FBQUEsRUFDRjtBQUNGO0FBR08sSUFBTSxnQkFBTixNQUFvQjtBQUFBLEVBSXpCLFlBQXFCLE9BQWU7QUFBZjtBQUFBLEVBQWdCO0FBQUEsRUFBaEI7QUFBQSxFQUhaLEtBQUssWUFBWSxPQUFPLFdBQVcsQ0FBQztBQUFBLEVBQ3BDLFVBQVUsS0FBSyxNQUFNLEtBQUssSUFBSSxJQUFJLEdBQUk7QUFBQSxFQUkvQyxXQUFXLFNBQWlCLGNBQTBDLFlBQTZDO0FBQ2pILFdBQU87QUFBQSxNQUNMLElBQUksS0FBSztBQUFBLE1BQ1QsUUFBUTtBQUFBLE1BQ1IsU0FBUyxLQUFLO0FBQUEsTUFDZCxPQUFPLEtBQUs7QUFBQSxNQUNaLFNBQVMsQ0FBQyxFQUFFLE9BQU8sR0FBRyxTQUFTLEVBQUUsTUFBTSxhQUFhLFFBQVEsR0FBRyxlQUFlLGNBQWMsVUFBVSxLQUFLLENBQUM7QUFBQSxNQUM1RyxPQUFPO0FBQUEsSUFDVDtBQUFBLEVBQ0Y7QUFBQSxFQUVRLE1BQU0sUUFBNkU7QUFDekYsV0FBTyxFQUFFLElBQUksS0FBSyxJQUFJLFFBQVEseUJBQXlCLFNBQVMsS0FBSyxTQUFTLE9BQU8sS0FBSyxPQUFPLEdBQUcsT0FBTztBQUFBLEVBQzdHO0FBQUEsRUFFQSxZQUFpQztBQUMvQixXQUFPLEtBQUssTUFBTSxFQUFFLFNBQVMsQ0FBQyxFQUFFLE9BQU8sR0FBRyxPQUFPLEVBQUUsTUFBTSxhQUFhLFNBQVMsR0FBRyxHQUFHLGVBQWUsTUFBTSxVQUFVLEtBQUssQ0FBQyxFQUFFLENBQUM7QUFBQSxFQUMvSDtBQUFBLEVBRUEsVUFBVSxTQUFzQztBQUM5QyxXQUFPLEtBQUssTUFBTSxFQUFFLFNBQVMsQ0FBQyxFQUFFLE9BQU8sR0FBRyxPQUFPLEVBQUUsUUFBUSxHQUFHLGVBQWUsTUFBTSxVQUFVLEtBQUssQ0FBQyxFQUFFLENBQUM7QUFBQSxFQUN4RztBQUFBLEVBRUEsWUFBWSxjQUErRDtBQUN6RSxXQUFPLEtBQUssTUFBTSxFQUFFLFNBQVMsQ0FBQyxFQUFFLE9BQU8sR0FBRyxPQUFPLENBQUMsR0FBRyxlQUFlLGNBQWMsVUFBVSxLQUFLLENBQUMsRUFBRSxDQUFDO0FBQUEsRUFDdkc7QUFBQSxFQUVBLFdBQVcsWUFBa0Q7QUFDM0QsV0FBTyxLQUFLLE1BQU0sRUFBRSxTQUFTLENBQUMsR0FBRyxPQUFPLFdBQVcsQ0FBQztBQUFBLEVBQ3REO0FBQ0Y7OztBQ3ZFTyxTQUFTLFNBQVMsT0FBa0Q7QUFDekUsU0FBTyxPQUFPLFVBQVUsWUFBWSxVQUFVLFFBQVEsQ0FBQyxNQUFNLFFBQVEsS0FBSyxLQUFLLENBQUMsWUFBWSxPQUFPLEtBQUs7QUFDMUc7QUFFQSxTQUFTLFNBQVMsT0FBd0I7QUFDeEMsTUFBSSxVQUFVLEtBQU0sUUFBTztBQUMzQixNQUFJLE1BQU0sUUFBUSxLQUFLLEVBQUcsUUFBTztBQUNqQyxNQUFJLE9BQU8sVUFBVSxTQUFVLFFBQU8sTUFBTSxTQUFTLEtBQUssZUFBZSxNQUFNLE1BQU0sZ0JBQWdCLEtBQUssVUFBVSxLQUFLO0FBQ3pILFNBQU8sT0FBTyxVQUFVLFlBQVksT0FBTyxVQUFVLFlBQVksT0FBTyxLQUFLLElBQUksbUJBQW1CLE9BQU8sS0FBSztBQUNsSDtBQUVPLElBQU0sU0FBTixNQUFNLFFBQU87QUFBQSxFQUdsQixZQUFZLE9BQXlCLE1BQXVCQSxPQUFZO0FBQW5DO0FBQXVCLGdCQUFBQTtBQUMxRCxRQUFJLENBQUMsU0FBUyxLQUFLLEVBQUcsT0FBTUEsTUFBSyxHQUFHLElBQUksMkJBQTJCLFNBQVMsS0FBSyxDQUFDLEVBQUU7QUFDcEYsU0FBSyxVQUFVO0FBQUEsRUFDakI7QUFBQSxFQUhxQztBQUFBLEVBQXVCO0FBQUEsRUFGbkQ7QUFBQSxFQU9ULEdBQUcsS0FBcUI7QUFDdEIsV0FBTyxLQUFLLFNBQVMsS0FBSyxNQUFNLEdBQUcsS0FBSyxJQUFJLElBQUksR0FBRztBQUFBLEVBQ3JEO0FBQUEsRUFFQSxJQUFJLEtBQXNCO0FBQ3hCLFdBQU8sT0FBTyxPQUFPLEtBQUssU0FBUyxHQUFHLEtBQUssS0FBSyxRQUFRLEdBQUcsTUFBTSxVQUFhLEtBQUssUUFBUSxHQUFHLE1BQU07QUFBQSxFQUN0RztBQUFBLEVBRUEsSUFBSSxLQUFzQjtBQUN4QixXQUFPLE9BQU8sT0FBTyxLQUFLLFNBQVMsR0FBRyxJQUFJLEtBQUssUUFBUSxHQUFHLElBQUk7QUFBQSxFQUNoRTtBQUFBLEVBRUEsT0FBaUI7QUFDZixXQUFPLE9BQU8sS0FBSyxLQUFLLE9BQU87QUFBQSxFQUNqQztBQUFBLEVBRUEsTUFBTSxLQUFhLFVBQXlCO0FBQzFDLFdBQU8sS0FBSyxLQUFLLEdBQUcsS0FBSyxHQUFHLEdBQUcsQ0FBQyxZQUFZLFFBQVEsU0FBUyxTQUFTLEtBQUssSUFBSSxHQUFHLENBQUMsQ0FBQyxFQUFFO0FBQUEsRUFDeEY7QUFBQSxFQUVBLE9BQU8sS0FBYSxXQUEyQjtBQUM3QyxVQUFNLFFBQVEsS0FBSyxJQUFJLEdBQUc7QUFDMUIsUUFBSSxPQUFPLFVBQVUsU0FBVSxPQUFNLEtBQUssTUFBTSxLQUFLLFVBQVU7QUFDL0QsUUFBSSxNQUFNLFNBQVMsVUFBVyxPQUFNLEtBQUssTUFBTSxLQUFLLFdBQVcsU0FBUyxrQkFBa0I7QUFDMUYsV0FBTztBQUFBLEVBQ1Q7QUFBQSxFQUVBLFFBQVEsS0FBc0I7QUFDNUIsVUFBTSxRQUFRLEtBQUssSUFBSSxHQUFHO0FBQzFCLFFBQUksT0FBTyxVQUFVLFVBQVcsT0FBTSxLQUFLLE1BQU0sS0FBSyxlQUFlO0FBQ3JFLFdBQU87QUFBQSxFQUNUO0FBQUEsRUFFQSxPQUFPLEtBQWEsS0FBYSxLQUFxQjtBQUNwRCxVQUFNLFFBQVEsS0FBSyxJQUFJLEdBQUc7QUFDMUIsUUFBSSxPQUFPLFVBQVUsWUFBWSxFQUFFLFNBQVMsT0FBTyxTQUFTLEtBQU0sT0FBTSxLQUFLLE1BQU0sS0FBSyxpQkFBaUIsR0FBRyxPQUFPLEdBQUcsRUFBRTtBQUN4SCxXQUFPO0FBQUEsRUFDVDtBQUFBLEVBRUEsUUFBUSxLQUFhLEtBQWEsS0FBcUI7QUFDckQsVUFBTSxRQUFRLEtBQUssSUFBSSxHQUFHO0FBQzFCLFFBQUksT0FBTyxVQUFVLFlBQVksQ0FBQyxPQUFPLFVBQVUsS0FBSyxLQUFLLFFBQVEsT0FBTyxRQUFRLEtBQUs7QUFDdkYsWUFBTSxLQUFLLE1BQU0sS0FBSyxtQkFBbUIsR0FBRyxPQUFPLEdBQUcsRUFBRTtBQUFBLElBQzFEO0FBQ0EsV0FBTztBQUFBLEVBQ1Q7QUFBQSxFQUVBLE1BQXVDLEtBQWEsU0FBMEI7QUFDNUUsVUFBTSxRQUFRLEtBQUssSUFBSSxHQUFHO0FBQzFCLFVBQU0sUUFBUSxRQUFRLEtBQUssQ0FBQyxXQUFXLFdBQVcsS0FBSztBQUN2RCxRQUFJLFVBQVUsT0FBVyxPQUFNLEtBQUssTUFBTSxLQUFLLFFBQVEsSUFBSSxDQUFDLFdBQVcsS0FBSyxVQUFVLE1BQU0sQ0FBQyxFQUFFLEtBQUssTUFBTSxDQUFDO0FBQzNHLFdBQU87QUFBQSxFQUNUO0FBQUEsRUFFQSxPQUFPLEtBQXFCO0FBQzFCLFdBQU8sSUFBSSxRQUFPLEtBQUssSUFBSSxHQUFHLEdBQUcsS0FBSyxHQUFHLEdBQUcsR0FBRyxLQUFLLElBQUk7QUFBQSxFQUMxRDtBQUFBLEVBRUEsTUFBUyxLQUFhLFdBQW1CLE1BQWdEO0FBQ3ZGLFVBQU0sUUFBUSxLQUFLLElBQUksR0FBRztBQUMxQixRQUFJLENBQUMsTUFBTSxRQUFRLEtBQUssRUFBRyxPQUFNLEtBQUssTUFBTSxLQUFLLFVBQVU7QUFDM0QsUUFBSSxNQUFNLFNBQVMsVUFBVyxPQUFNLEtBQUssS0FBSyxHQUFHLEtBQUssR0FBRyxHQUFHLENBQUMsUUFBUSxNQUFNLE1BQU0scUJBQXFCLFNBQVMsY0FBYztBQUM3SCxXQUFPLE1BQU0sSUFBSSxDQUFDLE1BQWUsTUFBTSxLQUFLLE1BQU0sR0FBRyxLQUFLLEdBQUcsR0FBRyxDQUFDLElBQUksQ0FBQyxHQUFHLENBQUM7QUFBQSxFQUM1RTtBQUFBLEVBRUEsUUFBVyxLQUFhLFdBQW1CLE1BQWdDO0FBQ3pFLFdBQU8sS0FBSyxNQUFNLEtBQUssV0FBVyxDQUFDLE9BQU8sU0FBUyxLQUFLLElBQUksUUFBTyxPQUFPLE1BQU0sS0FBSyxJQUFJLENBQUMsQ0FBQztBQUFBLEVBQzdGO0FBQUEsRUFFQSxTQUFTLEtBQWEsV0FBbUIsS0FBYSxLQUF1QjtBQUMzRSxXQUFPLEtBQUssTUFBTSxLQUFLLFdBQVcsQ0FBQyxPQUFPLFNBQVM7QUFDakQsVUFBSSxPQUFPLFVBQVUsWUFBWSxDQUFDLE9BQU8sVUFBVSxLQUFLLEtBQUssUUFBUSxPQUFPLFFBQVEsS0FBSztBQUN2RixjQUFNLEtBQUssS0FBSyxHQUFHLElBQUksNEJBQTRCLEdBQUcsT0FBTyxHQUFHLFNBQVMsU0FBUyxLQUFLLENBQUMsRUFBRTtBQUFBLE1BQzVGO0FBQ0EsYUFBTztBQUFBLElBQ1QsQ0FBQztBQUFBLEVBQ0g7QUFBQTtBQUFBLEVBR0EsU0FBWSxLQUFhLE1BQXlDO0FBQ2hFLFdBQU8sS0FBSyxJQUFJLEdBQUcsSUFBSSxLQUFLLEdBQUcsSUFBSTtBQUFBLEVBQ3JDO0FBQUE7QUFBQSxFQUdBLFNBQVMsT0FBZ0M7QUFDdkMsVUFBTSxVQUFVLEtBQUssS0FBSyxFQUFFLEtBQUssQ0FBQyxRQUFRLENBQUMsTUFBTSxTQUFTLEdBQUcsS0FBSyxLQUFLLElBQUksR0FBRyxNQUFNLE1BQVM7QUFDN0YsUUFBSSxZQUFZLE9BQVcsT0FBTSxLQUFLLEtBQUssR0FBRyxLQUFLLEdBQUcsT0FBTyxDQUFDLGlDQUFpQyxNQUFNLEtBQUssSUFBSSxDQUFDLEVBQUU7QUFBQSxFQUNuSDtBQUNGOzs7QUM1R0EsSUFBTSxVQUFVO0FBRWhCLElBQU0sWUFBWTtBQUVYLElBQU0sYUFBYSxDQUFDLFNBQVMsU0FBUyxRQUFRLFFBQVEsU0FBUyxRQUFRO0FBRXZFLFNBQVMsaUJBQWlCLFFBQTZCO0FBQzVELFNBQU8sU0FBUyxDQUFDLFlBQVksWUFBWSxtQkFBbUIsT0FBTyxDQUFDO0FBQ3BFLFFBQU0sU0FBUyxPQUFPLFNBQVMsbUJBQW1CLENBQUMsUUFBUSxPQUFPLE9BQU8sS0FBSyxFQUFFLENBQUM7QUFDakYsTUFBSSxXQUFXLFVBQWEsQ0FBQyxpQkFBaUIsS0FBSyxNQUFNLEVBQUcsT0FBTSxPQUFPLE1BQU0sbUJBQW1CLDBCQUEwQjtBQUM1SCxRQUFNLFFBQVEsT0FBTyxTQUFTLFNBQVMsQ0FBQyxRQUFRO0FBQzlDLFVBQU0sVUFBVSxPQUFPLE9BQU8sR0FBRztBQUNqQyxRQUFJLFFBQVEsS0FBSyxFQUFFLFNBQVMsVUFBVyxPQUFNLE9BQU8sTUFBTSxLQUFLLHdCQUF3QixTQUFTLFVBQVU7QUFDMUcsV0FBTyxPQUFPLFlBQVksUUFBUSxLQUFLLEVBQUUsSUFBSSxDQUFDLFNBQVMsQ0FBQyxNQUFNLFFBQVEsT0FBTyxNQUFNLE9BQU8sQ0FBQyxDQUFDLENBQUM7QUFBQSxFQUMvRixDQUFDO0FBQ0QsU0FBTztBQUFBLElBQ0wsVUFBVSxPQUFPLE9BQU8sWUFBWSxPQUFPO0FBQUEsSUFDM0MsVUFBVSxPQUFPLE9BQU8sWUFBWSxPQUFPO0FBQUEsSUFDM0MsR0FBSSxXQUFXLFVBQWEsRUFBRSxpQkFBaUIsT0FBTztBQUFBLElBQ3RELEdBQUksVUFBVSxVQUFhLEVBQUUsTUFBTTtBQUFBLEVBQ3JDO0FBQ0Y7QUFRTyxTQUFTLGlCQUFpQixTQUE4QjtBQUM3RCxVQUFRLFNBQVMsQ0FBQyxxQkFBcUIsQ0FBQztBQUN4QyxRQUFNLE9BQU8sUUFBUSxTQUFTLHVCQUF1QixDQUFDLFFBQVEsUUFBUSxRQUFRLEtBQUssR0FBRyxLQUFLLEVBQUUsQ0FBQztBQUM5RixTQUFPLFNBQVMsU0FBWSxDQUFDLElBQUksRUFBRSxxQkFBcUIsS0FBSztBQUMvRDs7O0FDbENBLElBQU0sV0FBVyxLQUFLO0FBQ3RCLElBQU0sV0FBVztBQUNqQixJQUFNLGlCQUFpQixDQUFDLFFBQVEsVUFBVSxPQUFPO0FBRWpELFNBQVMsV0FBV0MsUUFBZ0M7QUFDbEQsUUFBTSxRQUFRLENBQUMsUUFBd0JBLE9BQU0sUUFBUSxLQUFLLEdBQUcsT0FBTyxnQkFBZ0I7QUFDcEYsUUFBTSxVQUFVQSxPQUFNLE9BQU8sdUJBQXVCO0FBQ3BELFFBQU0sUUFBUUEsT0FBTSxPQUFPLE9BQU87QUFDbEMsUUFBTSxVQUFVLENBQUMsUUFBd0IsTUFBTSxPQUFPLEtBQUssR0FBRyxPQUFPLFNBQVM7QUFDOUUsU0FBTztBQUFBLElBQ0wsZUFBZSxNQUFNLGVBQWU7QUFBQSxJQUNwQyxtQkFBbUIsTUFBTSxtQkFBbUI7QUFBQSxJQUM1QyxjQUFjLE1BQU0sY0FBYztBQUFBLElBQ2xDLHVCQUF1QixFQUFFLGVBQWUsUUFBUSxRQUFRLGlCQUFpQixHQUFHLE9BQU8sZ0JBQWdCLEVBQUU7QUFBQSxJQUNyRyxPQUFPO0FBQUEsTUFDTCxlQUFlLFFBQVEsZUFBZTtBQUFBLE1BQ3RDLHNCQUFzQixRQUFRLHNCQUFzQjtBQUFBLE1BQ3BELHFCQUFxQixRQUFRLHFCQUFxQjtBQUFBLE1BQ2xELHVCQUF1QixRQUFRLHVCQUF1QjtBQUFBLE1BQ3RELHlCQUF5QixRQUFRLHlCQUF5QjtBQUFBLElBQzVEO0FBQUEsRUFDRjtBQUNGO0FBRU8sU0FBUyxnQkFBZ0IsT0FBK0I7QUFDN0QsU0FBTztBQUFBLElBQ0wsSUFBSSxNQUFNLE9BQU8sTUFBTSxRQUFRO0FBQUEsSUFDL0IsUUFBUSxNQUFNLE1BQU0sVUFBVSxDQUFDLGlCQUFpQixDQUFDO0FBQUEsSUFDakQsU0FBUyxNQUFNLFFBQVEsV0FBVyxHQUFHLE9BQU8sZ0JBQWdCO0FBQUEsSUFDNUQsT0FBTyxNQUFNLE9BQU8sU0FBUyxRQUFRO0FBQUEsSUFDckMsU0FBUyxNQUFNLFFBQVEsV0FBVyxHQUFHLENBQUMsV0FBVztBQUMvQyxZQUFNLFVBQVUsT0FBTyxPQUFPLFNBQVM7QUFDdkMsYUFBTztBQUFBLFFBQ0wsT0FBTyxPQUFPLE1BQU0sU0FBUyxDQUFDLENBQUMsQ0FBQztBQUFBLFFBQ2hDLFNBQVMsRUFBRSxNQUFNLFFBQVEsTUFBTSxRQUFRLENBQUMsV0FBVyxDQUFDLEdBQUcsU0FBUyxRQUFRLE9BQU8sV0FBVyxRQUFRLEVBQUU7QUFBQSxRQUNwRyxlQUFlLE9BQU8sTUFBTSxpQkFBaUIsY0FBYztBQUFBLFFBQzNELFVBQVU7QUFBQSxNQUNaO0FBQUEsSUFDRixDQUFDO0FBQUEsSUFDRCxPQUFPLFdBQVcsTUFBTSxPQUFPLE9BQU8sQ0FBQztBQUFBLEVBQ3pDO0FBQ0Y7QUFFTyxTQUFTLFdBQVcsT0FBb0M7QUFDN0QsUUFBTUEsU0FBUSxNQUFNLFNBQVMsU0FBUyxDQUFDLFFBQVEsV0FBVyxNQUFNLE9BQU8sR0FBRyxDQUFDLENBQUM7QUFDNUUsU0FBTztBQUFBLElBQ0wsSUFBSSxNQUFNLE9BQU8sTUFBTSxRQUFRO0FBQUEsSUFDL0IsUUFBUSxNQUFNLE1BQU0sVUFBVSxDQUFDLHVCQUF1QixDQUFDO0FBQUEsSUFDdkQsU0FBUyxNQUFNLFFBQVEsV0FBVyxHQUFHLE9BQU8sZ0JBQWdCO0FBQUEsSUFDNUQsT0FBTyxNQUFNLE9BQU8sU0FBUyxRQUFRO0FBQUEsSUFDckMsU0FBUyxNQUFNLFFBQVEsV0FBVyxHQUFHLENBQUMsV0FBVztBQUMvQyxZQUFNLFFBQVEsT0FBTyxPQUFPLE9BQU87QUFDbkMsYUFBTztBQUFBLFFBQ0wsT0FBTyxPQUFPLE1BQU0sU0FBUyxDQUFDLENBQUMsQ0FBQztBQUFBLFFBQ2hDLE9BQU87QUFBQSxVQUNMLEdBQUksTUFBTSxJQUFJLE1BQU0sS0FBSyxFQUFFLE1BQU0sTUFBTSxNQUFNLFFBQVEsQ0FBQyxXQUFXLENBQUMsRUFBRTtBQUFBLFVBQ3BFLEdBQUksTUFBTSxJQUFJLFNBQVMsS0FBSyxFQUFFLFNBQVMsTUFBTSxPQUFPLFdBQVcsUUFBUSxFQUFFO0FBQUEsUUFDM0U7QUFBQSxRQUNBLGVBQWUsT0FBTyxTQUFTLGlCQUFpQixDQUFDLFFBQVEsT0FBTyxNQUFNLEtBQUssY0FBYyxDQUFDLEtBQUs7QUFBQSxRQUMvRixVQUFVO0FBQUEsTUFDWjtBQUFBLElBQ0YsQ0FBQztBQUFBLElBQ0QsR0FBSUEsV0FBVSxVQUFhLEVBQUUsT0FBQUEsT0FBTTtBQUFBLEVBQ3JDO0FBQ0Y7OztBQy9EQSxJQUFNLGVBQWU7QUFDckIsSUFBTSxZQUFZO0FBQ2xCLElBQU0sY0FBYyxLQUFLO0FBQ3pCLElBQU0sYUFBYSxLQUFLO0FBQ3hCLElBQU0sWUFBWTtBQUNsQixJQUFNLGtCQUFrQjtBQUV4QixJQUFNLFNBQVM7QUFBQSxFQUNiO0FBQUEsRUFBWTtBQUFBLEVBQVM7QUFBQSxFQUFjO0FBQUEsRUFBeUI7QUFBQSxFQUFlO0FBQUEsRUFBUztBQUFBLEVBQVE7QUFBQSxFQUFRO0FBQUEsRUFBSztBQUFBLEVBQVU7QUFDckg7QUFDQSxJQUFNLFFBQVEsQ0FBQyxVQUFVLFFBQVEsV0FBVztBQUU1QyxTQUFTLEtBQUssU0FBeUM7QUFDckQsU0FBTyxJQUFJLHVCQUF1QixvQ0FBb0MsT0FBTyxHQUFHO0FBQ2xGO0FBRUEsU0FBUyxhQUFhLFNBQXNDO0FBQzFELE1BQUksQ0FBQyxNQUFNLFFBQVEsUUFBUSxJQUFJLFNBQVMsQ0FBQyxFQUFHLFFBQU8sUUFBUSxPQUFPLFdBQVcsV0FBVztBQUN4RixTQUFPLFFBQVEsUUFBUSxXQUFXLFdBQVcsQ0FBQyxTQUFTO0FBQ3JELFNBQUssU0FBUyxDQUFDLFFBQVEsTUFBTSxDQUFDO0FBQzlCLFdBQU8sRUFBRSxNQUFNLEtBQUssTUFBTSxRQUFRLENBQUMsTUFBTSxDQUFDLEdBQUcsTUFBTSxLQUFLLE9BQU8sUUFBUSxXQUFXLEVBQUU7QUFBQSxFQUN0RixDQUFDO0FBQ0g7QUFFQSxTQUFTLGFBQWEsU0FBNkM7QUFDakUsVUFBUSxTQUFTLENBQUMsUUFBUSxXQUFXLE1BQU0sQ0FBQztBQUM1QyxTQUFPO0FBQUEsSUFDTCxNQUFNLFFBQVEsTUFBTSxRQUFRLEtBQUs7QUFBQSxJQUNqQyxTQUFTLGFBQWEsT0FBTztBQUFBLElBQzdCLE1BQU0sUUFBUSxTQUFTLFFBQVEsQ0FBQyxRQUFRLFFBQVEsT0FBTyxLQUFLLEdBQUcsQ0FBQztBQUFBLEVBQ2xFO0FBQ0Y7QUFFQSxTQUFTLGNBQWMsU0FBK0M7QUFDcEUsUUFBTSxXQUFXLFFBQVEsUUFBUSxZQUFZLGNBQWMsWUFBWTtBQUN2RSxRQUFNLE9BQU8sU0FBUyxHQUFHLEVBQUU7QUFDM0IsTUFBSSxTQUFTLE9BQVcsT0FBTSxLQUFLLG1EQUFtRDtBQUN0RixNQUFJLEtBQUssU0FBUyxPQUFRLE9BQU0sS0FBSyxnREFBZ0QsS0FBSyxJQUFJLEdBQUc7QUFDakcsUUFBTSxZQUFZLFNBQVMsVUFBVSxDQUFDLFNBQVMsTUFBTSxRQUFRLFNBQVMsWUFBWSxJQUFJLENBQUM7QUFDdkYsTUFBSSxZQUFZLEVBQUcsT0FBTSxLQUFLLFlBQVksU0FBUyxpREFBaUQ7QUFDcEcsU0FBTztBQUNUO0FBRUEsU0FBUyxVQUFVLFNBQW9DO0FBQ3JELE1BQUksQ0FBQyxNQUFNLFFBQVEsUUFBUSxJQUFJLE1BQU0sQ0FBQyxFQUFHLFFBQU8sZ0JBQWdCLFFBQVEsSUFBSSxNQUFNLEdBQUcsTUFBTTtBQUMzRixTQUFPLFFBQVEsTUFBTSxRQUFRLFdBQVcsZUFBZTtBQUN6RDtBQUVBLFNBQVMsZ0JBQWdCLE9BQWdCLE1BQXNCO0FBQzdELE1BQUksT0FBTyxVQUFVLFlBQVksTUFBTSxXQUFXLEtBQUssTUFBTSxTQUFTLGlCQUFpQjtBQUNyRixVQUFNLEtBQUssR0FBRyxJQUFJLDZCQUE2QixlQUFlLGFBQWE7QUFBQSxFQUM3RTtBQUNBLFNBQU87QUFDVDtBQUdPLFNBQVMsMkJBQTJCLE9BQXVDO0FBQ2hGLFFBQU0sVUFBVSxJQUFJLE9BQU8sT0FBTyxJQUFJLENBQUMsWUFBWSxLQUFLLFFBQVEsUUFBUSxVQUFVLGtCQUFrQixDQUFDLENBQUM7QUFDdEcsUUFBTSxjQUFjLFFBQVEsS0FBSyxFQUFFLEtBQUssQ0FBQyxRQUFRLFFBQVEsSUFBSSxHQUFHLEtBQUssQ0FBQyxPQUFPLEtBQUssQ0FBQyxVQUFVLFVBQVUsR0FBRyxDQUFDO0FBQzNHLE1BQUksZ0JBQWdCLE9BQVcsT0FBTSxLQUFLLEdBQUcsV0FBVyw0Q0FBNEMsT0FBTyxLQUFLLElBQUksQ0FBQyxHQUFHO0FBQ3hILFFBQU0sU0FBUztBQUFBLElBQ2IsVUFBVSxjQUFjLE9BQU87QUFBQSxJQUMvQixPQUFPLFFBQVEsU0FBUyxTQUFTLENBQUMsUUFBUSxRQUFRLE9BQU8sS0FBSyxJQUFJLENBQUM7QUFBQSxJQUNuRSxZQUFZLFFBQVEsU0FBUyxjQUFjLENBQUMsUUFBUSxRQUFRLFFBQVEsS0FBSyxHQUFHLFVBQVUsQ0FBQztBQUFBLElBQ3ZGLHVCQUF1QixRQUFRLFNBQVMseUJBQXlCLENBQUMsUUFBUSxRQUFRLFFBQVEsS0FBSyxHQUFHLFVBQVUsQ0FBQztBQUFBLElBQzdHLGFBQWEsUUFBUSxTQUFTLGVBQWUsQ0FBQyxRQUFRLFFBQVEsT0FBTyxLQUFLLEdBQUcsQ0FBQyxDQUFDO0FBQUEsSUFDL0UsT0FBTyxRQUFRLFNBQVMsU0FBUyxDQUFDLFFBQVEsUUFBUSxPQUFPLEtBQUssTUFBTSxDQUFDLENBQUM7QUFBQSxJQUN0RSxNQUFNLFFBQVEsU0FBUyxRQUFRLENBQUMsUUFBUSxRQUFRLFFBQVEsS0FBSyxPQUFPLGtCQUFrQixPQUFPLGdCQUFnQixDQUFDO0FBQUEsSUFDOUcsTUFBTSxRQUFRLFNBQVMsUUFBUSxNQUFNLFVBQVUsT0FBTyxDQUFDO0FBQUEsSUFDdkQsR0FBRyxRQUFRLFNBQVMsS0FBSyxDQUFDLFFBQVEsUUFBUSxNQUFNLEtBQUssQ0FBQyxDQUFDLENBQUMsQ0FBQztBQUFBLEVBQzNEO0FBQ0EsUUFBTSxnQkFBZ0IsUUFBUSxTQUFTLGtCQUFrQixDQUFDLFFBQVE7QUFDaEUsVUFBTSxVQUFVLFFBQVEsT0FBTyxHQUFHO0FBQ2xDLFlBQVEsU0FBUyxDQUFDLGVBQWUsQ0FBQztBQUNsQyxXQUFPLEVBQUUsZUFBZSxRQUFRLFNBQVMsaUJBQWlCLENBQUMsU0FBUyxRQUFRLFFBQVEsSUFBSSxDQUFDLEVBQUU7QUFBQSxFQUM3RixDQUFDO0FBQ0QsUUFBTSxTQUFTLFFBQVEsU0FBUyxVQUFVLENBQUMsUUFBUSxRQUFRLFFBQVEsR0FBRyxDQUFDLEtBQUs7QUFDNUUsTUFBSSxPQUFRLFFBQU8sRUFBRSxHQUFHLFFBQVEsUUFBUSxnQkFBZ0IsY0FBYztBQUN0RSxNQUFJLGtCQUFrQixPQUFXLE9BQU0sS0FBSyxtQ0FBbUM7QUFDL0UsU0FBTyxFQUFFLEdBQUcsUUFBUSxPQUFPO0FBQzdCOzs7QUN2RU8sSUFBTSxRQUFRO0FBQUEsRUFDbkIsUUFBUTtBQUFBLEVBQ1IsV0FBVztBQUFBLEVBQ1gsbUJBQW1CO0FBQUEsRUFDbkIsWUFBWTtBQUFBLEVBQ1osa0JBQWtCO0FBQUEsRUFDbEIsY0FBYztBQUFBLEVBQ2QsZ0NBQWdDO0FBQ2xDO0FBaUNBLElBQU1DLFlBQVcsS0FBSztBQUN0QixJQUFNLGFBQWEsS0FBSztBQUN4QixJQUFNLGNBQWM7QUFFcEIsSUFBTSxlQUFlLENBQUMsVUFBVSxRQUFRLGtCQUFrQixVQUFVLFVBQVUsYUFBYTtBQUMzRixJQUFNLGVBQWUsQ0FBQyxZQUFZLFFBQVEsUUFBUSxVQUFVLGNBQWMsVUFBVSxPQUFPLE9BQU87QUFDbEcsSUFBTSxhQUFhLE9BQU8sS0FBSyxLQUFLLEVBQUUsT0FBTyxDQUFDLFNBQTJCLE9BQU8sT0FBTyxPQUFPLElBQUksQ0FBQztBQUNuRyxJQUFNLFNBQVMsQ0FBQyxVQUFVLFdBQVcsV0FBVyxPQUFPO0FBRXZELFNBQVMsY0FBYyxPQUF3QjtBQUM3QyxTQUFPLElBQUksT0FBTyxPQUFPLFdBQVcsQ0FBQyxZQUFZLElBQUksY0FBYyw4Q0FBOEMsT0FBTyxHQUFHLENBQUM7QUFDOUg7QUFFQSxTQUFTLEtBQUssU0FBeUI7QUFDckMsU0FBTyxRQUFRLFFBQVEsTUFBTSxHQUFHLE9BQU8sZ0JBQWdCO0FBQ3pEO0FBUU8sU0FBUyxtQkFBbUIsT0FBK0I7QUFDaEUsUUFBTSxVQUFVLGNBQWMsS0FBSztBQUNuQyxRQUFNLE9BQU8sUUFBUSxNQUFNLFFBQVEsWUFBWTtBQUMvQyxVQUFRLE1BQU07QUFBQSxJQUNaLEtBQUs7QUFDSCxhQUFPO0FBQUEsUUFDTDtBQUFBLFFBQ0EsSUFBSSxLQUFLLE9BQU87QUFBQSxRQUNoQixRQUFRLGlCQUFpQixRQUFRLE9BQU8sUUFBUSxDQUFDO0FBQUEsUUFDakQsVUFBVSxpQkFBaUIsUUFBUSxPQUFPLFVBQVUsQ0FBQztBQUFBLFFBQ3JELFNBQVMsUUFBUSxTQUFTLFdBQVcsQ0FBQyxRQUFRLFFBQVEsT0FBTyxLQUFLLEVBQUUsQ0FBQztBQUFBLE1BQ3ZFO0FBQUEsSUFDRixLQUFLO0FBQ0gsYUFBTyxFQUFFLE1BQU0sSUFBSSxLQUFLLE9BQU8sR0FBRyxNQUFNLFFBQVEsTUFBTSxRQUFRLFVBQVUsRUFBRTtBQUFBLElBQzVFLEtBQUs7QUFDSCxhQUFPLEVBQUUsTUFBTSxJQUFJLEtBQUssT0FBTyxHQUFHLFNBQVMsMkJBQTJCLFFBQVEsSUFBSSxTQUFTLENBQUMsRUFBRTtBQUFBLElBQ2hHLEtBQUs7QUFBQSxJQUNMLEtBQUs7QUFDSCxhQUFPLEVBQUUsTUFBTSxJQUFJLEtBQUssT0FBTyxFQUFFO0FBQUEsSUFDbkMsS0FBSztBQUNILGFBQU8sRUFBRSxNQUFNLE9BQU8sUUFBUSxNQUFNLFNBQVMsVUFBVSxFQUFFO0FBQUEsSUFDM0Q7QUFDRSxhQUFPLFlBQVksSUFBSTtBQUFBLEVBQzNCO0FBQ0Y7QUFFTyxTQUFTLG1CQUFtQixPQUErQjtBQUNoRSxRQUFNLFVBQVUsY0FBYyxLQUFLO0FBQ25DLFFBQU0sT0FBTyxRQUFRLE1BQU0sUUFBUSxZQUFZO0FBQy9DLFVBQVEsTUFBTTtBQUFBLElBQ1osS0FBSztBQUNILGFBQU8sRUFBRSxNQUFNLFFBQVEsWUFBWSxRQUFRLE9BQU8sUUFBUSxDQUFDLEVBQUU7QUFBQSxJQUMvRCxLQUFLO0FBQUEsSUFDTCxLQUFLO0FBQ0gsYUFBTyxFQUFFLE1BQU0sSUFBSSxLQUFLLE9BQU8sRUFBRTtBQUFBLElBQ25DLEtBQUs7QUFDSCxhQUFPLEVBQUUsTUFBTSxJQUFJLEtBQUssT0FBTyxHQUFHLE1BQU0sUUFBUSxPQUFPLFFBQVFDLFNBQVEsRUFBRTtBQUFBLElBQzNFLEtBQUs7QUFDSCxhQUFPLEVBQUUsTUFBTSxJQUFJLEtBQUssT0FBTyxHQUFHLE9BQU8sUUFBUSxPQUFPLFNBQVMsQ0FBQyxPQUFPLFdBQVcsT0FBTyxTQUFTLEVBQUU7QUFBQSxJQUN4RyxLQUFLO0FBQ0gsYUFBTyxFQUFFLE1BQU0sSUFBSSxLQUFLLE9BQU8sR0FBRyxZQUFZLGdCQUFnQixRQUFRLE9BQU8sWUFBWSxDQUFDLEVBQUU7QUFBQSxJQUM5RixLQUFLO0FBQ0gsYUFBTyxFQUFFLE1BQU0sSUFBSSxLQUFLLE9BQU8sR0FBRyxRQUFRLFFBQVEsUUFBUSxVQUFVLFlBQVksVUFBVSxFQUFFO0FBQUEsSUFDOUYsS0FBSztBQUNILGFBQU8sRUFBRSxNQUFNLElBQUksS0FBSyxPQUFPLEdBQUcsT0FBTyxXQUFXLFFBQVEsT0FBTyxPQUFPLENBQUMsRUFBRTtBQUFBLElBQy9FO0FBQ0UsYUFBTyxZQUFZLElBQUk7QUFBQSxFQUMzQjtBQUNGO0FBRUEsU0FBUyxZQUFZLFFBQW9DO0FBQ3ZELFFBQU0sVUFBVSxPQUFPLFNBQVMsV0FBVyxDQUFDLFFBQVEsT0FBTyxPQUFPLEtBQUtBLFNBQVEsQ0FBQztBQUNoRixTQUFPO0FBQUEsSUFDTCxVQUFVLE9BQU8sT0FBTyxZQUFZLEdBQUcsQ0FBQztBQUFBLElBQ3hDLGFBQWEsT0FBTyxPQUFPLGVBQWUsR0FBRyxPQUFPLFNBQVM7QUFBQSxJQUM3RCxNQUFNLE9BQU8sT0FBTyxRQUFRQSxTQUFRO0FBQUEsSUFDcEMsT0FBTyxPQUFPLE1BQU0sU0FBUyxNQUFNO0FBQUEsSUFDbkMsV0FBVyxPQUFPLFFBQVEsYUFBYSxHQUFHLE9BQU8sZ0JBQWdCO0FBQUEsSUFDakUsWUFBWSxPQUFPLFFBQVEsY0FBYyxHQUFHLE9BQU8sZ0JBQWdCO0FBQUEsSUFDbkUsR0FBSSxZQUFZLFVBQWEsRUFBRSxRQUFRO0FBQUEsRUFDekM7QUFDRjtBQUVBLFNBQVMsV0FBVyxPQUEwQjtBQUM1QyxRQUFNLE9BQU8sTUFBTSxPQUFPLFFBQVEsRUFBRTtBQUNwQyxNQUFJLENBQUMsWUFBWSxJQUFJLEVBQUcsT0FBTSxNQUFNLE1BQU0sUUFBUSxPQUFPLEtBQUssYUFBYSxFQUFFLEtBQUssTUFBTSxDQUFDO0FBQ3pGLFNBQU8sRUFBRSxNQUFNLFNBQVMsTUFBTSxPQUFPLFdBQVdBLFNBQVEsR0FBRyxTQUFTLGFBQWEsTUFBTSxPQUFPLFNBQVMsQ0FBQyxFQUFFO0FBQzVHO0FBRUEsU0FBUyxhQUFhLFNBQStCO0FBQ25ELFFBQU0sT0FBTyxRQUFRLEtBQUs7QUFDMUIsTUFBSSxLQUFLLFNBQVMsWUFBYSxPQUFNLFFBQVEsS0FBSyxHQUFHLFFBQVEsSUFBSSxRQUFRLEtBQUssTUFBTSxxQkFBcUIsV0FBVyxjQUFjO0FBQ2xJLFNBQU8sT0FBTyxZQUFZLEtBQUssSUFBSSxDQUFDLFFBQVE7QUFDMUMsVUFBTSxRQUFRLFFBQVEsSUFBSSxHQUFHO0FBQzdCLFFBQUksT0FBTyxVQUFVLFlBQVksT0FBTyxVQUFVLFlBQVksT0FBTyxVQUFVLFdBQVc7QUFDeEYsWUFBTSxRQUFRLE1BQU0sS0FBSyw2QkFBNkI7QUFBQSxJQUN4RDtBQUNBLFdBQU8sQ0FBQyxLQUFLLEtBQUs7QUFBQSxFQUNwQixDQUFDLENBQUM7QUFDSjtBQUdPLFNBQVMsWUFBWSxPQUFxQjtBQUMvQyxRQUFNLElBQUksY0FBYyxvQkFBb0IsT0FBTyxLQUFLLENBQUMsRUFBRTtBQUM3RDs7O0FQN0pBLElBQU0sUUFBUSxJQUFJLGNBQWMsS0FBSztBQUNyQyxJQUFNLFFBQVEsTUFBTSxFQUFFLFFBQVEsSUFBSSxRQUFRLEdBQUcsWUFBWSxFQUFFLEdBQUcsRUFBRSxXQUFXLEdBQUcsZ0JBQWdCLEdBQUcsWUFBWSxJQUFJLFVBQVUsR0FBRyxDQUFDO0FBRS9ILElBQU0sa0JBQTRDO0FBQUEsRUFDaEQsRUFBRSxNQUFNLFVBQVUsSUFBSSxHQUFHLFFBQVEsRUFBRSxVQUFVLE9BQU8sVUFBVSx3Q0FBd0MsR0FBRyxVQUFVLENBQUMsR0FBRyxTQUFTLE9BQVU7QUFBQSxFQUMxSTtBQUFBLElBQ0UsTUFBTTtBQUFBLElBQVUsSUFBSTtBQUFBLElBQUcsVUFBVSxFQUFFLHFCQUFxQixHQUFHO0FBQUEsSUFBRyxTQUFTO0FBQUEsSUFDdkUsUUFBUSxFQUFFLFVBQVUsT0FBTyxVQUFVLDRCQUE0QixpQkFBaUIsS0FBSyxPQUFPLEVBQUUsR0FBRyxPQUFPLEVBQUUsU0FBUyxzQkFBc0IsRUFBRTtBQUFBLEVBQy9JO0FBQUEsRUFDQSxFQUFFLE1BQU0sUUFBUSxJQUFJLEdBQUcsTUFBTSxTQUFTO0FBQUEsRUFDdEM7QUFBQSxJQUNFLE1BQU07QUFBQSxJQUFrQixJQUFJO0FBQUEsSUFBRyxTQUFTO0FBQUEsTUFDdEMsVUFBVSxDQUFDLEVBQUUsTUFBTSxVQUFVLFNBQVMsS0FBSyxNQUFNLE9BQVUsR0FBRyxFQUFFLE1BQU0sUUFBUSxTQUFTLENBQUMsRUFBRSxNQUFNLFFBQVEsTUFBTSxLQUFLLENBQUMsR0FBRyxNQUFNLEtBQUssQ0FBQztBQUFBLE1BQ25JLE9BQU87QUFBQSxNQUFPLFlBQVk7QUFBQSxNQUFHLHVCQUF1QjtBQUFBLE1BQUcsYUFBYTtBQUFBLE1BQUcsT0FBTztBQUFBLE1BQUssTUFBTTtBQUFBLE1BQUksTUFBTSxDQUFDLEtBQUssR0FBRztBQUFBLE1BQUcsR0FBRztBQUFBLE1BQ2xILFFBQVE7QUFBQSxNQUFNLGdCQUFnQixFQUFFLGVBQWUsS0FBSztBQUFBLElBQ3REO0FBQUEsRUFDRjtBQUFBLEVBQ0EsRUFBRSxNQUFNLFVBQVUsSUFBSSxFQUFFO0FBQUEsRUFDeEIsRUFBRSxNQUFNLFVBQVUsSUFBSSxFQUFFO0FBQUEsRUFDeEIsRUFBRSxNQUFNLGVBQWUsT0FBTyxPQUFPO0FBQ3ZDO0FBRUEsSUFBTSxrQkFBNEM7QUFBQSxFQUNoRCxFQUFFLE1BQU0sWUFBWSxRQUFRLEVBQUUsVUFBVSxLQUFLLGFBQWEsR0FBRyxNQUFNLEtBQUssT0FBTyxXQUFXLFdBQVcsR0FBRyxZQUFZLEdBQUcsU0FBUyxJQUFJLEVBQUU7QUFBQSxFQUN0SSxFQUFFLE1BQU0sUUFBUSxJQUFJLEVBQUU7QUFBQSxFQUN0QixFQUFFLE1BQU0sUUFBUSxJQUFJLEdBQUcsTUFBTSxJQUFJO0FBQUEsRUFDakMsRUFBRSxNQUFNLFVBQVUsSUFBSSxHQUFHLE9BQU8sRUFBRTtBQUFBLEVBQ2xDLEVBQUUsTUFBTSxjQUFjLElBQUksR0FBRyxZQUFZLE1BQU0sV0FBVyxTQUFTLFFBQVEsS0FBSyxFQUFFO0FBQUEsRUFDbEYsRUFBRSxNQUFNLFVBQVUsSUFBSSxHQUFHLFFBQVEsQ0FBQyxNQUFNLFVBQVUsR0FBRyxNQUFNLFVBQVUsS0FBSyxHQUFHLE1BQU0sWUFBWSxRQUFRLEdBQUcsTUFBTSxXQUFXLEtBQUssQ0FBQyxFQUFFO0FBQUEsRUFDbkksRUFBRSxNQUFNLE9BQU8sSUFBSSxFQUFFO0FBQUEsRUFDckIsRUFBRSxNQUFNLFNBQVMsSUFBSSxHQUFHLE9BQU8sRUFBRSxNQUFNLGVBQWUsU0FBUyxLQUFLLFNBQVMsRUFBRSxPQUFPLEdBQUcsTUFBTSxNQUFNLE9BQU8sS0FBSyxFQUFFLEVBQUU7QUFDdkg7QUFFQSxLQUFLLHlEQUF5RCxNQUFNO0FBQ2xFLGFBQVcsV0FBVyxnQkFBaUIsUUFBTyxVQUFVLG1CQUFtQixnQkFBZ0IsT0FBTyxDQUFDLEdBQUcsT0FBTztBQUM3RyxhQUFXLFdBQVcsZ0JBQWlCLFFBQU8sVUFBVSxtQkFBbUIsZ0JBQWdCLE9BQU8sQ0FBQyxHQUFHLE9BQU87QUFDL0csQ0FBQztBQUVELEtBQUssNkJBQTZCLE1BQU07QUFDdEMsYUFBVyxRQUFRLE9BQU8sS0FBSyxLQUFLLEVBQUcsUUFBTyxVQUFVLG1CQUFtQixFQUFFLE1BQU0sUUFBUSxJQUFJLEdBQUcsS0FBSyxDQUFDLEdBQUcsRUFBRSxNQUFNLFFBQVEsSUFBSSxHQUFHLEtBQUssQ0FBQztBQUMxSSxDQUFDO0FBR0QsVUFBVSxVQUFVLE9BQW9DO0FBQ3RELGFBQVcsU0FBUyxDQUFDLE1BQU0sUUFBVyxPQUFPLElBQUksSUFBSSxPQUFPLENBQUMsR0FBRyxDQUFDLEdBQUcsQ0FBQyxHQUFHLElBQUksRUFBRyxPQUFNO0FBQ3JGLE1BQUksT0FBTyxVQUFVLFlBQVksVUFBVSxLQUFNO0FBQ2pELGFBQVcsQ0FBQyxLQUFLLEtBQUssS0FBSyxPQUFPLFFBQVEsS0FBSyxHQUFHO0FBQ2hELGVBQVcsV0FBVyxVQUFVLEtBQUssR0FBRztBQUN0QyxZQUFNLE1BQU0sUUFBUSxLQUFLLElBQUksTUFBTSxJQUFJLENBQUMsTUFBZSxNQUFPLE9BQU8sQ0FBQyxNQUFNLE1BQU0sVUFBVSxJQUFLLElBQUksRUFBRSxHQUFHLE9BQU8sQ0FBQyxHQUFHLEdBQUcsUUFBUTtBQUFBLElBQ2xJO0FBQUEsRUFDRjtBQUNGO0FBRUEsS0FBSyx5R0FBeUcsTUFBTTtBQUNsSCxNQUFJLFVBQVU7QUFDZCxRQUFNLE9BQU8sQ0FBQyxPQUE2QyxZQUEyQjtBQUNwRixRQUFJO0FBQ0YsYUFBTyxHQUFHLE1BQU0sT0FBTyxFQUFFLEtBQUssU0FBUyxDQUFDO0FBQUEsSUFDMUMsU0FBUyxPQUFPO0FBQ2QsYUFBTyxHQUFHLGlCQUFpQixnQkFBZ0IsT0FBTyxLQUFLLENBQUM7QUFDeEQsYUFBTyxHQUFHLE1BQU0sU0FBUyxjQUFjLE1BQU0sU0FBUyxxQkFBcUIsTUFBTSxJQUFJO0FBQ3JGO0FBQUEsSUFDRjtBQUFBLEVBQ0Y7QUFDQSxhQUFXLFdBQVcsZ0JBQWlCLFlBQVcsV0FBVyxVQUFVLE9BQU8sRUFBRyxNQUFLLG9CQUFvQixPQUFPO0FBQ2pILGFBQVcsV0FBVyxnQkFBaUIsWUFBVyxXQUFXLFVBQVUsT0FBTyxFQUFHLE1BQUssb0JBQW9CLE9BQU87QUFDakgsU0FBTyxHQUFHLFVBQVUsS0FBSyxHQUFHLE9BQU8sVUFBVTtBQUMvQyxDQUFDO0FBRUQsS0FBSyxnRUFBZ0UsTUFBTTtBQUN6RSxhQUFXLFdBQVcsQ0FBQyxFQUFFLE1BQU0sVUFBVSxJQUFJLEVBQUUsR0FBRyxFQUFFLE1BQU0sUUFBUSxJQUFJLEdBQUcsTUFBTSxjQUFjLEdBQUcsRUFBRSxNQUFNLFFBQVEsSUFBSSxLQUFLLE1BQU0sU0FBUyxDQUFDLEdBQUc7QUFDMUksV0FBTyxPQUFPLE1BQU0sbUJBQW1CLE9BQU8sR0FBRyxhQUFhO0FBQUEsRUFDaEU7QUFDQSxTQUFPLE9BQU8sTUFBTSxtQkFBbUIsRUFBRSxNQUFNLFNBQVMsSUFBSSxHQUFHLE9BQU8sRUFBRSxNQUFNLFlBQVksU0FBUyxJQUFJLFNBQVMsQ0FBQyxFQUFFLEVBQUUsQ0FBQyxHQUFHLGFBQWE7QUFDdEksU0FBTyxPQUFPLE1BQU0sbUJBQW1CLEVBQUUsTUFBTSxTQUFTLElBQUksR0FBRyxPQUFPLEVBQUUsTUFBTSxTQUFTLFNBQVMsSUFBSSxTQUFTLEVBQUUsR0FBRyxDQUFDLEVBQUUsRUFBRSxFQUFFLENBQUMsR0FBRyxhQUFhO0FBQzFJLFNBQU8sT0FBTyxNQUFNLG1CQUFtQixFQUFFLE1BQU0sZUFBZSxPQUFPLElBQUksT0FBTyxHQUFNLEVBQUUsQ0FBQyxHQUFHLENBQUMsVUFBaUIsTUFBTSxRQUFRLFNBQVMsR0FBRztBQUMxSSxDQUFDO0FBRUQsS0FBSyxnRkFBZ0YsTUFBTTtBQUN6RixhQUFXLENBQUMsTUFBTSxVQUFVLEtBQUssT0FBTyxRQUFRLGFBQWEsR0FBRztBQUM5RCxVQUFNLFFBQVEsU0FBUyxnQkFBZ0IsT0FBTyxJQUFJLFdBQVcsY0FBYyxFQUFFLE9BQU8sRUFBRSxDQUFDLENBQUMsQ0FBQyxDQUFDO0FBQzFGLFdBQU8sR0FBRyxpQkFBaUIsY0FBYyxpQkFBaUIsa0JBQWtCLGlCQUFpQixLQUFLO0FBQ2xHLFdBQU8sR0FBRyxZQUFZLElBQUksQ0FBQztBQUMzQixXQUFPLFVBQVUsQ0FBQyxNQUFNLE1BQU0sTUFBTSxNQUFNLE1BQU0sU0FBUyxNQUFNLE9BQU8sR0FBRyxDQUFDLE1BQU0sR0FBRyxJQUFJLFNBQVMsY0FBYyxFQUFFLE9BQU8sRUFBRSxDQUFDLENBQUM7QUFBQSxFQUM3SDtBQUNGLENBQUM7QUFFRCxLQUFLLHVDQUF1QyxNQUFNO0FBQ2hELFNBQU8sR0FBRyxjQUFjLElBQUksVUFBVSxHQUFHLENBQUMsYUFBYSxhQUFhO0FBQ3BFLFNBQU8sTUFBTSxjQUFjLElBQUksYUFBYSxRQUFRLFlBQVksQ0FBQyxFQUFFLE1BQU0sT0FBTztBQUNoRixTQUFPLE1BQU0sY0FBYyxNQUFNLEVBQUUsU0FBUyxNQUFNO0FBQ3BELENBQUM7IiwKICAibmFtZXMiOiBbImZhaWwiLCAidXNhZ2UiLCAiTUFYX1RFWFQiLCAiTUFYX1RFWFQiXQp9Cg==
