/**
 * The messages between a page and the worker that holds the engine: two closed unions, read from untrusted values at both ends. A
 * request carries an `id`; what answers it carries the same one. It is answered by one message (vectors are `accepted` before), except an answer of the model: that is
 * `begun` when it was accepted, and then `events` until the last of them is its end, or an error.
 */

import { WAITS } from "../support/waiting.ts";
import type { AnswerCall, KeptAnswer, LoadCall, LoadedModelInfo, NamedEmbeddings } from "../api/host.ts";
import { readAnswerRequest, readPrompt } from "../api/answer_request.ts";
import { MAX_URL, parseModelChoice } from "../api/config.ts";
import { MAX_NAME } from "../api/openai/messages.ts";
import { MAX_DIMENSIONS, MAX_SESSION_ID } from "../api/openai/request.ts";
import { ANSWER_ENDS, PROMPT_PLACES, type AnswerEvent, type LikelyToken, type Prompt } from "../engine/answer.ts";
import type { ModelChoice } from "../engine/choice.ts";
import type { EmbeddingCall } from "../engine/pooling.ts";
import type { Computer } from "../executor/devices.ts";
import { INIT_PHASES, WARNINGS, type InitProgressReport, type LoadTimes } from "../engine/progress.ts";
import { MAX_TOP_LOGPROBS } from "../executor/abi.generated.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import { SENSES } from "../media/source.ts";
import { POOLINGS } from "../storage/embedding_facts.ts";
import { ERROR_CLASSES, ProtocolError, isErrorCode, type ErrorDetails, type WireError } from "../support/errors.ts";
import { Fields, isRecord, present } from "../support/fields.ts";
import { LOG_LEVELS, type LogLevel } from "../support/log.ts";

/** Calls that may be about one model, by what answers them. */
export const CALLS = {
  unload: "done",
  forgetConversations: "done",
  interruptGenerate: "done",
  getGPUVendor: "text",
  getMaxStorageBufferBindingSize: "number",
  loadedModels: "models",
  keptAnswers: "sessions",
} as const;
export type CallName = keyof typeof CALLS;

/** Page to worker. */
export type ClientMessage =
  | LoadCall & { readonly kind: "reload"; readonly id: number }
  | AnswerCall & { readonly kind: "answer"; readonly id: number }
  | { readonly kind: "estimate"; readonly id: number; readonly choice: ModelChoice }
  | EmbeddingCall & { readonly kind: "embed"; readonly id: number; readonly model: string | undefined }
  | { readonly kind: "resume" | "deleteSession"; readonly id: number; readonly sessionId: string }
  | { readonly kind: "encode"; readonly id: number; readonly prompt: Prompt; readonly model: string | undefined }
  | { readonly kind: "decode"; readonly id: number; readonly tokens: readonly number[]; readonly model: string | undefined }
  | { readonly kind: "call"; readonly id: number; readonly name: CallName; readonly model?: string | undefined }
  /** The page has taken one `events` message of answer `id`. */
  | { readonly kind: "credit"; readonly id: number }
  /** Answer `id` is to end where it is; what it has until then, and its end, still come. */
  | { readonly kind: "interrupt"; readonly id: number }
  /** Nobody waits for request `id` any more. */
  | { readonly kind: "cancel"; readonly id: number }
  | { readonly kind: "setLogLevel"; readonly level: LogLevel };

/** Worker to page. */
export type WorkerMessage =
  /** Answers the first message, whichever it is, and comes with every tick while a request is open: the worker runs. */
  | { readonly kind: "alive" }
  | { readonly kind: "progress"; readonly report: InitProgressReport }
  | { readonly kind: "deviceLost"; readonly error: WireError }
  /** Nothing is wrong with request `id`, which is computed now. */
  | { readonly kind: "accepted" | "done"; readonly id: number }
  | { readonly kind: "text"; readonly id: number; readonly text: string }
  | { readonly kind: "number"; readonly id: number; readonly value: number }
  | { readonly kind: "sessions"; readonly id: number; readonly sessions: readonly KeptAnswer[] }
  | NamedEmbeddings & { readonly kind: "embeddings"; readonly id: number }
  | { readonly kind: "memory"; readonly id: number; readonly memory: MemoryEstimate }
  | { readonly kind: "tokens"; readonly id: number; readonly tokens: readonly number[] }
  | { readonly kind: "models"; readonly id: number; readonly models: readonly LoadedModelInfo[] }
  | { readonly kind: "begun"; readonly id: number; readonly modelId: string }
  | { readonly kind: "events"; readonly id: number; readonly events: readonly AnswerEvent[] }
  | { readonly kind: "error"; readonly id: number; readonly error: WireError };

const MAX_INPUTS = 4096;
const MAX_TEXT = 1 << 26;
const MAX_EVENTS = 1 << 20;
const MAX_DETAILS = 64;
const MAX_MODELS = 4096;
const MAX_THREADS = 4096;

const CLIENT_KINDS = ["reload", "estimate", "answer", "resume", "deleteSession", "embed", "encode", "decode", "call", "credit", "interrupt", "cancel", "setLogLevel"] as const;
const WORKER_KINDS = ["alive", "progress", "deviceLost", "done", "text", "number", "sessions", "embeddings", "memory", "tokens", "models", "accepted", "begun", "events", "error"] as const;
const CALL_NAMES = Object.keys(CALLS).filter((name): name is CallName => Object.hasOwn(CALLS, name));

function messageFields(value: unknown): Fields {
  return new Fields(value, "message", (message) => new ProtocolError(`Malformed message between page and worker: ${message}.`));
}

function idOf(message: Fields): number {
  return message.integer("id", 0, Number.MAX_SAFE_INTEGER);
}

function modelOf(message: Fields): string | undefined {
  return message.optional("model", (key) => message.string(key, MAX_URL));
}

function tokensOf(fields: Fields, key = "tokens"): number[] {
  return fields.integers(key, MAX_TEXT, 0, Number.MAX_SAFE_INTEGER);
}

/** The id of a message that could not be read otherwise, so that its sender can still be answered. */
export function idOfMalformed(value: unknown): number | null {
  const id = isRecord(value) ? value["id"] : null;
  return typeof id === "number" && Number.isSafeInteger(id) ? id : null;
}

export function parseClientMessage(value: unknown): ClientMessage {
  const message = messageFields(value);
  const kind = message.oneOf("kind", CLIENT_KINDS);
  switch (kind) {
    case "reload":
      return {
        kind, id: idOf(message), choices: message.objects("choices", MAX_MODELS, parseModelChoice), keepsOthers: message.boolean("keepsOthers"),
      };
    case "answer":
      return {
        kind, id: idOf(message), request: readAnswerRequest(message.object("request")), model: modelOf(message),
        past: message.optional("past", () => tokensOf(message, "past")),
      };
    case "estimate":
      return { kind, id: idOf(message), choice: parseModelChoice(message.object("choice")) };
    case "embed":
      return {
        kind, id: idOf(message), inputs: message.objects("inputs", MAX_INPUTS, readPrompt), pooling: message.optional("pooling", (key) => message.oneOf(key, POOLINGS)),
        promptName: message.optional("promptName", (key) => message.string(key, MAX_TEXT)), truncate: message.boolean("truncate"), model: modelOf(message),
        dimensions: message.optional("dimensions", (key) => message.integer(key, 1, MAX_DIMENSIONS)),
      };
    case "resume":
    case "deleteSession":
      return { kind, id: idOf(message), sessionId: message.string("sessionId", MAX_SESSION_ID) };
    case "encode":
      return { kind, id: idOf(message), prompt: readPrompt(message.object("prompt")), model: modelOf(message) };
    case "decode":
      return { kind, id: idOf(message), tokens: tokensOf(message), model: modelOf(message) };
    case "call":
      return { kind, id: idOf(message), name: message.oneOf("name", CALL_NAMES), model: modelOf(message) };
    case "credit":
    case "interrupt":
    case "cancel":
      return { kind, id: idOf(message) };
    case "setLogLevel":
      return { kind, level: message.oneOf("level", LOG_LEVELS) };
    default:
      return unreachable(kind);
  }
}

export function parseWorkerMessage(value: unknown): WorkerMessage {
  const message = messageFields(value);
  const kind = message.oneOf("kind", WORKER_KINDS);
  switch (kind) {
    case "alive":
      return { kind };
    case "progress":
      return { kind, report: parseReport(message.object("report")) };
    case "deviceLost":
      return { kind, error: parseError(message.object("error")) };
    case "accepted":
    case "done":
      return { kind, id: idOf(message) };
    case "text":
      return { kind, id: idOf(message), text: message.string("text", MAX_TEXT) };
    case "number":
      return { kind, id: idOf(message), value: message.number("value", -Number.MAX_VALUE, Number.MAX_VALUE) };
    case "sessions":
      return { kind, id: idOf(message), sessions: message.objects("sessions", MAX_MODELS, parseProbe) };
    case "embeddings":
      return {
        kind, id: idOf(message), modelId: message.string("modelId", MAX_TEXT), tokens: message.integer("tokens", 0, Number.MAX_SAFE_INTEGER),
        vectors: message.array("vectors", MAX_INPUTS, (vector, path) => {
          if (vector instanceof Float32Array) return vector;
          throw message.fail(`${path} must be a Float32Array`);
        }),
      };
    case "memory":
      return { kind, id: idOf(message), memory: parseMemory(message.object("memory")) };
    case "tokens":
      return { kind, id: idOf(message), tokens: tokensOf(message) };
    case "models":
      return {
        kind, id: idOf(message), models: message.objects("models", MAX_MODELS, (model) => (
          { modelId: model.string("modelId", MAX_URL), loadedAt: model.number("loadedAt", 0, Number.MAX_SAFE_INTEGER) })),
      };
    case "begun":
      return { kind, id: idOf(message), modelId: message.string("modelId", MAX_TEXT) };
    case "events":
      return { kind, id: idOf(message), events: message.objects("events", MAX_EVENTS, parseEvent) };
    case "error":
      return { kind, id: idOf(message), error: parseError(message.object("error")) };
    default:
      return unreachable(kind);
  }
}

function parseProbe(session: Fields): KeptAnswer {
  const sessionId = session.string("sessionId", MAX_TEXT);
  const reason = session.optional("reason", (key) => session.string(key, MAX_TEXT));
  if (reason !== undefined) return { sessionId, reason };
  const promptTokens = session.integer("promptTokens", 0, Number.MAX_SAFE_INTEGER);
  return { sessionId, modelId: session.string("modelId", MAX_TEXT), promptTokens, tokens: tokensOf(session) };
}

function parseMemory(memory: Fields): MemoryEstimate {
  const count = (key: keyof MemoryEstimate): number => memory.integer(key, 0, Number.MAX_SAFE_INTEGER);
  return {
    weights: count("weights"), cache: count("cache"), workspace: count("workspace"), total: count("total"), contextLength: count("contextLength"),
  };
}

function parseEvent(event: Fields): AnswerEvent {
  const type = event.oneOf("type", ["token", "text", "reasoning", "toolCall", "toolArguments", "end"]);
  switch (type) {
    case "token":
      return present({
        type, token: event.integer("token", 0, Number.MAX_SAFE_INTEGER), prompt: event.optional("prompt", (key) => event.oneOf(key, PROMPT_PLACES)),
        logprobs: event.optional("logprobs", (key) => {
          const told = event.object(key);
          return { ...parseLikely(told), top: told.objects("top", MAX_TOP_LOGPROBS, parseLikely) };
        }),
      });
    case "text":
    case "reasoning":
      return { type, text: event.string("text", MAX_TEXT) };
    case "toolCall":
      return { type, index: event.integer("index", 0, MAX_EVENTS), id: event.string("id", MAX_NAME), name: event.string("name", MAX_NAME) };
    case "toolArguments":
      return { type, index: event.integer("index", 0, MAX_EVENTS), text: event.string("text", MAX_TEXT) };
    case "end": {
      const [tokens, times] = [event.object("tokens"), event.object("times")];
      const count = (key: string): number => tokens.integer(key, 0, Number.MAX_SAFE_INTEGER);
      const time = (key: string): number => times.number(key, 0, Number.MAX_VALUE);
      return {
        type, finishReason: event.oneOf("finishReason", ANSWER_ENDS),
        tokens: { prompt: count("prompt"), cached: count("cached"), completion: count("completion"), reasoning: count("reasoning"), accepted: count("accepted"), rejected: count("rejected") },
        times: present({
          queued: time("queued"), prefill: time("prefill"), decode: time("decode"), grammar: times.optional("grammar", (key) => {
            const grammar = times.object(key);
            return { compile: grammar.number("compile", 0, Number.MAX_VALUE), masks: grammar.number("masks", 0, Number.MAX_VALUE) };
          }),
        }),
      };
    }
    default:
      return unreachable(type);
  }
}

function parseLikely(likely: Fields): LikelyToken {
  const bytes = likely.optional("bytes", (key) => likely.integers(key, MAX_TEXT, 0, 255)) ?? null;
  return { text: likely.string("text", MAX_TEXT), bytes, logprob: likely.number("logprob", -Number.MAX_VALUE, Number.MAX_VALUE) };
}

function parseReport(report: Fields): InitProgressReport {
  const waiting = report.optional("waiting", (key) => report.string(key, MAX_TEXT));
  const warning = report.optional("warning", (key) => report.string(key, MAX_TEXT));
  const waitingKind = report.optional("waitingKind", (key) => report.oneOf(key, WAITS));
  const warningKind = report.optional("warningKind", (key) => report.oneOf(key, WARNINGS));
  const sense = report.optional("sense", (key) => report.oneOf(key, SENSES));
  const times = report.optional("times", (key) => parseTimes(report.object(key)));
  const computer = report.optional("computer", (key) => parseComputer(report.object(key)));
  return {
    progress: report.number("progress", 0, 1),
    timeElapsed: report.number("timeElapsed", 0, Number.MAX_VALUE),
    text: report.string("text", MAX_TEXT),
    phase: report.oneOf("phase", INIT_PHASES),
    bytesDone: report.integer("bytesDone", 0, Number.MAX_SAFE_INTEGER),
    bytesTotal: report.integer("bytesTotal", 0, Number.MAX_SAFE_INTEGER),
    ...(waiting !== undefined && { waiting, waitingKind }),
    ...(warning !== undefined && { warning, warningKind }),
    ...(sense !== undefined && { sense }),
    ...(times !== undefined && { times }),
    ...(computer !== undefined && { computer }),
  };
}

function parseComputer(computer: Fields): Computer {
  const tokensPerSecond = computer.optional("tokensPerSecond", (key) => computer.number(key, 0, Number.MAX_VALUE));
  return {
    device: computer.oneOf("device", ["gpu", "cpu"]), vendor: computer.string("vendor", MAX_NAME), threads: computer.integer("threads", 1, MAX_THREADS),
    ...(tokensPerSecond !== undefined && { tokensPerSecond }),
  };
}

function parseTimes(times: Fields): LoadTimes {
  const seconds = (key: keyof LoadTimes): number => times.number(key, 0, Number.MAX_VALUE);
  return {
    manifest: seconds("manifest"), device: seconds("device"), tokenizer: seconds("tokenizer"), kernels: seconds("kernels"),
    weights: seconds("weights"),
  };
}

function parseError(error: Fields): WireError {
  const code = error.string("code", 64);
  if (!isErrorCode(code)) throw error.wrong("code", Object.keys(ERROR_CLASSES).join(" or "));
  return { code, message: error.string("message", MAX_TEXT), details: parseDetails(error.object("details")) };
}

function parseDetails(details: Fields): ErrorDetails {
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

/** For the default branch of a switch over a closed union: the compiler refuses it while a case is missing. */
export function unreachable(value: never): never {
  throw new ProtocolError(`Unexpected value ${String(value)}`);
}
