/** Validation of requests: a wrong, missing or unsupported field is an error that names it. Null is absent everywhere. */

import type { AnswerRequest } from "../../engine/answer.ts";
import { RequestValidationError } from "../../support/errors.ts";
import { Fields } from "../../support/fields.ts";
import type { ChatMessage } from "../../tokenizer/chat_tokenizer.ts";
import { NEUTRAL, NEUTRAL_IN_MESSAGE, NEUTRAL_IN_PART, NEUTRAL_IN_STREAM_OPTIONS, refuseUnsupported } from "./neutral.ts";

export const MAX_MESSAGES = 4096;
const MAX_PARTS = 256;
export const MAX_CONTENT = 1 << 24;
export const MAX_TOKENS = 1 << 24;
export const MAX_STOPS = 16;
export const MAX_STOP_LENGTH = 256;
export const MAX_NAME = 1024;

const SAMPLING_FIELDS = ["model", "max_tokens", "temperature", "top_p", "seed", "stop", "n", "stream", "stream_options"] as const;
const CHAT_FIELDS = ["messages", "max_completion_tokens", ...SAMPLING_FIELDS];
const TEXT_FIELDS = ["prompt", ...SAMPLING_FIELDS];
const ROLES = ["system", "developer", "user", "assistant"] as const;

/** A valid request in the engine's terms. */
export interface ParsedRequest {
  readonly answer: AnswerRequest;
  /** The model that it asks for; undefined takes any. */
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

function fieldsOf(value: unknown, what: string): Fields {
  return new Fields(value, "", (message, path) => new RequestValidationError(
    `Invalid ${what} request: ${message.replace(/^ must/, "the request must")}.`, path === undefined || path === "" ? {} : { param: path }));
}

function parseContent(message: Fields, role: string): string {
  if (!message.has("content") && role === "assistant") return ""; // OpenAI's own answers say null where there is no text
  if (!Array.isArray(message.raw("content"))) return message.string("content", MAX_CONTENT);
  return message.objects("content", MAX_PARTS, (part) => {
    part.oneOf("type", ["text"]);
    refuseUnsupported(part, ["type", "text"], NEUTRAL_IN_PART);
    return part.string("text", MAX_CONTENT);
  }).join("");
}

function parseMessage(message: Fields): ChatMessage {
  const role = message.oneOf("role", ROLES);
  refuseUnsupported(message, ["role", "content", "name"], NEUTRAL_IN_MESSAGE);
  const name = message.optional("name", (key) => message.string(key, MAX_NAME));
  return {
    role: role === "developer" ? "system" : role, content: parseContent(message, role), ...(name !== undefined && { name }),
  };
}

/** Whether system messages may stand later or alone, or roles repeat, is for the model's template to say. */
function parseMessages(request: Fields): ChatMessage[] {
  const messages = request.objects("messages", MAX_MESSAGES, parseMessage);
  if (messages.length === 0) throw request.fail("messages is empty; give at least one user message", "messages");
  return messages;
}

function parseStop(request: Fields): string[] {
  const read = (value: unknown, path: string): string => {
    if (typeof value === "string" && value.length <= MAX_STOP_LENGTH) return value;
    throw request.fail(`${path} must be a string of at most ${MAX_STOP_LENGTH} characters`, path);
  };
  const stop = request.raw("stop");
  return (Array.isArray(stop) ? request.array("stop", MAX_STOPS, read) : [read(stop, "stop")]).filter((text) => text !== "");
}

/** What both kinds of requests have. */
function parseSampling(request: Fields, prompt: AnswerRequest["prompt"]): ParsedRequest {
  const limit = (key: string): number | undefined => request.optional(key, () => request.integer(key, 1, MAX_TOKENS));
  const temperature = request.optional("temperature", (key) => request.number(key, 0, 2)) ?? 1;
  const topP = request.optional("top_p", (key) => request.number(key, 0, 1)) ?? 1;
  request.optional("n", (key) => request.oneOf(key, [1]));
  const stream = request.optional("stream", (key) => request.boolean(key)) ?? false;
  const includeUsage = request.optional("stream_options", (key) => {
    const options = request.object(key);
    refuseUnsupported(options, ["include_usage"], NEUTRAL_IN_STREAM_OPTIONS);
    return options.optional("include_usage", (name) => options.boolean(name));
  }) ?? false;
  if (includeUsage && !stream) throw request.fail("stream_options needs stream: true", "stream_options");
  return {
    answer: {
      prompt,
      maxTokens: limit("max_completion_tokens") ?? limit("max_tokens"),
      sampling: {
        temperature: topP === 0 ? 0 : temperature, // a nucleus of nothing but the likeliest token
        topP: topP === 0 ? 1 : topP,
        seed: request.optional("seed", (key) => request.integer(key, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
      },
      stop: request.optional("stop", () => parseStop(request)) ?? [],
    },
    model: request.optional("model", (key) => request.string(key, MAX_NAME)) || undefined,
    stream,
    includeUsage,
  };
}

/** Raises RequestValidationError. */
export function parseChatRequest(value: unknown): ParsedRequest {
  const request = fieldsOf(value, "chat completion");
  refuseUnsupported(request, CHAT_FIELDS, NEUTRAL);
  return parseSampling(request, { kind: "chat", messages: parseMessages(request) });
}

/** A list of prompts asks for as many answers: one is what can be given. */
function parsePrompt(request: Fields): string {
  const prompt = request.raw("prompt");
  if (!Array.isArray(prompt)) return request.string("prompt", MAX_CONTENT);
  const [text, more]: unknown[] = prompt;
  if (more !== undefined || typeof text !== "string" || text.length > MAX_CONTENT) throw request.wrong("prompt", "one string, or a list of one");
  return text;
}

/** Raises RequestValidationError. */
export function parseTextRequest(value: unknown): ParsedRequest {
  const request = fieldsOf(value, "completion");
  refuseUnsupported(request, TEXT_FIELDS, NEUTRAL);
  const text = parsePrompt(request);
  if (text === "") throw request.fail("prompt is empty; give the text to continue", "prompt");
  return parseSampling(request, { kind: "text", text });
}
