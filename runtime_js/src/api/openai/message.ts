/** An answer's message, as its events make it. */

import type { OutputEvent } from "../../formats/events.ts";
import type { ChatCompletionDelta, ChatCompletionMessage } from "./types.ts";

interface Call {
  readonly id: string;
  readonly name: string;
  arguments: string;
}

export class Message {
  #text = "";
  #reasoning = "";
  readonly #calls: Call[] = [];

  /** Takes an event, and gives what a stream says of it. */
  add(event: OutputEvent): ChatCompletionDelta {
    switch (event.type) {
      case "text":
        this.#text += event.text;
        return { content: event.text };
      case "reasoning":
        this.#reasoning += event.text;
        return { reasoning_content: event.text };
      case "toolCall":
        this.#calls.push({ id: event.id, name: event.name, arguments: "" });
        return { tool_calls: [{ index: event.index, id: event.id, type: "function", function: { name: event.name, arguments: "" } }] };
      case "toolArguments": {
        const call = this.#calls[event.index];
        if (call !== undefined) call.arguments += event.text;
        return { tool_calls: [{ index: event.index, function: { arguments: event.text } }] };
      }
    }
  }

  /** In OpenAI's shape, where a message of calls alone has no content. */
  toOpenAI(): ChatCompletionMessage {
    const calls = this.#calls.map(({ id, name, arguments: text }) => ({ id, type: "function" as const, function: { name, arguments: text } }));
    return {
      role: "assistant", content: this.#text === "" && calls.length > 0 ? null : this.#text, refusal: null,
      ...(this.#reasoning !== "" && { reasoning_content: this.#reasoning }), ...(calls.length > 0 && { tool_calls: calls }),
    };
  }
}
