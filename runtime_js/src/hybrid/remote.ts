/** A model behind a server that speaks OpenAI's API. What it says is read as what a stranger says. */

import type { ChatCompletionChunk, ChatCompletionDelta, ChatCompletionFinishReason, ChatCompletionRequest, CompletionUsage } from "../api/openai/types.ts";
import { abortError } from "../support/abort.ts";
import { RemoteError } from "../support/errors.ts";
import { Fields } from "../support/fields.ts";
import { NO_USAGE } from "./answer.ts";
import { eventData } from "./event_stream.ts";
import type { RemoteModel } from "./types.ts";

/** What other servers know. Biases name tokens of this device's model, and are left out. */
const FIELDS = [
  "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stop", "seed", "logprobs", "top_logprobs", "presence_penalty",
  "frequency_penalty", "response_format", "tools", "tool_choice", "parallel_tool_calls", "reasoning_effort", "prediction",
] as const;
const FINISHES: readonly ChatCompletionFinishReason[] = ["stop", "length", "tool_calls"];
const MAX_TEXT = 1 << 22;
const MAX_CHOICES = 128;
const MAX_CALLS = 1024;
const MAX_TOKENS = 2 ** 40;
/** Characters of an error's body that are shown. */
const MAX_SHOWN = 300;

function bodyOf(request: ChatCompletionRequest, model: string): string {
  const known = Object.fromEntries(FIELDS.flatMap((name) => (request[name] === undefined ? [] : [[name, request[name]]])));
  return JSON.stringify({ ...known, model, stream: true, stream_options: { include_usage: true } });
}

function textIn(fields: Fields, name: string): string | undefined {
  return fields.optional(name, (key) => fields.string(key, MAX_TEXT));
}

function readCall(call: Fields): NonNullable<ChatCompletionDelta["tool_calls"]>[number] {
  const called = call.object("function");
  const [id, name] = [textIn(call, "id"), textIn(called, "name")];
  return {
    index: call.integer("index", 0, MAX_CALLS), ...(id !== undefined && { id, type: "function" }),
    function: { ...(name !== undefined && { name }), arguments: textIn(called, "arguments") ?? "" },
  };
}

function readDelta(delta: Fields): ChatCompletionDelta {
  const [content, thought] = [textIn(delta, "content"), textIn(delta, "reasoning_content") ?? textIn(delta, "reasoning")];
  const calls = delta.optional("tool_calls", (name) => delta.objects(name, MAX_CALLS, readCall));
  return {
    ...(content !== undefined && { content }), ...(thought !== undefined && { reasoning_content: thought }),
    ...(calls !== undefined && { tool_calls: calls }),
  };
}

function readUsage(usage: Fields): CompletionUsage {
  const count = (name: string): number => usage.optional(name, (key) => usage.integer(key, 0, MAX_TOKENS)) ?? 0;
  return {
    ...NO_USAGE, prompt_tokens: count("prompt_tokens"), completion_tokens: count("completion_tokens"), total_tokens: count("total_tokens"),
  };
}

function readChunk(data: string): ChatCompletionChunk {
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch (error) {
    throw new RemoteError("The remote model's answer is not JSON.", {}, error);
  }
  const chunk = new Fields(parsed, "", (message) => new RemoteError(`The remote model's answer is malformed: ${message}.`));
  const failure = chunk.optional("error", (key) => chunk.object(key));
  if (failure !== undefined) throw new RemoteError(`The remote model failed: ${textIn(failure, "message") ?? "it does not say why"}`);
  const usage = chunk.optional("usage", (key) => readUsage(chunk.object(key)));
  return {
    id: textIn(chunk, "id") ?? "", object: "chat.completion.chunk", model: textIn(chunk, "model") ?? "",
    created: chunk.optional("created", (key) => chunk.number(key, 0, Number.MAX_SAFE_INTEGER)) ?? 0,
    choices: chunk.optional("choices", (name) => chunk.objects(name, MAX_CHOICES, (choice) => ({
      index: choice.integer("index", 0, MAX_CHOICES), logprobs: null,
      delta: choice.optional("delta", (key) => readDelta(choice.object(key))) ?? {},
      finish_reason: choice.optional("finish_reason", (key) => FINISHES.find((finish) => finish === choice.raw(key)) ?? "stop") ?? null,
    }))) ?? [],
    ...(usage !== undefined && { usage }),
  };
}

/** The pieces of a remote model's answer. Raises RemoteError, or what the signal was aborted with. */
export async function* remotePieces(remote: RemoteModel, request: ChatCompletionRequest, signal: AbortSignal | undefined): AsyncGenerator<ChatCompletionChunk, void, void> {
  const { baseURL, model, apiKey, headers, fetch: send = globalThis.fetch } = remote;
  try {
    const response = await send(`${baseURL.replace(/[/]+$/, "")}/chat/completions`, {
      method: "POST", body: bodyOf(request, model), ...(signal && { signal }),
      headers: { "content-type": "application/json", ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }), ...headers },
    });
    if (!response.ok || response.body === null) {
      const said = (await response.text()).slice(0, MAX_SHOWN);
      throw new RemoteError(`The remote model answered with status ${response.status}${said === "" ? "" : `: ${said}`}`, { status: response.status });
    }
    let isWhole = false;
    for await (const data of eventData(response.body)) {
      isWhole = data.trim() === "[DONE]";
      if (isWhole) return;
      yield readChunk(data);
    }
    throw new RemoteError("The remote model's answer was cut off.");
  } catch (error) {
    if (signal?.aborted === true) throw abortError(signal, "The request was aborted by its signal.");
    throw error instanceof RemoteError ? error : new RemoteError(`The remote model at ${baseURL} cannot be reached: ${String(error)}`, {}, error);
  }
}
