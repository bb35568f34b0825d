/** Validation of requests: a wrong, missing or unsupported field is an error that names it. Null is absent everywhere. */

import type { AnswerRequest, Prompt } from "../../engine/answer.ts";
import { OVERFLOWS } from "../../engine/overflow.ts";
import type { EmbeddingCall } from "../../engine/pooling.ts";
import { POOLINGS } from "../../storage/embedding_facts.ts";
import { MAX_BIASES, MAX_TOKEN, MOST_BIAS, readSampling, type SamplingConfig } from "../../engine/sampling.ts";
import { MAX_TOP_LOGPROBS } from "../../executor/abi.generated.ts";
import { RequestValidationError } from "../../support/errors.ts";
import { Fields, present } from "../../support/fields.ts";
import { MAX_CONTENT, MAX_NAME, parseMessages } from "./messages.ts";
import { NEUTRAL, NEUTRAL_IN_STREAM_OPTIONS, refuseUnsupported } from "./neutral.ts";
import { readResponseFormat } from "./response_format.ts";
import { SPECULATION_FIELDS, readGuesses } from "./speculation.ts";
import { CHAT_TEMPLATE_FIELDS, parseChat } from "./tools.ts";

export const MAX_TOKENS = 1 << 24;
export const MAX_STOPS = 16;
export const MAX_STOP_LENGTH = 256;
export const MAX_STOP_TOKENS = 256;
export const MAX_CHOICES = 128;
/** Prompts of one request, of which each is an answer. */
const MAX_PROMPTS = 128;
/** Texts of one request for vectors, as OpenAI's server takes. */
const MAX_INPUTS = 2048;
export const MAX_DIMENSIONS = 1 << 16;
/** Half of what a file's name may be, where each character takes three. */
export const MAX_SESSION_ID = 64;

/** OpenAI's names, and those that other engines have in common. */
const SAMPLING_NAMES = {
  temperature: "temperature", topP: "top_p", topK: "top_k", minP: "min_p", frequencyPenalty: "frequency_penalty",
  presencePenalty: "presence_penalty", repetitionPenalty: "repetition_penalty", seed: "seed",
} as const;

const SAMPLING_FIELDS = [
  "model", "max_tokens", ...Object.values(SAMPLING_NAMES), "logit_bias", "logprobs", "stop", "stop_token_ids", "ignore_eos", "n", "context_overflow", "stream",
  "stream_options", "response_format", ...SPECULATION_FIELDS,
];
const CHAT_FIELDS = ["messages", "prediction", "max_completion_tokens", "top_logprobs", ...CHAT_TEMPLATE_FIELDS, ...SAMPLING_FIELDS];
const TEXT_FIELDS = ["prompt", "echo", "suffix", ...SAMPLING_FIELDS];

/** A valid request in the engine's terms. */
export interface ParsedRequest {
  /** What is asked, with the first of the prompts. */
  readonly answer: AnswerRequest;
  readonly prompts: readonly [Prompt, ...Prompt[]];
  /** Answers to each of them. */
  readonly choices: number;
  /** The model that it asks for; undefined takes any. */
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

function fieldsOf(value: unknown, what: string): Fields {
  return new Fields(value, "", (message, path) => new RequestValidationError(
    `Invalid ${what} request: ${message.replace(/^ must/, "the request must")}.`, path === undefined || path === "" ? {} : { param: path }));
}

function parseStop(request: Fields): string[] {
  const read = (value: unknown, path: string): string => {
    if (typeof value === "string" && value.length <= MAX_STOP_LENGTH) return value;
    throw request.fail(`${path} must be a string of at most ${MAX_STOP_LENGTH} characters`, path);
  };
  const stop = request.raw("stop");
  return (Array.isArray(stop) ? request.array("stop", MAX_STOPS, read) : [read(stop, "stop")]).filter((text) => text !== "");
}

/** -1 is no limit. */
function parseLimit(request: Fields, least: number): number | undefined {
  const [limit] = ["max_completion_tokens", "max_tokens"].filter((name) => request.has(name))
    .map((key) => (request.raw(key) === -1 ? undefined : request.integer(key, least, MAX_TOKENS)));
  return limit;
}

/** -1 is another way to say that top_k is off. */
function parseNumbers(request: Fields): SamplingConfig {
  if (request.raw("top_k") !== -1) return readSampling(request, SAMPLING_NAMES);
  return { ...readSampling(request, { ...SAMPLING_NAMES, topK: "" }), topK: 0 };
}

function parseBias(request: Fields): SamplingConfig["logitBias"] {
  return request.optional("logit_bias", (key) => {
    const bias = request.object(key);
    const tokens = bias.keys().filter((token) => bias.has(token));
    if (tokens.length > MAX_BIASES) throw request.fail(`${key} has ${tokens.length} entries; at most ${MAX_BIASES} are allowed`, key);
    return tokens.map((token) => {
      if (!/^[0-9]{1,8}$/.test(token) || Number(token) > MAX_TOKEN) throw request.fail(`${key} must have token ids for keys, not ${JSON.stringify(token.slice(0, 40))}`, key);
      return [Number(token), bias.number(token, -MOST_BIAS, MOST_BIAS)] as const;
    });
  });
}

/** What both kinds of requests have. */
function parseSampling(request: Fields, topLogprobs: number | undefined, leastTokens: number, ...prompts: ParsedRequest["prompts"]): ParsedRequest {
  const choices = request.optional("n", (key) => request.integer(key, 1, MAX_CHOICES)) ?? 1;
  const answers = choices * prompts.length;
  if (answers > MAX_CHOICES) throw request.fail(`n answers to ${prompts.length} prompts are ${answers}; at most ${MAX_CHOICES} may be`, "n");
  const overflow = request.optional("context_overflow", (key) => request.oneOf(key, OVERFLOWS));
  const structure = readResponseFormat(request);
  const guesses = readGuesses(request);
  const stream = request.optional("stream", (key) => request.boolean(key)) ?? false;
  const includeUsage = request.optional("stream_options", (key) => {
    const options = request.object(key);
    refuseUnsupported(options, ["include_usage"], NEUTRAL_IN_STREAM_OPTIONS);
    return options.optional("include_usage", (name) => options.boolean(name));
  }) ?? false;
  if (includeUsage && !stream) throw request.fail("stream_options needs stream: true", "stream_options");
  return {
    answer: present({
      prompt: prompts[0],
      maxTokens: parseLimit(request, leastTokens),
      sampling: present({ ...parseNumbers(request), logitBias: parseBias(request), topLogprobs }),
      stopTokens: request.optional("stop_token_ids", (key) => request.integers(key, MAX_STOP_TOKENS, 0, MAX_TOKEN)),
      ignoreEos: request.optional("ignore_eos", (key) => request.boolean(key)) === true ? true : undefined,
      ...(overflow !== undefined && { overflow }),
      stop: request.optional("stop", () => parseStop(request)) ?? [],
      ...(structure !== undefined && { structure }),
      ...(guesses !== undefined && { guesses }),
    }),
    prompts,
    choices,
    model: request.optional("model", (key) => request.string(key, MAX_NAME)) || undefined,
    stream,
    includeUsage,
  };
}

/** How many likeliest tokens are told beside each; undefined: nothing is. */
function parseChatLogprobs(request: Fields): number | undefined {
  const isAsked = request.optional("logprobs", (key) => request.boolean(key)) ?? false;
  const top = request.optional("top_logprobs", (key) => request.integer(key, 0, MAX_TOP_LOGPROBS)) ?? 0;
  if (!isAsked && top > 0) throw request.fail("top_logprobs needs logprobs: true", "top_logprobs");
  return isAsked ? top : undefined;
}

/** WebLLM's settings of checkpoints, of which there are none here: tokens are kept one by one. */
const CHECKPOINTS = ["checkpointIntervalTokens", "checkpointPrompt", "durabilityMode", "strictPersistence", "storeCheckpointLogits"];

/** The id under which the answer is kept while it comes. */
function parseResumable(request: Fields): string | undefined {
  const resumable = request.optional("extra_body", (key) => {
    const extra = request.object(key);
    return extra.optional("resumable", (name) => extra.object(name));
  });
  if (resumable === undefined) return undefined;
  resumable.onlyKeys(["enabled", "sessionId", ...CHECKPOINTS]);
  const id = resumable.optional("sessionId", (key) => resumable.string(key, MAX_SESSION_ID)) || crypto.randomUUID();
  if (!resumable.boolean("enabled")) return undefined;
  resumable.optional("checkpointIntervalTokens", (key) => resumable.integer(key, 1, Number.MAX_SAFE_INTEGER)); // which WebLLM refuses, too
  return id;
}

/** Raises RequestValidationError. */
export function parseChatRequest(value: unknown): ParsedRequest {
  const request = fieldsOf(value, "chat completion");
  refuseUnsupported(request, CHAT_FIELDS, NEUTRAL);
  const { conversation, calls } = parseChat(request, parseMessages(request));
  const parsed = parseSampling(request, parseChatLogprobs(request), 1, { kind: "chat", conversation });
  const resumable = parseResumable(request);
  if (resumable !== undefined && parsed.choices > 1) throw request.fail("n must be 1 for an answer that can be resumed", "n");
  return { ...parsed, answer: { ...parsed.answer, ...calls, ...(resumable !== undefined && { resumable }) } };
}

/** What is told apart into tokens: a text, which may be empty, or the messages of a chat. Raises RequestValidationError. */
export function parseInput(value: unknown, { tools }: { readonly tools?: unknown } = {}): Prompt {
  if (Array.isArray(value)) return parseChatRequest({ messages: value, tools }).prompts[0];
  const fields = fieldsOf({ input: value }, "tokens");
  if (typeof value !== "string") throw fields.wrong("input", "a text, or messages");
  return { kind: "text", text: fields.string("input", MAX_CONTENT) };
}

/** Token ids, for whom they are not yet known to be of a vocabulary. Raises RequestValidationError. */
export function parseTokens(value: unknown): number[] {
  return fieldsOf({ tokens: value }, "tokens").integers("tokens", MAX_CONTENT, 0, MAX_TOKEN);
}

/** A request for vectors in the engine's terms. */
export interface ParsedEmbeddingRequest {
  readonly call: EmbeddingCall;
  readonly model: string | undefined;
  readonly isBase64: boolean;
}

/** Raises RequestValidationError. */
export function parseEmbeddingRequest(value: unknown): ParsedEmbeddingRequest {
  const request = fieldsOf(value, "embedding");
  refuseUnsupported(request, ["input", "model", "encoding_format", "dimensions", "pooling", "prompt_name", "truncate"], NEUTRAL);
  return {
    call: {
      inputs: parsePrompts(request, "input", MAX_INPUTS), pooling: request.optional("pooling", (key) => request.oneOf(key, POOLINGS)),
      promptName: request.optional("prompt_name", (key) => request.string(key, MAX_NAME)),
      truncate: request.optional("truncate", (key) => request.boolean(key)) ?? false,
      dimensions: request.optional("dimensions", (key) => request.integer(key, 1, MAX_DIMENSIONS)),
    },
    model: request.optional("model", (key) => request.string(key, MAX_NAME)) || undefined,
    isBase64: request.optional("encoding_format", (key) => request.oneOf(key, ["float", "base64"])) === "base64",
  };
}

function notEmpty(request: Fields, prompt: Prompt, path: string): Prompt {
  const isEmpty = (prompt.kind === "text" && prompt.text === "") || (prompt.kind === "tokens" && prompt.tokens.length === 0);
  if (isEmpty) throw request.fail(`${path} is empty; give a text`, path);
  return prompt;
}

/** One prompt, or each of a list. */
function parsePrompts(request: Fields, key: "prompt" | "input", most: number): ParsedRequest["prompts"] {
  const value: unknown = request.raw(key);
  const suffix = request.optional("suffix", (key) => request.string(key, MAX_CONTENT)) || undefined;
  const text = (one: string): Prompt => ({ kind: "text", text: one, ...(suffix !== undefined && { suffix }) });
  if (!Array.isArray(value)) return [notEmpty(request, text(request.string(key, MAX_CONTENT)), key)];
  const [first, ...more]: Prompt[] = typeof value[0] === "number"
    ? [{ kind: "tokens", tokens: request.integers(key, MAX_CONTENT, 0, MAX_TOKEN) }] : request.array(key, most, (item, path): Prompt => {
    if (typeof item === "string" && item.length <= MAX_CONTENT) return notEmpty(request, text(item), path);
    if (!Array.isArray(item)) throw request.fail(`${path} must be a string or a list of token ids`, path);
    return notEmpty(request, { kind: "tokens", tokens: new Fields({ [path]: item }, "", request.fail).integers(path, MAX_CONTENT, 0, MAX_TOKEN) }, path);
  });
  if (first === undefined) throw request.fail(`${key} is empty; give a text`, key);
  if (suffix !== undefined && [first, ...more].some(({ kind }) => kind === "tokens")) {
    throw request.fail("suffix needs a text before it; token ids can hold the model's own marks for both", "suffix");
  }
  return [first, ...more];
}

export interface ParsedTextRequest extends ParsedRequest {
  /** Whether an answer begins with its prompt. */
  readonly echo: boolean;
}

/** The prompt's tokens are told by steps as the answer's, where penalties would count them as such. */
function reciting(request: Fields, answer: AnswerRequest): AnswerRequest {
  const off = { repetitionPenalty: 1, frequencyPenalty: 0, presencePenalty: 0 } as const;
  for (const name of ["repetitionPenalty", "frequencyPenalty", "presencePenalty"] as const) {
    const key = SAMPLING_NAMES[name];
    if ((answer.sampling[name] ?? off[name]) !== off[name]) throw request.fail(`${key} is not supported together with echo and logprobs`, key);
  }
  return { ...answer, sampling: { ...answer.sampling, ...off }, recites: true };
}

/** Raises RequestValidationError. */
export function parseTextRequest(value: unknown): ParsedTextRequest {
  const request = fieldsOf(value, "completion");
  refuseUnsupported(request, TEXT_FIELDS, NEUTRAL);
  const echo = request.optional("echo", (key) => request.boolean(key)) ?? false;
  // OpenAI's number of likeliest tokens; older clients say true and false.
  const asked = request.raw("logprobs");
  const topLogprobs = typeof asked === "boolean" ? (asked ? 0 : undefined) : request.optional("logprobs", (key) => request.integer(key, 0, MAX_TOP_LOGPROBS));
  const recites = echo && topLogprobs !== undefined;
  const parsed = parseSampling(request, topLogprobs, recites ? 0 : 1, ...parsePrompts(request, "prompt", MAX_PROMPTS));
  return { ...parsed, ...(recites && { answer: reciting(request, parsed.answer) }), echo };
}
