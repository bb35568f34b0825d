/** How the answer to a prompt is to be read. */

import { NO_FORMAT, type ChatFormat, type ThinkingFormat } from "../formats/format.ts";
import type { ParserOptions } from "../formats/parser.ts";
import { isJsonObject, type JsonObject } from "../support/json.ts";
import type { Conversation } from "../tokenizer/conversation.ts";
import type { AnswerRequest } from "./answer.ts";

/** The JSON Schemas of the parameters of a conversation's tools, by their names. */
export function toolSchemas({ tools = [] }: Conversation): ReadonlyMap<string, JsonObject> {
  const schemas = new Map<string, JsonObject>();
  for (const { function: tool = null } of tools) {
    if (!isJsonObject(tool) || typeof tool["name"] !== "string") continue;
    const { parameters = null } = tool;
    schemas.set(tool["name"], isJsonObject(parameters) ? parameters : {});
  }
  return schemas;
}

function newId(): string {
  return `call_${crypto.randomUUID().replaceAll("-", "").slice(0, 24)}`;
}

/** Whether the text of a prompt ends in a thought that its template has begun. */
export function isThinking(rendered: string, { begin }: ThinkingFormat): boolean {
  return rendered.trimEnd().endsWith(begin.trimEnd());
}

/** `rendered` is the text of the prompt: a template may open the thought in it. */
export function parserOptions({ prompt, parallelToolCalls = true, tellsCalls = false }: AnswerRequest, format: ChatFormat, rendered: string): ParserOptions {
  const isChat = prompt.kind === "chat";
  const opened = format.tools?.opened ?? "";
  return {
    format: isChat ? format : NO_FORMAT,
    tools: isChat ? toolSchemas(prompt.conversation) : new Map(),
    parallel: parallelToolCalls,
    tellsAll: tellsCalls,
    isThinking: isChat && format.thinking !== undefined && isThinking(rendered, format.thinking),
    newId,
    opened: isChat && rendered.endsWith(opened) ? opened : "",
  };
}
