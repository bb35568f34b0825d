/** Calls of tools and what came of them, as parts of messages: a session whose tools the page runs itself. */

import type { ChatCompletionMessageParam, ChatCompletionMessageToolCall } from "../../api/openai/types.ts";
import type { Content } from "./types.ts";

type Fields = Readonly<Record<string, unknown>>;

export class LanguageModelToolCall {
  readonly callId: string;
  readonly name: string;
  readonly arguments: object;

  constructor(call: Pick<LanguageModelToolCall, "callId" | "name" | "arguments">) {
    ({ callId: this.callId, name: this.name, arguments: this.arguments } = call);
  }
}

export interface ToolResultContent {
  readonly type: "text" | "image" | "audio" | "object";
  readonly value: unknown;
}

export class LanguageModelToolSuccess {
  readonly callId: string;
  readonly name: string;
  readonly result: readonly ToolResultContent[];

  constructor(success: Pick<LanguageModelToolSuccess, "callId" | "name" | "result">) {
    ({ callId: this.callId, name: this.name, result: this.result } = success);
  }
}

export class LanguageModelToolError {
  readonly callId: string;
  readonly name: string;
  readonly errorMessage: string;

  constructor(error: Pick<LanguageModelToolError, "callId" | "name" | "errorMessage">) {
    ({ callId: this.callId, name: this.name, errorMessage: this.errorMessage } = error);
  }
}

/** A call that the page is to make, as part of an answer. */
export interface ToolCallPart extends Content {
  readonly type: "tool-call";
  readonly value: LanguageModelToolCall;
}

/** The fields of a part's value, which may also be of a browser's own class. Raises TypeError. */
function named(type: Content["type"], value: unknown): Fields & { readonly callId: string; readonly name: string } {
  const read = (key: string): unknown => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined);
  const [callId, name] = [read("callId"), read("name")];
  if (typeof callId !== "string" || typeof name !== "string") throw new TypeError(`A part of the type ${type} has a value with a callId and a name.`);
  return { callId, name, arguments: read("arguments"), result: read("result"), errorMessage: read("errorMessage") };
}

/** Of an assistant's part of the type tool-call. Raises TypeError. */
export function callOf(value: unknown): ChatCompletionMessageToolCall {
  const { callId, name, arguments: given } = named("tool-call", value);
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw new TypeError(`The call "${callId}" has arguments that are no object.`);
  return { id: callId, type: "function", function: { name, arguments: JSON.stringify(given) } };
}

function textOf(callId: string, content: unknown): string {
  const [type, value]: unknown[] = typeof content === "object" && content !== null ? [Reflect.get(content, "type"), Reflect.get(content, "value")] : [];
  if (type === "text" && typeof value === "string") return value;
  if (type === "object" && typeof value === "object") return JSON.stringify(value);
  if (type === "image" || type === "audio") throw new DOMException(`The response to the call "${callId}" may be text and objects, and no ${type}.`, "NotSupportedError");
  throw new TypeError(`The response to the call "${callId}" has a result that is neither text nor an object.`);
}

/** Of a user's part of the type tool-response. Raises TypeError. */
export function responseOf(value: unknown): ChatCompletionMessageParam {
  const { callId, result, errorMessage } = named("tool-response", value);
  if (typeof errorMessage === "string") return { role: "tool", tool_call_id: callId, content: `The tool failed: ${errorMessage}` };
  if (!Array.isArray(result)) throw new TypeError(`The response to the call "${callId}" has neither a list \`result\` nor an errorMessage.`);
  return { role: "tool", tool_call_id: callId, content: result.map((content) => textOf(callId, content)).join("\n") };
}

/** A model's call for the page. Raises an OperationError where its arguments are no object. */
export function partOf({ id, function: { name, arguments: text } }: ChatCompletionMessageToolCall): ToolCallPart {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    // told below
  }
  if (typeof given !== "object" || given === null) throw new DOMException(`The model called the tool "${name}" with arguments that are no object: ${text.slice(0, 200)}`, "OperationError");
  return { type: "tool-call", value: new LanguageModelToolCall({ callId: id, name, arguments: given }) };
}
