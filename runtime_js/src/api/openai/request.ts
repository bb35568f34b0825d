/** Validation of a chat completion request: a wrong, missing or unsupported field is an error that names it. */

import { RequestValidationError } from "../../support/errors.ts";
import { Fields } from "../../support/fields.ts";
import type { ChatCompletionMessageParam, ChatCompletionRequest, TextPart } from "./types.ts";

const MAX_MESSAGES = 4096;
const MAX_PARTS = 256;
const MAX_CONTENT = 1 << 24;
const MAX_TOKENS = 1 << 24;
const MAX_STOPS = 16;
const MAX_STOP_LENGTH = 256;

const FIELDS = [
  "messages", "model", "max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "stop", "n", "stream", "stream_options",
] as const;
const ROLES = ["system", "user", "assistant"] as const;

function fail(message: string): RequestValidationError {
  return new RequestValidationError(`Invalid chat completion request: ${message}.`);
}

function parseContent(message: Fields): string | TextPart[] {
  if (!Array.isArray(message.raw("content"))) return message.string("content", MAX_CONTENT);
  return message.objects("content", MAX_PARTS, (part) => {
    part.onlyKeys(["type", "text"]);
    return { type: part.oneOf("type", ["text"]), text: part.string("text", MAX_CONTENT) };
  });
}

function parseMessage(message: Fields): ChatCompletionMessageParam {
  message.onlyKeys(["role", "content", "name"]);
  return {
    role: message.oneOf("role", ROLES),
    content: parseContent(message),
    name: message.optional("name", (key) => message.string(key, 256)),
  };
}

function parseMessages(request: Fields): ChatCompletionMessageParam[] {
  const messages = request.objects("messages", MAX_MESSAGES, parseMessage);
  const last = messages.at(-1);
  if (last === undefined) throw fail("messages is empty; give at least one user message");
  if (last.role !== "user") throw fail(`the last message must have role "user", not "${last.role}"`);
  const misplaced = messages.findIndex((message, i) => message.role === "system" && i > 0);
  if (misplaced > 0) throw fail(`messages[${misplaced}] has role "system"; only the first message may`);
  return messages;
}

function parseStop(request: Fields): string | string[] {
  if (!Array.isArray(request.raw("stop"))) return parseStopString(request.raw("stop"), "stop");
  return request.array("stop", MAX_STOPS, parseStopString);
}

function parseStopString(value: unknown, path: string): string {
  if (typeof value !== "string" || value.length === 0 || value.length > MAX_STOP_LENGTH) {
    throw fail(`${path} must be a string of 1 to ${MAX_STOP_LENGTH} characters`);
  }
  return value;
}

/** A fresh request that holds the known fields of `value` and nothing else. Raises RequestValidationError. */
export function parseChatCompletionRequest(value: unknown): ChatCompletionRequest {
  const request = new Fields(value, "", (message) => fail(message.replace(/^ must/, "the request must")));
  const unsupported = request.keys().find((key) => request.has(key) && !FIELDS.some((field) => field === key));
  if (unsupported !== undefined) throw fail(`${unsupported} is not supported; remove it (supported: ${FIELDS.join(", ")})`);
  const fields = {
    messages: parseMessages(request),
    model: request.optional("model", (key) => request.string(key, 1024)),
    max_tokens: request.optional("max_tokens", (key) => request.integer(key, 1, MAX_TOKENS)),
    max_completion_tokens: request.optional("max_completion_tokens", (key) => request.integer(key, 1, MAX_TOKENS)),
    temperature: request.optional("temperature", (key) => request.number(key, 0, 2)),
    top_p: request.optional("top_p", (key) => request.number(key, 1e-6, 1)),
    seed: request.optional("seed", (key) => request.integer(key, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
    stop: request.optional("stop", () => parseStop(request)),
    n: request.optional("n", (key) => request.oneOf(key, [1])),
  };
  const streamOptions = request.optional("stream_options", (key) => {
    const options = request.object(key);
    options.onlyKeys(["include_usage"]);
    return { include_usage: options.optional("include_usage", (name) => options.boolean(name)) };
  });
  const stream = request.optional("stream", (key) => request.boolean(key)) ?? false;
  if (stream) return { ...fields, stream, stream_options: streamOptions };
  if (streamOptions !== undefined) throw fail("stream_options needs stream: true");
  return { ...fields, stream };
}
