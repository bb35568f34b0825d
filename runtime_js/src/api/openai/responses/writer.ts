/** Writes a response of OpenAI's Responses API from the chunks of a chat: the events of its stream, and what they add up to. */

import { openAIError, type EventWriter, type ServerEvent } from "../http.ts";
import type { ChatCompletionChunk, ChatCompletionDelta, CompletionUsage } from "../types.ts";
import { grow, newCall, newMessage, newReasoning, textOf, type OutputItem, type Status } from "./items.ts";
import type { EchoedSettings, ParsedResponseRequest } from "./request.ts";

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
  usage?: ResponseUsage;
}

export interface ResponseUsage {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number; cache_write_tokens: number };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
}

/** The names of an item's events: as its text grows, and when it is whole. */
const TEXT_EVENTS = { message: "response.output_text", reasoning: "response.reasoning_text", function_call: "response.function_call_arguments" };
/** Whether an answer that ended so is whole. */
const WHOLE = ["stop", "tool_calls"];

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

function usageOf({ prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details, completion_tokens_details }: CompletionUsage): ResponseUsage {
  return {
    input_tokens: prompt_tokens, input_tokens_details: { cached_tokens: prompt_tokens_details.cached_tokens, cache_write_tokens: 0 },
    output_tokens: completion_tokens, output_tokens_details: { reasoning_tokens: completion_tokens_details.reasoning_tokens }, total_tokens,
  };
}

export class ResponseWriter implements EventWriter<ChatCompletionChunk> {
  readonly response: ResponseBody;
  #sequence = 0;
  #hasBegun = false;
  /** The item that grows. */
  #open: OutputItem | null = null;
  #finish: string | null = null;

  constructor({ settings }: ParsedResponseRequest) {
    this.response = {
      id: `resp_${crypto.randomUUID()}`, object: "response", created_at: seconds(), completed_at: null, status: "in_progress", model: "",
      output: [], output_text: "", error: null, incomplete_details: null, access_programs: null,
      ...settings,
    };
  }

  piece({ model, choices: [choice], usage }: ChatCompletionChunk): ServerEvent[] {
    const events = this.#first(model);
    if (usage !== undefined) this.response.usage = usageOf(usage);
    if (choice === undefined) return events;
    this.#finish ??= choice.interrupted === true ? "interrupted" : choice.finish_reason;
    return [...events, ...this.#delta(choice.delta)];
  }

  end(): ServerEvent[] {
    const isWhole = WHOLE.includes(this.#finish ?? "");
    const events = this.response.output.length === 0 ? [...this.#begin(newMessage()), ...this.#close(isWhole)] : this.#close(isWhole);
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

  #first(model: string): ServerEvent[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    this.response.model = model;
    return [this.#lifecycle("response.created"), this.#lifecycle("response.in_progress")];
  }

  get #at(): { item_id: string; output_index: number } {
    return { item_id: this.#open?.id ?? "", output_index: this.response.output.length - 1 };
  }

  #delta({ content = "", reasoning_content = "", tool_calls = [] }: ChatCompletionDelta): ServerEvent[] {
    return [
      ...this.#text(reasoning_content, "reasoning", newReasoning), ...this.#text(content, "message", newMessage),
      ...tool_calls.flatMap(({ id, function: { name = "", arguments: text } }) => [
        ...(id === undefined ? [] : [...this.#close(true), ...this.#begin(newCall(id, name))]), ...this.#grow(text),
      ]),
    ];
  }

  #text(text: string, type: OutputItem["type"], make: () => OutputItem): ServerEvent[] {
    if (text === "") return [];
    if (type === "message") this.response.output_text += text;
    return this.#open?.type === type ? this.#grow(text) : [...this.#close(true), ...this.#begin(make()), ...this.#grow(text)];
  }

  /** Adds an item, which grows from now on. */
  #begin(item: OutputItem): ServerEvent[] {
    this.response.output.push(item);
    this.#open = item;
    const { output_index } = this.#at;
    if (item.type === "function_call") return [this.#event("response.output_item.added", { output_index, item: { ...item } })];
    return [
      this.#event("response.output_item.added", { output_index, item: { ...item, content: [] } }),
      this.#event("response.content_part.added", { ...this.#at, content_index: 0, part: { ...item.content[0] } }),
    ];
  }

  #grow(delta: string): ServerEvent[] {
    const item = this.#open;
    if (item === null || delta === "") return [];
    grow(item, delta);
    return [this.#event(`${TEXT_EVENTS[item.type]}.delta`, { ...this.#at, ...this.#inText(item), delta })];
  }

  /** What events of texts say beside the text. */
  #inText(item: OutputItem): object {
    return item.type === "function_call" ? {} : { content_index: 0, ...(item.type === "message" && { logprobs: [] }) };
  }

  #close(isWhole: boolean): ServerEvent[] {
    const item = this.#open;
    if (item === null) return [];
    const [at, text] = [this.#at, textOf(item)];
    this.#open = null;
    item.status = isWhole ? "completed" : "incomplete";
    const done = `${TEXT_EVENTS[item.type]}.done`;
    const events = item.type === "function_call" ? [this.#event(done, { ...at, name: item.name, arguments: text })] : [
      this.#event(done, { ...at, ...this.#inText(item), text }),
      this.#event("response.content_part.done", { ...at, content_index: 0, part: { ...item.content[0] } }),
    ];
    return [...events, this.#event("response.output_item.done", { output_index: at.output_index, item: structuredClone(item) })];
  }
}
