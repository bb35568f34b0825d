/** The AI SDK's prompts and options as this engine's requests. */

import type { LanguageModelV4CallOptions, LanguageModelV4FilePart, LanguageModelV4Message, LanguageModelV4ToolResultOutput, SharedV4Warning } from "@ai-sdk/provider";
import type { ChatCompletionMessageParam, ChatCompletionRequest, ContentPart, ResponseFormat } from "../../api/openai/types.ts";
import { fromBase64 } from "../../support/base64.ts";
import { RequestValidationError } from "../../support/errors.ts";

export type ChatRequest = Omit<ChatCompletionRequest, "stream" | "stream_options">;

function refuse(type: string): never {
  throw new RequestValidationError(`Models here take texts, pictures and sounds, and no parts of the type "${type}".`, { param: "prompt" });
}

/** A file that is a picture, a sound, or a text. */
function filePart({ data, mediaType, providerOptions }: Pick<LanguageModelV4FilePart, "data" | "mediaType" | "providerOptions">): ContentPart {
  if (/^text(?:[/]|$)/.test(mediaType)) return { type: "text", text: textOf(data) };
  if (/^audio(?:[/]|$)/.test(mediaType)) return { type: "input_audio", input_audio: { data: fileOf(data, mediaType) } };
  if (!/^image(?:[/]|$)/.test(mediaType)) refuse(`file (${mediaType})`);
  const detail = providerOptions?.["local"]?.["imageDetail"];
  const url = fileOf(data, /[/][^*]/.test(mediaType) ? mediaType : "");
  return { type: "image_url", image_url: { url, ...(typeof detail === "string" && { detail }) } };
}

function fileOf(file: LanguageModelV4FilePart["data"], type: string): string | Blob {
  switch (file.type) {
    case "url":
      return file.url.href;
    case "data":
      return typeof file.data === "string" ? `data:${type};base64,${file.data}` : new Blob([Uint8Array.from(file.data)], { type });
    default:
      return refuse(`file (${file.type})`);
  }
}

function textOf(file: LanguageModelV4FilePart["data"]): string {
  switch (file.type) {
    case "text":
      return file.text;
    case "data":
      return new TextDecoder().decode(typeof file.data === "string" ? fromBase64(file.data) : file.data);
    default:
      return refuse(`file (${file.type})`);
  }
}

/** What came of a call; with what it shows and plays, a list. */
function result(output: LanguageModelV4ToolResultOutput): string | ContentPart[] {
  switch (output.type) {
    case "text":
    case "error-text":
      return output.value;
    case "execution-denied":
      return output.reason ?? "The tool may not be called.";
    case "content": {
      const parts = output.value.map((part): ContentPart => (
        part.type === "text" ? { type: "text", text: part.text } : part.type === "file" ? filePart(part) : refuse(part.type)));
      return parts.every(({ type }) => type === "text") ? parts.map(({ text }) => text).join("\n") : parts;
    }
    default:
      return JSON.stringify(output.value);
  }
}

function assistant(content: Extract<LanguageModelV4Message, { role: "assistant" }>["content"]): ChatCompletionMessageParam {
  let [text, thought] = ["", ""];
  const calls: NonNullable<ChatCompletionMessageParam["tool_calls"]>[number][] = [];
  for (const part of content) {
    if (part.type === "text") text += part.text;
    else if (part.type === "reasoning") thought += part.text;
    else if (part.type === "tool-call") {
      calls.push({ id: part.toolCallId, type: "function", function: { name: part.toolName, arguments: JSON.stringify(part.input) } });
    } else refuse(part.type);
  }
  return { role: "assistant", content: text, ...(thought !== "" && { reasoning_content: thought }), ...(calls.length > 0 && { tool_calls: calls }) };
}

function messages(message: LanguageModelV4Message): ChatCompletionMessageParam[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: message.content }];
    case "user":
      return [{ role: "user", content: message.content.map((part) => (part.type === "text" ? { type: "text", text: part.text } : filePart(part))) }];
    case "assistant":
      return [assistant(message.content)];
    case "tool":
      return message.content.flatMap((part) => (
        part.type === "tool-result" ? [{ role: "tool" as const, tool_call_id: part.toolCallId, content: result(part.output) }] : []));
  }
}

function format(asked: LanguageModelV4CallOptions["responseFormat"]): ResponseFormat | undefined {
  if (asked?.type !== "json") return undefined;
  const { schema, name = "answer", description } = asked;
  return schema === undefined ? { type: "json_object" } : { type: "json_schema", json_schema: { name, description, schema } };
}

/** A request, and what of the options nothing was made of. Raises RequestValidationError. */
export function toRequest(model: string, options: LanguageModelV4CallOptions): { readonly request: ChatRequest; readonly warnings: SharedV4Warning[] } {
  const { prompt, tools = [], toolChoice, reasoning, providerOptions } = options;
  const functions = tools.flatMap((tool) => (tool.type === "function" ? [tool] : []));
  const warnings = tools.flatMap((tool): SharedV4Warning[] => (tool.type === "function" ? [] : [{ type: "unsupported", feature: `the tool ${tool.id}` }]));
  const choice = toolChoice?.type === "tool" ? { type: "function", function: { name: toolChoice.toolName } } : toolChoice?.type;
  const request: ChatRequest = {
    model, messages: prompt.flatMap(messages), max_tokens: options.maxOutputTokens, temperature: options.temperature, stop: options.stopSequences,
    top_p: options.topP, top_k: options.topK, presence_penalty: options.presencePenalty, frequency_penalty: options.frequencyPenalty, seed: options.seed,
    response_format: format(options.responseFormat),
    ...(functions.length > 0 && {
      tools: functions.map(({ name, description, inputSchema, strict }) => (
        { type: "function", function: { name, description, parameters: { ...inputSchema }, strict } })),
      tool_choice: choice,
    }),
    ...(reasoning !== undefined && reasoning !== "provider-default" && { reasoning_effort: reasoning }),
    ...providerOptions?.["local"],
  };
  return { request, warnings };
}
