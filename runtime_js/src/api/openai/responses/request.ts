/** Reads a request of OpenAI's Responses API, and says it as a chat. Raises RequestValidationError. */

import { SAMPLING_RANGES } from "../../../storage/sampling_defaults.ts";
import { RequestValidationError } from "../../../support/errors.ts";
import { MAX_ADDRESS } from "../../../media/fetch.ts";
import { MAX_BASE64 } from "../../sounds.ts";
import { DETAILS } from "../../../media/source.ts";
import { Fields } from "../../../support/fields.ts";
import { readJsonObject } from "../../../support/json.ts";
import { NEUTRAL_IN_RESPONSE, NEUTRAL_IN_RESPONSE_ITEM, refuseUnsupported } from "../neutral.ts";
import { MAX_CONTENT, MAX_MESSAGES, MAX_NAME } from "../messages.ts";
import { MAX_TOKENS } from "../request.ts";
import { EFFORTS, MAX_TOOLS } from "../tools.ts";
import type { ChatCompletionMessageParam, ChatCompletionRequestStreaming, ContentPart, ResponseFormat } from "../types.ts";

const MAX_PARTS = 256;
const FIELDS = [
  "model", "input", "instructions", "max_output_tokens", "temperature", "top_p", "stream", "metadata", "tools", "tool_choice", "parallel_tool_calls",
  "reasoning", "text", "truncation",
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
  tools: ResponseTool[];
  tool_choice: "none" | "auto" | "required" | NamedTool | { type: "allowed_tools"; mode: "auto" | "required"; tools: NamedTool[] };
  parallel_tool_calls: boolean;
}

type NamedTool = {
  type: "function";
  name: string;
};

/** A function that the model may call. */
export interface ResponseTool {
  type: "function";
  name: string;
  description: string | null;
  parameters: Record<string, unknown> | null;
  strict: boolean | null;
}

export interface ParsedResponseRequest {
  readonly chat: ChatCompletionRequestStreaming;
  readonly stream: boolean;
  readonly settings: EchoedSettings;
}

const TYPES = ["input_text", "output_text", "input_image", "input_audio"] as const;

/** Texts, pictures and sounds, as a chat spells them. */
function readParts(item: Fields, key: string): string | ContentPart[] {
  if (!Array.isArray(item.raw(key))) return item.string(key, MAX_CONTENT);
  const parts = item.objects(key, MAX_PARTS, (part): ContentPart => {
    const type = part.oneOf("type", TYPES);
    if (type === "input_image") return readImage(part);
    if (type === "input_audio") return readAudio(part);
    refuseUnsupported(part, ["type", "text"], NEUTRAL_IN_RESPONSE_ITEM);
    return { type: "text", text: part.string("text", MAX_CONTENT) };
  });
  return parts.some(({ type }) => type !== "text") ? parts : parts.map(({ text }) => text).join("");
}

function readImage(part: Fields): ContentPart {
  refuseUnsupported(part, ["type", "image_url", "detail"], NEUTRAL_IN_RESPONSE_ITEM, { file_id: "nothing is stored here; give the picture as image_url" });
  const detail = part.optional("detail", (key) => part.oneOf(key, [...DETAILS, "original"]));
  return { type: "image_url", image_url: { url: part.string("image_url", MAX_ADDRESS), detail: detail === "original" ? "high" : detail } };
}

function readAudio(part: Fields): ContentPart {
  refuseUnsupported(part, ["type", "input_audio"], NEUTRAL_IN_RESPONSE_ITEM);
  const sound = part.object("input_audio");
  sound.onlyKeys(["data", "format"]);
  return { type: "input_audio", input_audio: { data: sound.string("data", MAX_BASE64), format: sound.oneOf("format", ["wav", "mp3"]) } };
}

/** What an answer has thought, where it is there to read. */
function readThought(item: Fields): string {
  const parts = item.optional("content", (key) => item.objects(key, MAX_PARTS, (part) => {
    part.oneOf("type", ["reasoning_text"]);
    return part.string("text", MAX_CONTENT);
  }));
  return parts?.join("") ?? "";
}

/** The message that an item of the conversation is. */
function readItem(item: Fields): ChatCompletionMessageParam[] {
  const type = item.optional("type", (key) => item.oneOf(key, ["message", "reasoning", "function_call", "function_call_output"])) ?? "message";
  const [name, content] = [(key: string): string => item.string(key, MAX_NAME), (key: string): string => item.string(key, MAX_CONTENT)];
  switch (type) {
    case "reasoning":
      return [{ role: "assistant", content: null, reasoning_content: readThought(item) }];
    case "function_call":
      return [{ role: "assistant", content: null, tool_calls: [
        { id: name("call_id"), type: "function", function: { name: name("name"), arguments: content("arguments") } }] }];
    case "function_call_output":
      return [{ role: "tool", tool_call_id: name("call_id"), content: readParts(item, "output") }];
    case "message": {
      const role = item.oneOf("role", ["user", "assistant", "system", "developer"]);
      refuseUnsupported(item, ["type", "role", "content"], NEUTRAL_IN_RESPONSE_ITEM);
      return [{ role, content: readParts(item, "content") }];
    }
  }
}

/** An answer is one message in a chat: what was thought, its text, and the calls behind it. Thoughts alone are none. */
function joined(messages: readonly ChatCompletionMessageParam[]): ChatCompletionMessageParam[] {
  const whole: ChatCompletionMessageParam[] = [];
  for (const message of messages) {
    const before = whole.at(-1);
    const isText = message.content !== null;
    if (before?.role !== "assistant" || message.role !== "assistant" || (isText && !isThought(before))) {
      whole.push(message);
      continue;
    }
    const calls = [...before.tool_calls ?? [], ...message.tool_calls ?? []];
    whole[whole.length - 1] = {
      role: "assistant", content: isText ? message.content : before.content, ...(calls.length > 0 && { tool_calls: calls }),
      reasoning_content: `${before.reasoning_content ?? ""}${message.reasoning_content ?? ""}`,
    };
  }
  return whole.filter((message) => !isThought(message));
}

function isThought({ role, content, tool_calls: calls }: ChatCompletionMessageParam): boolean {
  return role === "assistant" && content === null && !calls;
}

function readInput(request: Fields): ChatCompletionMessageParam[] {
  if (!Array.isArray(request.raw("input"))) return [{ role: "user", content: request.string("input", MAX_CONTENT) }];
  return joined(request.objects("input", MAX_MESSAGES, readItem).flat());
}

function readTool(tool: Fields): ResponseTool {
  const type = tool.oneOf("type", ["function"]);
  tool.onlyKeys(["type", "name", "description", "parameters", "strict"]);
  return {
    type, name: tool.string("name", MAX_NAME), description: tool.optional("description", (key) => tool.string(key, MAX_CONTENT)) ?? null,
    parameters: tool.optional("parameters", (key) => readJsonObject(tool, key)) ?? null,
    strict: tool.optional("strict", (key) => tool.boolean(key)) ?? null,
  };
}

function readChoice(request: Fields): EchoedSettings["tool_choice"] {
  if (typeof request.raw("tool_choice") === "string") return request.oneOf("tool_choice", ["none", "auto", "required"]);
  const choice = request.object("tool_choice");
  const type = choice.oneOf("type", ["function", "allowed_tools"]);
  if (type === "function") return readNamed(choice);
  choice.onlyKeys(["type", "mode", "tools"]);
  return { type, mode: choice.oneOf("mode", ["auto", "required"]), tools: choice.objects("tools", MAX_TOOLS, readNamed) };
}

function readNamed(tool: Fields): NamedTool {
  tool.onlyKeys(["type", "name"]);
  return { type: tool.oneOf("type", ["function"]), name: tool.string("name", MAX_NAME) };
}

/** As a chat spells tools and what is chosen of them. */
function chatTools({ tools, tool_choice: choice, parallel_tool_calls }: EchoedSettings): Partial<ChatCompletionRequestStreaming> {
  if (tools.length === 0 && (choice === "auto" || choice === "none")) return {};
  const named = ({ name }: NamedTool): { type: "function"; function: { name: string } } => ({ type: "function", function: { name } });
  return {
    tools: tools.map(({ name, description, parameters, strict }) => ({
      type: "function", function: { name, ...(description !== null && { description }), ...(parameters !== null && { parameters }), strict },
    })),
    tool_choice: typeof choice === "string" ? choice : choice.type === "function" ? named(choice)
      : { type: choice.type, allowed_tools: { mode: choice.mode, tools: choice.tools.map(named) } },
    parallel_tool_calls,
  };
}

/** As a chat spells the form of its answer; Responses put a schema's name beside it. */
function chatFormat(request: Fields): { readonly response_format?: ResponseFormat } {
  const format = request.optional("text", (key) => {
    const text = request.object(key);
    refuseUnsupported(text, ["format"], { verbosity: (value) => value === "medium" });
    return text.optional("format", (name) => text.object(name));
  });
  const type = format?.oneOf("type", ["text", "json_object", "json_schema"]);
  format?.onlyKeys(["type", ...(type === "json_schema" ? ["name", "description", "schema", "strict"] : [])]);
  if (format === undefined || type === "text") return {};
  if (type !== "json_schema") return { response_format: { type: "json_object" } };
  return { response_format: { type, json_schema: {
    name: format.string("name", MAX_NAME), schema: readJsonObject(format, "schema"), strict: format.optional("strict", (key) => format.boolean(key)),
  } } };
}

function readEffort(request: Fields): Partial<ChatCompletionRequestStreaming> {
  const effort = request.optional("reasoning", (key) => {
    const reasoning = request.object(key);
    refuseUnsupported(reasoning, ["effort"], { summary: (value) => value === "auto" });
    return reasoning.optional("effort", (name) => reasoning.oneOf(name, EFFORTS));
  });
  return effort === undefined ? {} : { reasoning_effort: effort };
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
  const temperature = request.optional("temperature", (key) => request.number(key, ...SAMPLING_RANGES.temperature));
  const topP = request.optional("top_p", (key) => request.number(key, 0, 1));
  const model = request.optional("model", (key) => request.string(key, MAX_NAME));
  const truncation = request.optional("truncation", (key) => request.oneOf(key, ["auto", "disabled"]));
  if (input.length === 0) throw request.fail("input is empty; give at least one message", "input");
  const settings: EchoedSettings = {
    instructions: instructions ?? null, max_output_tokens: maxTokens ?? null, metadata: readMetadata(request), temperature: temperature ?? 1,
    top_p: topP ?? 1, tools: request.optional("tools", (key) => request.objects(key, MAX_TOOLS, readTool)) ?? [],
    tool_choice: request.optional("tool_choice", () => readChoice(request)) ?? "auto",
    parallel_tool_calls: request.optional("parallel_tool_calls", (key) => request.boolean(key)) ?? true,
  };
  return {
    chat: {
      model, messages: instructions === undefined ? input : [{ role: "system", content: instructions }, ...input],
      max_completion_tokens: maxTokens, temperature, top_p: topP, stream: true, stream_options: { include_usage: true },
      context_overflow: truncation === "auto" ? "drop_oldest" : undefined, ...chatTools(settings), ...chatFormat(request), ...readEffort(request),
    },
    stream: request.optional("stream", (key) => request.boolean(key)) ?? false,
    settings,
  };
}
