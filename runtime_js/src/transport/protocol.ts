/**
 * The messages between a page and the worker that holds the engine: two closed unions, read from untrusted values at
 * both ends. A request carries an `id`; what answers it carries the same one. An answer is one message, except that
 * a stream is any number of `chunks` and then `end`.
 */

import { parseModelChoice } from "../api/config.ts";
import type { ModelChoice } from "../engine/load.ts";
import { LOG_LEVELS } from "../support/log.ts";
import { ERROR_CLASSES, ProtocolError, isErrorCode, type ErrorDetails, type WireError } from "../support/errors.ts";
import { Fields, isRecord } from "../support/fields.ts";
import { parseChunk, parseCompletion } from "../api/openai/parse.ts";
import { parseChatCompletionRequest } from "../api/openai/request.ts";
import type { ChatCompletion, ChatCompletionChunk, ChatCompletionRequest } from "../api/openai/types.ts";
import type { InitProgressReport, LoadTimes, LogLevel } from "../api/types.ts";

/** Calls without arguments, by what answers them. */
export const CALLS = {
  unload: "done",
  resetChat: "done",
  interruptGenerate: "done",
  getMessage: "text",
  runtimeStatsText: "text",
  getGPUVendor: "text",
  getMaxStorageBufferBindingSize: "number",
} as const;
export type CallName = keyof typeof CALLS;

export interface ReloadMessage extends ModelChoice {
  readonly kind: "reload";
  readonly id: number;
}

/** Page to worker. */
export type ClientMessage =
  | ReloadMessage
  | { readonly kind: "call"; readonly id: number; readonly name: CallName }
  | { readonly kind: "chatCompletion"; readonly id: number; readonly request: ChatCompletionRequest }
  /** The consumer of stream `id` has taken one `chunks` message. */
  | { readonly kind: "credit"; readonly id: number }
  /** Nobody waits for request `id` any more. */
  | { readonly kind: "cancel"; readonly id: number }
  | { readonly kind: "setLogLevel"; readonly level: LogLevel };

/** Worker to page. */
export type WorkerMessage =
  | { readonly kind: "progress"; readonly report: InitProgressReport }
  | { readonly kind: "done"; readonly id: number }
  | { readonly kind: "text"; readonly id: number; readonly text: string }
  | { readonly kind: "number"; readonly id: number; readonly value: number }
  | { readonly kind: "completion"; readonly id: number; readonly completion: ChatCompletion }
  | { readonly kind: "chunks"; readonly id: number; readonly chunks: readonly ChatCompletionChunk[] }
  | { readonly kind: "end"; readonly id: number }
  | { readonly kind: "error"; readonly id: number; readonly error: WireError };

const MAX_TEXT = 1 << 26;
const MAX_CHUNKS = 1 << 20;
const MAX_DETAILS = 64;

const CLIENT_KINDS = ["reload", "call", "chatCompletion", "credit", "cancel", "setLogLevel"] as const;
const WORKER_KINDS = ["progress", "done", "text", "number", "completion", "chunks", "end", "error"] as const;
const CALL_NAMES = Object.keys(CALLS).filter((name): name is CallName => Object.hasOwn(CALLS, name));
const PHASES = ["config", "weights", "kernels", "ready"] as const;

function messageFields(value: unknown): Fields {
  return new Fields(value, "message", (message) => new ProtocolError(`Malformed message between page and worker: ${message}.`));
}

function idOf(message: Fields): number {
  return message.integer("id", 0, Number.MAX_SAFE_INTEGER);
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
      return { kind, id: idOf(message), ...parseModelChoice(message) };
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

export function parseWorkerMessage(value: unknown): WorkerMessage {
  const message = messageFields(value);
  const kind = message.oneOf("kind", WORKER_KINDS);
  switch (kind) {
    case "progress":
      return { kind, report: parseReport(message.object("report")) };
    case "done":
    case "end":
      return { kind, id: idOf(message) };
    case "text":
      return { kind, id: idOf(message), text: message.string("text", MAX_TEXT) };
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

function parseReport(report: Fields): InitProgressReport {
  const warning = report.optional("warning", (key) => report.string(key, MAX_TEXT));
  const times = report.optional("times", (key) => parseTimes(report.object(key)));
  return {
    progress: report.number("progress", 0, 1),
    timeElapsed: report.number("timeElapsed", 0, Number.MAX_VALUE),
    text: report.string("text", MAX_TEXT),
    phase: report.oneOf("phase", PHASES),
    bytesDone: report.integer("bytesDone", 0, Number.MAX_SAFE_INTEGER),
    bytesTotal: report.integer("bytesTotal", 0, Number.MAX_SAFE_INTEGER),
    ...(warning !== undefined && { warning }),
    ...(times !== undefined && { times }),
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
