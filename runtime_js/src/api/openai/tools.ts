/** What a request says of tools and of thinking. */

import type { AnswerRequest, ToolChoice } from "../../engine/answer.ts";
import { isRecord, type Fields } from "../../support/fields.ts";
import { isJsonObject, readJsonObject, readJsonObjects, type Json, type JsonObject } from "../../support/json.ts";
import { SPECIAL_TOKENS, type Conversation } from "../../tokenizer/conversation.ts";
import { refuseUnsupported } from "./neutral.ts";

export const MAX_TOOLS = 1024;
const MAX_BUDGET = 1 << 24;
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const MODES = ["none", "auto", "required"] as const;
export const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

export const CHAT_TEMPLATE_FIELDS = ["tools", "tool_choice", "parallel_tool_calls", "chat_template_kwargs", "reasoning_effort", "enable_thinking", "thinking",
  "thinking_budget", "extra_body", "special_tokens", "keep_tokens"] as const;

function checkTool(tool: Fields): void {
  tool.oneOf("type", ["function"]);
  refuseUnsupported(tool, ["type", "function"], {});
  const called = tool.object("function");
  refuseUnsupported(called, ["name", "description", "parameters", "strict"], {});
  if (!TOOL_NAME.test(called.string("name", 64))) throw called.wrong("name", "1 to 64 letters, digits, _ or -");
  called.optional("description", (key) => called.string(key, 1 << 20));
  called.optional("parameters", (key) => {
    const schema = called.object(key);
    schema.optional("type", (type) => schema.oneOf(type, ["object"]));
    return readJsonObject(called, key);
  });
  called.optional("strict", (key) => called.boolean(key));
}

/** Without `strict`, which is for the engine, and without what is null. Templates may write the rest as it was given, in its order. */
function told(tool: JsonObject): JsonObject {
  const entries = Object.entries(tool).filter(([key, value]) => value !== null && key !== "strict");
  return Object.fromEntries(entries.map(([key, value]) => [key, key === "function" && isJsonObject(value) ? told(value) : value]));
}

function nameOf({ function: called = null }: JsonObject): Json {
  return isJsonObject(called) ? called["name"] ?? null : null;
}

function parseTools(request: Fields): JsonObject[] {
  if (!request.has("tools")) return [];
  request.objects("tools", MAX_TOOLS, checkTool);
  const tools = readJsonObjects(request, "tools", MAX_TOOLS).map(told);
  tools.forEach((tool, i) => {
    if (tools.slice(0, i).some((other) => nameOf(other) === nameOf(tool))) {
      throw request.fail(`tools[${i}] has the name of another tool, ${JSON.stringify(nameOf(tool))}`, `tools[${i}].function.name`);
    }
  });
  return tools;
}

/** The name of one of the tools. */
function nameFrom(called: Fields, tools: readonly JsonObject[]): string {
  called.onlyKeys(["name"]);
  const name = called.string("name", 64);
  if (!tools.some((tool) => nameOf(tool) === name)) throw called.wrong("name", "the name of one of the tools");
  return name;
}

/** Which of the tools may be called: all, unless the request allows some. */
function allowedTools(request: Fields, tools: readonly JsonObject[]): readonly JsonObject[] {
  const choice = request.raw("tool_choice");
  if (!isRecord(choice) || choice["type"] !== "allowed_tools") return tools;
  const names = request.object("tool_choice").object("allowed_tools").objects("tools", MAX_TOOLS, (tool) => {
    tool.oneOf("type", ["function"]);
    return nameFrom(tool.object("function"), tools);
  });
  return tools.filter((tool) => names.some((name) => nameOf(tool) === name));
}

/** Undefined where no tool may be called. */
function parseChoice(request: Fields, tools: readonly JsonObject[]): ToolChoice | undefined {
  if (!request.has("tool_choice")) return { kind: "auto" };
  const mode = (fields: Fields, key: string): ToolChoice | undefined => {
    const kind = fields.oneOf(key, MODES);
    return kind === "none" ? undefined : modeOf(request, kind, tools);
  };
  if (typeof request.raw("tool_choice") === "string") return mode(request, "tool_choice");
  const choice = request.object("tool_choice");
  const type = choice.oneOf("type", ["function", "allowed_tools", ...MODES]);
  choice.onlyKeys(["type", type]);
  if (type !== "function" && type !== "allowed_tools") return mode(choice, "type"); // as other clients write a mode
  if (type === "function") return { kind: "named", name: nameFrom(choice.object(type), tools) };
  const allowed = choice.object(type);
  allowed.onlyKeys(["mode", "tools"]);
  return modeOf(request, allowed.oneOf("mode", ["auto", "required"]), tools);
}

function modeOf(request: Fields, kind: "auto" | "required", { length }: readonly JsonObject[]): ToolChoice {
  if (kind === "required" && length === 0) throw request.fail("tool_choice requires a call, but there are no tools", "tool_choice");
  return { kind };
}

function strictNames(request: Fields, told: readonly JsonObject[]): string[] {
  return request.objects("tools", MAX_TOOLS, (tool) => tool.object("function"))
    .filter((called) => called.raw("strict") === true).map((called) => called.string("name", 64)).filter((name) => told.some((tool) => nameOf(tool) === name));
}

type Calls = Pick<AnswerRequest, "toolChoice" | "strictTools" | "parallelToolCalls" | "thinkingBudget">;

/** A chat, and what is wanted of its calls. */
export interface ChatWish {
  readonly conversation: Conversation;
  readonly calls: Calls;
}

/** Whether the model is to think, by any of the names that servers have for it; undefined where a request says nothing of it. */
function thinkingSwitch(request: Fields): boolean | undefined {
  const ofExtra = request.optional("extra_body", (key) => {
    const extra = request.object(key);
    refuseUnsupported(extra, ["enable_thinking", "resumable"], { enable_latency_breakdown: (value) => value === false });
    return extra.optional("enable_thinking", (name) => extra.boolean(name));
  });
  const ofType = request.optional("thinking", (key) => {
    const thinking = request.object(key);
    thinking.onlyKeys(["type"]);
    return thinking.optional("type", (name) => thinking.oneOf(name, ["enabled", "disabled"]));
  });
  return ofExtra ?? request.optional("enable_thinking", (key) => request.boolean(key)) ?? (ofType === undefined ? undefined : ofType === "enabled");
}

/** What the template is told beside messages and tools. Templates have several names for the same. */
function templateVariables(request: Fields): JsonObject {
  const given = request.optional("chat_template_kwargs", (key) => readJsonObject(request, key)) ?? {};
  const effort = request.optional("reasoning_effort", (key) => request.oneOf(key, EFFORTS));
  const enable = thinkingSwitch(request) ?? (effort === "none" ? false : undefined);
  const budget = request.optional("thinking_budget", (key) => request.integer(key, 0, MAX_BUDGET));
  return {
    ...(effort !== undefined && { reasoning_effort: effort, thinking_effort: effort, reasoning_strength: effort }),
    ...(enable !== undefined && { enable_thinking: enable, thinking: enable, thinking_mode: enable ? "enabled" : "disabled" }),
    ...(budget !== undefined && { thinking_budget: budget }),
    ...given,
  };
}

/** Raises RequestValidationError. */
export function parseChat(request: Fields, messages: Conversation["messages"]): ChatWish {
  const given = allowedTools(request, parseTools(request));
  const choice = parseChoice(request, given);
  const tools = choice === undefined ? [] : given;
  const variables = templateVariables(request);
  const specialTokens = request.optional("special_tokens", (key) => request.oneOf(key, SPECIAL_TOKENS));
  const keepsTokens = request.optional("keep_tokens", (key) => request.boolean(key)) ?? false;
  const parallel = request.optional("parallel_tool_calls", (key) => request.boolean(key)) ?? true;
  const thinkingBudget = request.optional("thinking_budget", (key) => request.integer(key, 0, MAX_BUDGET));
  if (thinkingBudget !== undefined && request.raw("logprobs") === true) {
    throw request.fail("thinking_budget writes what closes a thought, which has no logprobs: leave out one of them", "thinking_budget");
  }
  const strictTools = tools.length > 0 ? strictNames(request, tools) : [];
  return {
    conversation: {
      messages, ...(tools.length > 0 && { tools }), ...(Object.keys(variables).length > 0 && { variables }),
      ...(specialTokens !== undefined && { specialTokens }), ...(keepsTokens && { keepsTokens }),
    },
    calls: {
      ...(!parallel && { parallelToolCalls: false }), ...(choice !== undefined && choice.kind !== "auto" && { toolChoice: choice }),
      ...(strictTools.length > 0 && { strictTools }), ...(thinkingBudget !== undefined && { thinkingBudget }),
    },
  };
}
