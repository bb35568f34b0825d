/** Fields of OpenAI's requests that ask for nothing at these values. Other values of them would change the answer, and are refused. */

import { isRecord, type Fields } from "../../support/fields.ts";

type IsNeutral = (value: unknown) => boolean;

// A site's scripts, which speak no such shapes, leave out the lists below: the bundler is told that making them does nothing else.
/* @__NO_SIDE_EFFECTS__ */
const is = (...values: readonly unknown[]): IsNeutral => (value) => values.includes(value);
/** Whether nothing is in a list, or nothing but `neutral` values and null in an object. */
/* @__NO_SIDE_EFFECTS__ */
const isEmptyBut = (neutral: IsNeutral): IsNeutral => (value) => {
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.values(value).every((item) => (item ?? null) === null || neutral(item));
};
const isEmpty = isEmptyBut(() => false);
const isNumber: IsNeutral = (value) => typeof value === "number";
const isText: IsNeutral = (value) => typeof value === "string";
const isFlag: IsNeutral = (value) => typeof value === "boolean";

/** Of a request. Empty lists and objects ask for nothing under any name, but for those here. */
export const NEUTRAL: Readonly<Record<string, IsNeutral>> = {
  // How tokens are drawn.
  min_tokens: is(0), best_of: is(1), top_logprobs: is(0),
  typical_p: is(1), tfs_z: is(1), top_a: is(0), mirostat: is(0), repeat_penalty: is(1), dry_multiplier: is(0), xtc_probability: is(0),
  length_penalty: is(1), use_beam_search: is(false), early_stopping: is(false), dynatemp_range: is(0), n_probs: is(0), n_predict: is(-1),
  prompt_logprobs: is(0), n_keep: is(0), truncate_prompt_tokens: is(-1),
  // Numbers of ways to draw that are off.
  mirostat_tau: isNumber, mirostat_eta: isNumber, repeat_last_n: isNumber, dry_base: isNumber, dry_allowed_length: isNumber,
  dry_penalty_last_n: isNumber, xtc_threshold: isNumber, dynatemp_exponent: isNumber,
  // What the answer is.
  modalities: (value) => Array.isArray(value) && value.every(is("text")),
  tool_choice: is("none", "auto"), parallel_tool_calls: isFlag, function_call: is("none", "auto"),
  skip_special_tokens: is(true), spaces_between_special_tokens: isFlag, include_stop_str_in_output: is(false), echo: is(false), suffix: is(""),
  verbosity: is("medium"), extra_body: isEmptyBut(is(false)), web_search_options: is(), grammar: is(""),
  add_generation_prompt: is(true), continue_final_message: is(false), add_special_tokens: is(false), detokenize: is(true), return_token_ids: is(false),
  include_reasoning: is(true), timings_per_token: is(false), return_progress: is(false), return_tokens: is(false), safe_prompt: is(false),
  // For the books of a server.
  user: isText, safety_identifier: isText, prompt_cache_key: isText, prompt_cache_retention: isText, prompt_cache_options: isRecord,
  service_tier: isText, store: isFlag, metadata: isRecord, request_id: isText, cache_prompt: isFlag, priority: is(0),
  keep_alive: (value) => isText(value) || isNumber(value), id_slot: isNumber, session_id: isText,
  extra_headers: isRecord,
};

/** Of a message: what the openai client's own answers carry. */
export const NEUTRAL_IN_MESSAGE: Readonly<Record<string, IsNeutral>> = {
  refusal: is(""), annotations: Array.isArray, parsed: () => true, provider_specific_fields: isRecord, reasoning: is(""), reasoning_content: is(""),
  cache_control: isRecord, prefix: is(false), id: isText,
};

/** Of a text part: hints for a server's cache. */
export const NEUTRAL_IN_PART: Readonly<Record<string, IsNeutral>> = {
  cache_control: isRecord, prompt_cache_breakpoint: isRecord,
};

/** Of a request to the Responses API. */
export const NEUTRAL_IN_RESPONSE: Readonly<Record<string, IsNeutral>> = {
  top_logprobs: is(0), background: is(false), max_tool_calls: (value) => Number.isSafeInteger(value), stream_options: isEmptyBut(isFlag),
  include: (value) => Array.isArray(value) && value.every(is("reasoning.encrypted_content")),
  user: isText, safety_identifier: isText, prompt_cache_key: isText, prompt_cache_retention: isText, prompt_cache_options: isRecord,
  service_tier: isText, store: isFlag,
};

/** Of an item of a response's conversation: what the answers themselves carry. */
export const NEUTRAL_IN_RESPONSE_ITEM: Readonly<Record<string, IsNeutral>> = {
  id: isText, status: isText, phase: isText, annotations: Array.isArray, prompt_cache_breakpoint: isRecord,
};

/** Of stream_options. */
export const NEUTRAL_IN_STREAM_OPTIONS: Readonly<Record<string, IsNeutral>> = { include_obfuscation: isFlag, continuous_usage_stats: is(false) };

/** WebLLM's options of a chat that ask for nothing. */
export const NEUTRAL_CHAT_OPTIONS: Readonly<Record<string, IsNeutral>> = {
  sliding_window_size: is(-1), attention_sink_size: is(0, -1), repetition_penalty: is(1), frequency_penalty: is(0), presence_penalty: is(0),
  temperature: is(1), top_p: is(1),
};

/** WebLLM's ways to say where files are stored, where they name the way that there is. */
export const NEUTRAL_APP_CONFIG: Readonly<Record<string, IsNeutral>> = { cacheBackend: is("opfs"), useIndexedDBCache: is(false) };

/**
 * Names the first field that would be ignored although it asks for something, and what to do `instead` where there is a way. Null is absent.
 */
export function refuseUnsupported(
  fields: Fields, supported: readonly string[], neutral: Readonly<Record<string, IsNeutral>>, instead: Readonly<Record<string, string>> = {},
): void {
  for (const key of fields.keys()) {
    if (!fields.has(key) || supported.includes(key)) continue;
    const isNeutral = Object.hasOwn(neutral, key) ? neutral[key] ?? isEmpty : isEmpty;
    if (isNeutral(fields.raw(key))) continue;
    const what = Object.hasOwn(neutral, key) ? "with this value " : "";
    const way = Object.hasOwn(instead, key) ? instead[key] : "remove it";
    throw fields.fail(`${fields.at(key)} is not supported ${what}here; ${way} (supported: ${supported.join(", ")})`, fields.at(key));
  }
}
