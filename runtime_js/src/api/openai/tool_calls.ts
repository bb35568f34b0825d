/** Calls of tools, as the pieces of a stream make them. */

import type { ChatCompletionDelta, ChatCompletionMessage } from "./types.ts";

type ToolCall = NonNullable<ChatCompletionMessage["tool_calls"]>[number];

export class ToolCalls {
  readonly #byIndex = new Map<number, ToolCall>();

  take({ tool_calls = [] }: ChatCompletionDelta): void {
    for (const { index, id = "", function: { name = "", arguments: text } } of tool_calls) {
      const call = this.#byIndex.get(index) ?? { id, type: "function", function: { name, arguments: "" } };
      this.#byIndex.set(index, call);
      call.function.arguments += text;
    }
  }

  get all(): ToolCall[] {
    return [...this.#byIndex.values()];
  }
}
