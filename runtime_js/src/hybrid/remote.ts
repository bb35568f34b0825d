/** A model behind a server that speaks OpenAI's API. What it says is read as what a stranger says. */

import type {
  ChatCompletionChunk, ChatCompletionDelta, ChatCompletionFinishReason, ChatCompletionRequest, ChatCompletionTokenLogprob, CompletionUsage, TopLogprob,
} from "../api/openai/types.ts";
import { abortError, abortable, childController } from "../support/abort.ts";
import { RemoteError } from "../support/errors.ts";
import { Fields } from "../support/fields.ts";
import { retryAfter } from "../storage/pause.ts";
import { NO_USAGE } from "./answer.ts";
import { eventData } from "./event_stream.ts";
import { withSentMedia } from "./media.ts";
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
/** Tokens of a piece, likeliest ones in the place of each, and bytes of one. */
const MAX_LOGPROBS = 4096;
const MAX_TOP = 128;
const MAX_BYTES = 1024;
const MAX_TOKENS = 2 ** 40;
/** Characters of an error's body that are shown. */
const MAX_SHOWN = 300;
/** A server that says nothing for so long, not even that it works, has failed. */
export const PATIENCE_MS = 60_000;
export const ABORTED = "The request was aborted by its signal.";

/** Raises RemoteError where a picture cannot be sent. */
async function bodyOf(request: ChatCompletionRequest, model: string): Promise<string> {
  const sent = { ...request, messages: await withSentMedia(request.messages) };
  const known = Object.fromEntries(FIELDS.flatMap((name) => (sent[name] === undefined ? [] : [[name, sent[name]]])));
  return JSON.stringify({ ...known, model, stream: true, stream_options: { include_usage: true } });
}

function textIn(fields: Fields, name: string): string | undefined {
  return fields.optional(name, (key) => fields.string(key, MAX_TEXT));
}

/** Some servers leave out which call a piece is of: a new id is a new call, and none is the one before. */
function indexOf(call: Fields, id: string | undefined, ids: string[]): number {
  if (id !== undefined && !ids.includes(id)) ids.push(id);
  if (ids.length > MAX_CALLS) throw call.fail(`there are more than ${MAX_CALLS} calls`, call.path);
  return call.optional("index", (key) => call.integer(key, 0, MAX_CALLS)) ?? (id === undefined ? Math.max(0, ids.length - 1) : ids.indexOf(id));
}

function readCall(call: Fields, ids: string[]): NonNullable<ChatCompletionDelta["tool_calls"]>[number] {
  const called = call.object("function");
  const [id, name] = [textIn(call, "id"), textIn(called, "name")];
  return {
    index: indexOf(call, id, ids), ...(id !== undefined && { id, type: "function" }),
    function: { ...(name !== undefined && { name }), arguments: textIn(called, "arguments") ?? "" },
  };
}

function readDelta(delta: Fields, ids: string[]): ChatCompletionDelta {
  const [content, thought] = [textIn(delta, "content"), textIn(delta, "reasoning_content") ?? textIn(delta, "reasoning")];
  const calls = delta.optional("tool_calls", (name) => delta.objects(name, MAX_CALLS, (call) => readCall(call, ids)));
  return {
    ...(content !== undefined && { content }), ...(thought !== undefined && { reasoning_content: thought }),
    ...(calls !== undefined && { tool_calls: calls }),
  };
}

function readToken(token: Fields): TopLogprob {
  return {
    token: token.string("token", MAX_TEXT), logprob: token.number("logprob", -Number.MAX_VALUE, Number.MAX_VALUE),
    bytes: token.optional("bytes", (key) => token.integers(key, MAX_BYTES, 0, 255)) ?? null,
  };
}

function readLogprobs(logprobs: Fields): ChatCompletionTokenLogprob[] {
  return logprobs.optional("content", (key) => logprobs.objects(key, MAX_LOGPROBS, (token) => ({
    ...readToken(token), top_logprobs: token.optional("top_logprobs", (top) => token.objects(top, MAX_TOP, readToken)) ?? [],
  }))) ?? [];
}

function readUsage(usage: Fields): CompletionUsage {
  const count = (name: string): number => usage.optional(name, (key) => usage.integer(key, 0, MAX_TOKENS)) ?? 0;
  return {
    ...NO_USAGE, prompt_tokens: count("prompt_tokens"), completion_tokens: count("completion_tokens"), total_tokens: count("total_tokens"),
  };
}

/** callIds: of the calls so far, to which it adds. */
function readChunk(data: string, callIds: string[]): ChatCompletionChunk {
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
      index: choice.integer("index", 0, MAX_CHOICES),
      logprobs: choice.optional("logprobs", (key) => ({ content: readLogprobs(choice.object(key)), refusal: null })) ?? null,
      delta: choice.optional("delta", (key) => readDelta(choice.object(key), callIds)) ?? {},
      finish_reason: choice.raw("finish_reason") === "" ? null // some servers say so as long as there is more
        : choice.optional("finish_reason", (key) => FINISHES.find((finish) => finish === choice.raw(key)) ?? "stop") ?? null,
    }))) ?? [],
    ...(usage !== undefined && { usage }),
  };
}

/** Which of an answer's choices are over. */
class Ends {
  readonly #open = new Set<number>();
  hasAny = false;

  take({ choices }: ChatCompletionChunk): void {
    for (const { index, finish_reason } of choices) {
      this.hasAny = true;
      if (finish_reason === null) this.#open.add(index);
      else this.#open.delete(index);
    }
  }

  get areAll(): boolean {
    return this.hasAny && this.#open.size === 0;
  }
}

/** The beginning of a body, in words. */
async function beginning(body: ReadableStream<Uint8Array>, read: <T>(part: Promise<T>) => Promise<T>): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let part = await read(reader.read()); !part.done && text.length < MAX_SHOWN; part = await read(reader.read())) text += decoder.decode(part.value, { stream: true });
  } catch {
    // What came of it will do.
  } finally {
    void reader.cancel().catch(() => undefined);
  }
  return text.slice(0, MAX_SHOWN);
}

/** Milliseconds, of which OpenAI's servers tell exactly how many. */
function waitOf(headers: Headers): number | undefined {
  const exact = Number(headers.get("retry-after-ms") ?? Number.NaN);
  return exact > 0 ? exact : retryAfter(headers.get("retry-after"));
}

/** The pieces of a remote model's answer. Raises RemoteError, or what the signal was aborted with. */
export async function* remotePieces(remote: RemoteModel, request: ChatCompletionRequest, signal: AbortSignal | undefined): AsyncGenerator<ChatCompletionChunk, void, void> {
  const { baseURL, model, apiKey, headers, fetch: send = globalThis.fetch, patience = PATIENCE_MS } = remote;
  const connection = signal === undefined ? new AbortController() : childController(signal);
  const ends = new Ends();
  const callIds: string[] = [];
  /** A part of the answer, where it comes in time. */
  const owed = async <T>(part: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => connection.abort(new RemoteError(`The remote model at ${baseURL} has said nothing for ${patience / 1000} s.`)), patience);
    return abortable(part, connection.signal, ABORTED).finally(() => clearTimeout(timer));
  };
  try {
    const body = await owed(bodyOf(request, model));
    const response = await owed(send(`${baseURL.replace(/[/]+$/, "")}/chat/completions`, {
      method: "POST", body, signal: connection.signal, redirect: "error", // whoever was named, and nobody else, reads it
      headers: { "content-type": "application/json", ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }), ...headers },
    }));
    if (!response.ok || response.body === null) {
      const said = response.body === null ? "" : await beginning(response.body, owed);
      const { status } = response;
      const wait = status === 429 || status === 503 ? waitOf(response.headers) : undefined;
      throw new RemoteError(`The remote model answered with status ${status}${said === "" ? "" : `: ${said}`}`, { status, ...(wait !== undefined && { retryAfterMs: wait }) });
    }
    for await (const data of eventData(response.body, owed)) {
      if (data.trim() === "[DONE]") {
        if (!ends.hasAny) throw new RemoteError("The remote model's answer has nothing in it.");
        return;
      }
      const chunk = readChunk(data, callIds);
      ends.take(chunk);
      yield chunk;
    }
    if (!ends.areAll) throw new RemoteError(`The remote model's answer ${ends.hasAny ? "was cut off" : "is no stream of events"}.`);
  } catch (error) {
    if (signal?.aborted === true) throw abortError(signal, ABORTED);
    if (ends.areAll) return; // what failed behind the end takes nothing from it
    throw error instanceof RemoteError ? error : new RemoteError(`The remote model at ${baseURL} cannot be reached: ${String(error)}`, {}, error);
  } finally {
    connection.abort();
  }
}
