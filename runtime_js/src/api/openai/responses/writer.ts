/** Writes a response of OpenAI's Responses API from the chunks of a chat: the events of its stream, and what they add up to. */

import { openAIError, type EventWriter, type ServerEvent } from "../http.ts";
import type { ChatCompletionChunk, CompletionUsage } from "../types.ts";
import type { EchoedSettings, ParsedResponseRequest } from "./request.ts";

type Status = "in_progress" | "completed" | "incomplete";

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

export type OutputItem = OutputMessage;

export interface ResponseBody extends EchoedSettings {
  id: string;
  object: "response";
  created_at: number;
  completed_at: number | null;
  status: Status | "failed";
  model: string;
  output: OutputItem[];
  output_text: string;
  error: { code: "server_error"; message: string } | null;
  incomplete_details: { reason?: "max_output_tokens" } | null;
  access_programs: null;
  parallel_tool_calls: boolean;
  tool_choice: "auto";
  tools: [];
  usage?: {
    input_tokens: number;
    input_tokens_details: { cached_tokens: number; cache_write_tokens: number };
    output_tokens: number;
    output_tokens_details: { reasoning_tokens: number };
    total_tokens: number;
  };
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

function usageOf({ prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details }: CompletionUsage): NonNullable<ResponseBody["usage"]> {
  return {
    input_tokens: prompt_tokens, input_tokens_details: { cached_tokens: prompt_tokens_details.cached_tokens, cache_write_tokens: 0 },
    output_tokens: completion_tokens, output_tokens_details: { reasoning_tokens: 0 }, total_tokens,
  };
}

export class ResponseWriter implements EventWriter<ChatCompletionChunk> {
  readonly response: ResponseBody;
  #sequence = 0;
  #hasBegun = false;
  /** The item that grows. */
  #open: OutputMessage | null = null;
  #finish: string | null = null;

  constructor({ settings }: ParsedResponseRequest) {
    this.response = {
      id: `resp_${crypto.randomUUID()}`, object: "response", created_at: seconds(), completed_at: null, status: "in_progress", model: "",
      output: [], output_text: "", error: null, incomplete_details: null, access_programs: null, parallel_tool_calls: true,
      tool_choice: "auto", tools: [], ...settings,
    };
  }

  piece({ model, choices: [choice], usage }: ChatCompletionChunk): ServerEvent[] {
    const events = this.#begin(model);
    if (usage !== undefined) this.response.usage = usageOf(usage);
    if (choice === undefined) return events;
    this.#finish ??= choice.finish_reason;
    const { content } = choice.delta;
    return typeof content === "string" && content !== "" ? [...events, ...this.#text(content)] : events;
  }

  end(): ServerEvent[] {
    const isWhole = this.#finish === "stop";
    const events = this.response.output.length === 0 ? [...this.#openMessage(), ...this.#close(isWhole)] : this.#close(isWhole);
    this.response.status = isWhole ? "completed" : "incomplete";
    if (isWhole) this.response.completed_at = seconds();
    else this.response.incomplete_details = this.#finish === "length" ? { reason: "max_output_tokens" } : {};
    return [...events, this.#lifecycle(isWhole ? "response.completed" : "response.incomplete")];
  }

  fail(thrown: unknown): ServerEvent[] {
    const { message, code, param } = openAIError(thrown);
    const events = this.#close(false);
    this.response.status = "failed";
    this.response.error = { code: "server_error", message };
    return [...events, this.#event("error", { code, message, param }), this.#lifecycle("response.failed")];
  }

  #event(type: string, fields: object): ServerEvent {
    return { name: type, data: { type, sequence_number: this.#sequence++, ...fields } };
  }

  #lifecycle(type: string): ServerEvent {
    return this.#event(type, { response: structuredClone(this.response) });
  }

  #begin(model: string): ServerEvent[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    this.response.model = model;
    return [this.#lifecycle("response.created"), this.#lifecycle("response.in_progress")];
  }

  get #at(): { item_id: string; output_index: number } {
    return { item_id: this.#open?.id ?? "", output_index: this.response.output.length - 1 };
  }

  #openMessage(): ServerEvent[] {
    const item: OutputMessage = { type: "message", id: `msg_${crypto.randomUUID()}`, role: "assistant", status: "in_progress", content: [] };
    this.response.output.push(item);
    this.#open = item;
    const added = this.#event("response.output_item.added", { output_index: this.#at.output_index, item: structuredClone(item) });
    const part: OutputText = { type: "output_text", text: "", annotations: [], logprobs: [] };
    item.content.push(part);
    return [added, this.#event("response.content_part.added", { ...this.#at, content_index: 0, part: { ...part } })];
  }

  #text(delta: string): ServerEvent[] {
    const events = this.#open === null ? this.#openMessage() : [];
    const part = this.#open?.content[0];
    if (part !== undefined) part.text += delta;
    this.response.output_text += delta;
    return [...events, this.#event("response.output_text.delta", { ...this.#at, content_index: 0, delta, logprobs: [] })];
  }

  #close(isWhole: boolean): ServerEvent[] {
    const item = this.#open;
    if (item === null) return [];
    const at = this.#at;
    this.#open = null;
    item.status = isWhole ? "completed" : "incomplete";
    const [part] = item.content;
    return [
      this.#event("response.output_text.done", { ...at, content_index: 0, text: part?.text ?? "", logprobs: [] }),
      this.#event("response.content_part.done", { ...at, content_index: 0, part: { ...part } }),
      this.#event("response.output_item.done", { output_index: at.output_index, item: structuredClone(item) }),
    ];
  }
}
