/** The model, behind the package's engine. */

import { createEngine, modelId, type EngineTypes, type OpenAI, type WorkerEngine } from "agent-model";
import type { Call, Message, Model, Turn } from "./agent.ts";
import type { Tool } from "./tools.ts";

/** Where vite.config.ts and the README have them. A CDN's address does, too, once the page's policy allows it (vite.config.ts). */
const WEIGHTS = "weights/";
const MAX_ROUND_TOKENS = 2048;

export interface Settings {
  readonly device: EngineTypes.Device;
  /** "auto", "required", or a tool's name. */
  readonly toolChoice: string;
}

export async function openModel({ device, toolChoice }: Settings, progress: EngineTypes.InitProgressCallback): Promise<Model> {
  return new EngineModel(await createEngine({ weights: WEIGHTS, device, initProgressCallback: progress }), toolChoice);
}

class EngineModel implements Model {
  readonly #engine: WorkerEngine;
  readonly #toolChoice: string;

  constructor(engine: WorkerEngine, toolChoice: string) {
    this.#engine = engine;
    this.#toolChoice = toolChoice;
  }

  async respond(messages: readonly Message[], tools: readonly Tool[], onText: (text: string) => void, signal: AbortSignal): Promise<Turn> {
    const isNamed = this.#toolChoice !== "auto" && this.#toolChoice !== "required";
    const stream = await this.#engine.chat.completions.create({
      model: modelId, messages: messages.map(toOpenAI), stream: true, max_tokens: MAX_ROUND_TOKENS, context_overflow: "drop_oldest",
      tools: tools.map(({ name, description, parameters }) => ({ type: "function", function: { name, description, parameters, strict: true } })),
      tool_choice: isNamed ? { type: "function", function: { name: this.#toolChoice } } : this.#toolChoice,
      // Each write is looked at before the next call is made.
      parallel_tool_calls: false,
      // A round takes seconds, not minutes.
      extra_body: { enable_thinking: false },
    }, { signal });
    let [text, isCut] = ["", false];
    const calls: Call[] = [];
    for await (const { choices: [choice] } of stream) {
      if (choice === undefined) continue;
      isCut ||= choice.finish_reason === "length";
      text += choice.delta.content ?? "";
      if (choice.delta.content !== undefined) onText(text);
      for (const { index, id, function: { name, arguments: more } } of choice.delta.tool_calls ?? []) {
        const call = calls[index] ?? { id: id ?? "", name: name ?? "", arguments: "" };
        calls[index] = { ...call, arguments: call.arguments + more };
      }
    }
    signal.throwIfAborted();
    return { text: text.trim(), calls, isCut };
  }
}

function toOpenAI(message: Message): OpenAI.ChatCompletionMessageParam {
  switch (message.role) {
    case "assistant": {
      const calls = message.calls.map(({ id, name, arguments: json }) => ({ id, type: "function" as const, function: { name, arguments: json } }));
      return { role: "assistant", content: message.content, ...(calls.length > 0 && { tool_calls: calls }) };
    }
    case "tool":
      return { role: "tool", content: message.content, tool_call_id: message.call };
    default:
      return message;
  }
}
