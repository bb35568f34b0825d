/** Reads a request of OpenAI's Responses API, and says it as a chat. Raises RequestValidationError. */

import { RequestValidationError } from "../../../support/errors.ts";
import { Fields } from "../../../support/fields.ts";
import { NEUTRAL_IN_RESPONSE, NEUTRAL_IN_RESPONSE_ITEM, refuseUnsupported } from "../neutral.ts";
import { MAX_CONTENT, MAX_MESSAGES, MAX_NAME } from "../messages.ts";
import { MAX_TOKENS } from "../request.ts";
import type { ChatCompletionMessageParam, ChatCompletionRequestStreaming } from "../types.ts";

const MAX_PARTS = 256;
const FIELDS = [
  "model", "input", "instructions", "max_output_tokens", "temperature", "top_p", "stream", "metadata",
];

/** As a client sends it; read field by field. */
export type ResponseRequest = object;

/** What a response repeats of its request. */
export interface EchoedSettings {
  instructions: string | null;
  max_output_tokens: number | null;
  metadata: Record<string, string>;
  temperature: number;
  top_p: number;
}

export interface ParsedResponseRequest {
  readonly chat: ChatCompletionRequestStreaming;
  readonly stream: boolean;
  readonly settings: EchoedSettings;
}

function partsText(item: Fields, key: string, types: readonly string[]): string {
  if (!Array.isArray(item.raw(key))) return item.string(key, MAX_CONTENT);
  return item.objects(key, MAX_PARTS, (part) => {
    part.oneOf("type", types);
    refuseUnsupported(part, ["type", "text"], NEUTRAL_IN_RESPONSE_ITEM);
    return part.string("text", MAX_CONTENT);
  }).join("");
}

const TEXT = ["input_text", "output_text"];

/** The message that an item of the conversation is; none for what has no place in a chat. */
function readItem(item: Fields): ChatCompletionMessageParam[] {
  const type = item.optional("type", (key) => item.oneOf(key, ["message", "reasoning"])) ?? "message";
  if (type === "reasoning") return []; // thoughts of former answers, which templates leave out too
  const role = item.oneOf("role", ["user", "assistant", "system", "developer"]);
  refuseUnsupported(item, ["type", "role", "content"], NEUTRAL_IN_RESPONSE_ITEM);
  return [{ role, content: partsText(item, "content", TEXT) }];
}

function readInput(request: Fields): ChatCompletionMessageParam[] {
  if (!Array.isArray(request.raw("input"))) return [{ role: "user", content: request.string("input", MAX_CONTENT) }];
  return request.objects("input", MAX_MESSAGES, readItem).flat();
}

function readMetadata(request: Fields): Record<string, string> {
  const metadata = request.optional("metadata", (key) => request.object(key));
  return Object.fromEntries(metadata?.keys().slice(0, 16).map((key) => [key, metadata.string(key, MAX_NAME)]) ?? []);
}

export function parseResponseRequest(value: unknown): ParsedResponseRequest {
  const request = new Fields(value, "", (message, path) => new RequestValidationError(
    `Invalid response request: ${message.replace(/^ must/, "the request must")}.`, path === undefined || path === "" ? {} : { param: path }));
  refuseUnsupported(request, FIELDS, NEUTRAL_IN_RESPONSE, { previous_response_id: "nothing is stored here; give the whole conversation as input" });
  const instructions = request.optional("instructions", (key) => request.string(key, MAX_CONTENT));
  const input = readInput(request);
  const maxTokens = request.optional("max_output_tokens", (key) => request.integer(key, 1, MAX_TOKENS));
  const temperature = request.optional("temperature", (key) => request.number(key, 0, 2));
  const topP = request.optional("top_p", (key) => request.number(key, 0, 1));
  const model = request.optional("model", (key) => request.string(key, MAX_NAME));
  if (input.length === 0) throw request.fail("input is empty; give at least one message", "input");
  return {
    chat: {
      model, messages: instructions === undefined ? input : [{ role: "system", content: instructions }, ...input],
      max_completion_tokens: maxTokens, temperature, top_p: topP, stream: true, stream_options: { include_usage: true },
    },
    stream: request.optional("stream", (key) => request.boolean(key)) ?? false,
    settings: {
      instructions: instructions ?? null, max_output_tokens: maxTokens ?? null, metadata: readMetadata(request), temperature: temperature ?? 1,
      top_p: topP ?? 1,
    },
  };
}
