/** Messages of a request, in OpenAI's shape, to those that chat templates read. */

import { PICTURE, withoutPictures, type MediaInput } from "../../media/source.ts";
import type { Fields } from "../../support/fields.ts";
import type { ChatMessage, ToolCall } from "../../tokenizer/conversation.ts";
import { readPicture } from "../pictures.ts";
import { readSoundPart } from "../sounds.ts";
import { NEUTRAL_IN_MESSAGE, NEUTRAL_IN_PART, refuseUnsupported } from "./neutral.ts";

export const MAX_MESSAGES = 4096;
export const MAX_PARTS = 256;
export const MAX_CONTENT = 1 << 24;
export const MAX_NAME = 1024;
export const MAX_CALLS = 1024;

const ROLES = ["system", "developer", "user", "assistant", "tool"] as const;
const FIELDS: Readonly<Record<(typeof ROLES)[number], readonly string[]>> = {
  system: [], developer: [], user: [], assistant: ["tool_calls", "reasoning_content", "reasoning", "refusal"], tool: ["tool_call_id"],
};

/** A text, or its parts, one behind the other. */
export function parseContent(message: Fields, kinds: readonly ["text", ..."refusal"[]] = ["text"]): string {
  if (!Array.isArray(message.raw("content"))) return message.string("content", MAX_CONTENT);
  return message.objects("content", MAX_PARTS, (part) => parseText(part, part.oneOf("type", kinds))).join("");
}

/** What an assistant said, or would not: OpenAI's own answers say null for that which is not there. */
function parseAnswer(message: Fields): string {
  const content = message.has("content") ? parseContent(message, ["text", "refusal"]) : "";
  return content + (message.optional("refusal", (key) => message.string(key, MAX_CONTENT)) ?? "");
}

function parseText(part: Fields, kind: "text" | "refusal" = "text"): string {
  refuseUnsupported(part, ["type", kind], NEUTRAL_IN_PART);
  return part.string(kind, MAX_CONTENT);
}

/** What is said, with what is shown, each part in its place. */
function parseShown(message: Fields): Pick<ChatMessage, "content" | "pictures"> {
  if (!Array.isArray(message.raw("content"))) return { content: withoutPictures(message.string("content", MAX_CONTENT)) };
  const pictures: MediaInput[] = [];
  const content = message.objects("content", MAX_PARTS, (part) => {
    const type = part.oneOf("type", ["text", "image_url", "input_audio"]);
    if (type === "text") return withoutPictures(parseText(part));
    refuseUnsupported(part, ["type", type], NEUTRAL_IN_PART);
    pictures.push(type === "image_url" ? readPicture(part.object(type), part.path) : readSoundPart(part.object(type), part.path));
    return PICTURE;
  }).join("");
  return { content, ...(pictures.length > 0 && { pictures }) };
}

function parseCall(call: Fields): ToolCall {
  call.optional("type", (key) => call.oneOf(key, ["function"]));
  const called = call.object("function");
  return { id: call.string("id", MAX_NAME), name: called.string("name", MAX_NAME), arguments: called.string("arguments", MAX_CONTENT) };
}

function parseMessage(message: Fields): ChatMessage {
  const role = message.oneOf("role", ROLES);
  refuseUnsupported(message, ["role", "content", "name", ...FIELDS[role]], NEUTRAL_IN_MESSAGE);
  const name = message.optional("name", (key) => message.string(key, MAX_NAME));
  const said = role === "assistant" ? { content: parseAnswer(message) } : parseShown(message);
  const spoken = { role: role === "developer" ? "system" : role, ...said, ...(name !== undefined && { name }) };
  if (role === "tool") return { ...spoken, toolCallId: message.string("tool_call_id", MAX_NAME) };
  if (role !== "assistant") return spoken;
  const toolCalls = message.optional("tool_calls", (key) => message.objects(key, MAX_CALLS, parseCall)) ?? [];
  const thought = message.has("reasoning_content") ? "reasoning_content" : "reasoning";
  const reasoning = message.optional(thought, (key) => message.string(key, MAX_CONTENT)) ?? "";
  return { ...spoken, ...(toolCalls.length > 0 && { toolCalls }), ...(reasoning !== "" && { reasoning }) };
}

/** Tools' messages with the names of the tools that they answer for: OpenAI's have only the call's id, some templates write names. */
function named(messages: readonly ChatMessage[]): ChatMessage[] {
  const names = new Map<string, string>();
  return messages.map((message) => {
    for (const { id, name } of message.toolCalls ?? []) names.set(id, name);
    const name = message.name ?? names.get(message.toolCallId ?? "");
    return message.role !== "tool" || name === undefined ? message : { ...message, name };
  });
}

/** Whether system messages may stand later or alone, or roles repeat, is for the model's template to say. Raises RequestValidationError. */
export function parseMessages(request: Fields): ChatMessage[] {
  const messages = request.objects("messages", MAX_MESSAGES, parseMessage);
  if (messages.length === 0) throw request.fail("messages is empty; give at least one user message", "messages");
  return named(messages);
}
