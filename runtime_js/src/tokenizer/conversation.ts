/** A conversation, as templates and requests know it. The page reads this too, and no template. */

import type { MediaInput } from "../media/source.ts";
import type { JsonObject } from "../support/json.ts";

/** A call that the model made. `arguments` is the JSON that it wrote. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export interface ChatMessage {
  readonly role: string;
  /** What is said. Each PICTURE in it stands for the next of `pictures`. */
  readonly content: string;
  readonly pictures?: readonly MediaInput[] | undefined;
  readonly name?: string | undefined;
  /** What the assistant thought before it answered. */
  readonly reasoning?: string | undefined;
  readonly toolCalls?: readonly ToolCall[] | undefined;
  /** The call that a tool's message answers. */
  readonly toolCallId?: string | undefined;
}

/** Whether a control token that stands in what users and tools say stays text, or is one. */
export const SPECIAL_TOKENS = ["escape", "parse"] as const;

export interface Conversation {
  readonly messages: readonly ChatMessage[];
  /** In OpenAI's shape: `{type: "function", function: {name, description, parameters}}`. */
  readonly tools?: readonly JsonObject[] | undefined;
  /** More that the template is told, by name. */
  readonly variables?: JsonObject | undefined;
  /** Default: "escape". */
  readonly specialTokens?: (typeof SPECIAL_TOKENS)[number] | undefined;
  /** What the model has answered in it stays the tokens that it was made of. */
  readonly keepsTokens?: boolean | undefined;
}
