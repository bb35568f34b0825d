/** The items of a response: messages, thoughts and calls of tools. */

export type Status = "in_progress" | "completed" | "incomplete";

export interface OutputText {
  type: "output_text";
  text: string;
  annotations: [];
  logprobs: [];
}

export interface OutputMessage {
  type: "message";
  id: string;
  role: "assistant";
  status: Status;
  content: OutputText[];
}

export interface ReasoningItem {
  type: "reasoning";
  id: string;
  status: Status;
  summary: [];
  content: { type: "reasoning_text"; text: string }[];
}

export interface FunctionCallItem {
  type: "function_call";
  id: string;
  call_id: string;
  name: string;
  arguments: string;
  status: Status;
}

export type OutputItem = OutputMessage | ReasoningItem | FunctionCallItem;

/** The text that an item grows by. */
export function textOf(item: OutputItem): string {
  return item.type === "function_call" ? item.arguments : item.content[0]?.text ?? "";
}

export function grow(item: OutputItem, text: string): void {
  if (item.type === "function_call") item.arguments += text;
  else for (const part of item.content) part.text += text;
}

function idOf(prefix: string): string {
  return `${prefix}_${crypto.randomUUID()}`;
}

export function newMessage(): OutputMessage {
  return {
    type: "message", id: idOf("msg"), role: "assistant", status: "in_progress",
    content: [{ type: "output_text", text: "", annotations: [], logprobs: [] }],
  };
}

export function newReasoning(): ReasoningItem {
  return { type: "reasoning", id: idOf("rs"), status: "in_progress", summary: [], content: [{ type: "reasoning_text", text: "" }] };
}

export function newCall(call_id: string, name: string): FunctionCallItem {
  return { type: "function_call", id: idOf("fc"), call_id, name, arguments: "", status: "in_progress" };
}
