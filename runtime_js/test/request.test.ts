import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestValidationError } from "../src/support/errors.ts";
import { parseChatRequest, parseTextRequest } from "../src/api/openai/request.ts";
import { usage } from "../src/api/openai/response.ts";
import { fails } from "./fakes/expect.ts";

const USER = { role: "user", content: "hi" };
const TOOL = { type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } };
const DEEP = Array.from({ length: 80 }).reduce<object>((inner) => ({ inner }), {});

const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
  ["no object", "hi", /must be an object/],
  ["null", null, /must be an object/],
  ["no messages", {}, /messages must be an array/],
  ["empty messages", { messages: [] }, /messages is empty/],
  ["a message of another type", { messages: ["hi"] }, /messages\[0\] must be an object/],
  ["an unknown role", { messages: [{ role: "robot", content: "" }] }, /messages\[0\]\.role must be "system" or .*, not "robot"/],
  ["no content", { messages: [{ role: "user" }] }, /messages\[0\]\.content must be a string/],
  ["a picture", { messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] }, /image_url/],
  ["a tool's message without its call", { messages: [USER, { role: "tool", content: "a" }] }, /messages\[1\]\.tool_call_id must be a string/],
  ["half a call", { messages: [USER, { role: "assistant", tool_calls: [{ id: "1" }] }, USER] }, /messages\[1\]\.tool_calls\[0\]\.function must be an object/],
  ["a user's call", { messages: [{ ...USER, tool_calls: [{ id: "1", function: { name: "f", arguments: "" } }] }] }, /tool_calls is not supported here/],
  ["a search, which empty options ask for", { messages: [USER], web_search_options: {} }, /web_search_options is not supported with this value/],
  ["a list of a field that nobody knows", { messages: [USER], colours: [1] }, /colours is not supported here/],
  ["a user's refusal", { messages: [{ ...USER, refusal: "no" }] }, /refusal is not supported with this value/],
  ["a field that nobody knows", { messages: [USER], colour: 1 }, /colour is not supported here/],
  ["a name of none", { messages: [USER], "": 1 }, /request: "" is not supported here/],
  ["a name of many characters, of which few are told", { messages: [USER], ["x".repeat(1 << 20)]: 1 }, /request: x{100} is not supported here.{1,900}$/],
  ["a prototype's name", { messages: [USER], constructor: 1 }, /constructor is not supported here/],
  ["a hot temperature", { messages: [USER], temperature: 2.1 }, /temperature must be a number from 0 to 2/],
  ["a negative temperature", { messages: [USER], temperature: -1 }, /temperature/],
  ["NaN", { messages: [USER], temperature: Number.NaN }, /temperature/],
  ["a string for a number", { messages: [USER], temperature: "1" }, /temperature/],
  ["top_p 1.5", { messages: [USER], top_p: 1.5 }, /top_p/],
  ["max_tokens 0", { messages: [USER], max_tokens: 0 }, /max_tokens must be an integer/],
  ["max_tokens 1.5", { messages: [USER], max_completion_tokens: 1.5 }, /max_completion_tokens/],
  ["a fractional seed", { messages: [USER], seed: 0.5 }, /seed/],
  ["a stop that is too long", { messages: [USER], stop: "x".repeat(257) }, /stop must be a string of at most 256/],
  ["a number in stop", { messages: [USER], stop: ["a", 3] }, /stop\[1\]/],
  ["an unknown way with control tokens", { messages: [USER], special_tokens: "keep" }, /special_tokens must be "escape" or "parse"/],
  ["an unknown way out of the context", { messages: [USER], context_overflow: "truncate" }, /context_overflow must be "error" or "drop_oldest" or/],
  ["too many answers", { messages: [USER], n: 129 }, /n must be an integer from 1 to 128/],
  ["stream of another type", { messages: [USER], stream: "yes" }, /stream must be true or false/],
  ["stream options without stream", { messages: [USER], stream_options: { include_usage: true } }, /stream_options needs stream/],
  ["half a tool", { messages: [USER], tools: [{ type: "function" }] }, /tools\[0\]\.function must be an object/],
  ["a custom tool", { messages: [USER], tools: [{ type: "custom", custom: { name: "f" } }] }, /tools\[0\]\.type must be "function"/],
  ["a tool's odd name", { messages: [USER], tools: [{ type: "function", function: { name: "a b" } }] }, /tools\[0\]\.function\.name must be 1 to 64 letters/],
  ["a tool twice", { messages: [USER], tools: [TOOL, TOOL] }, /tools\[1\] has the name of another tool, "look"/],
  ["a schema that is none", { messages: [USER], tools: [{ type: "function", function: { name: "f", parameters: [1] } }] }, /parameters must be an object/],
  ["a schema without end", { messages: [USER], tools: [{ type: "function", function: { name: "f", parameters: DEEP } }] }, /nested deeper than 64/],
  ["a choice that nobody knows", { messages: [USER], tools: [TOOL], tool_choice: "sometimes" }, /tool_choice/],
  ["a budget below nothing", { messages: [USER], thinking_budget: -1 }, /thinking_budget must be an integer/],
  ["a budget and logprobs", { messages: [USER], thinking_budget: 5, logprobs: true }, /thinking_budget writes what closes a thought/],
  ["a thought that is neither on nor off", { messages: [USER], thinking: { type: "sometimes" } }, /thinking\.type must be "enabled" or "disabled"/],
  ["a thought with what would be ignored", { messages: [USER], thinking: { type: "enabled", effort: 1 } }, /thinking\.effort/],
  ["a call of nothing", { messages: [USER], tool_choice: "required" }, /tool_choice requires a call, but there are no tools/],
  ["no messages at all", { model: "a" }, /messages must be an array, and is missing/],
  ["a choice of another tool", { messages: [USER], tools: [TOOL], tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "find" } }] } } },
    /tool_choice\.allowed_tools\.tools\[0\]\.function\.name must be the name of one of the tools/],
  ["arguments that are no object", { messages: [USER], tools: [{ type: "function", function: { name: "f", parameters: { type: "array" } } }] }, /tools\[0\]\.function\.parameters\.type must be "object"/],
  ["another tool", { messages: [USER], tools: [TOOL], tool_choice: { type: "function", function: { name: "find" } } }, /tool_choice\.function\.name must be the name of one of the tools/],
  ["an effort that nobody knows", { messages: [USER], reasoning_effort: "huge" }, /reasoning_effort/],
  ["template variables that are none", { messages: [USER], chat_template_kwargs: "x" }, /chat_template_kwargs must be an object/],
  ["a bias beyond what is possible", { messages: [USER], logit_bias: { 1: 101 } }, /logit_bias\.1 must be a number from -100 to 100/],
  ["a bias of NaN", { messages: [USER], logit_bias: { 1: Number.NaN } }, /logit_bias\.1/],
  ["a bias of a text", { messages: [USER], logit_bias: { the: 1 } }, /logit_bias must have token ids for keys, not "the"/],
  ["a bias of a token that is none", { messages: [USER], logit_bias: { "-1": 1 } }, /logit_bias must have token ids/],
  ["a bias of a huge token", { messages: [USER], logit_bias: { 99999999: 1 } }, /logit_bias must have token ids/],
  ["too many biases", { messages: [USER], logit_bias: Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [i, 1])) }, /at most 1024/],
  ["a list of biases", { messages: [USER], logit_bias: [1] }, /logit_bias must be an object/],
  ["a penalty of 3", { messages: [USER], frequency_penalty: 3 }, /frequency_penalty must be a number from -2 to 2/],
  ["a penalty of -2.1", { messages: [USER], presence_penalty: -2.1 }, /presence_penalty/],
  ["a repetition penalty of 0", { messages: [USER], repetition_penalty: 0 }, /repetition_penalty must be a number from 0.01 to 100/],
  ["top_k -2", { messages: [USER], top_k: -2 }, /top_k must be an integer from 0/],
  ["top_k 1.5", { messages: [USER], top_k: 1.5 }, /top_k/],
  ["min_p 2", { messages: [USER], min_p: 2 }, /min_p must be a number from 0 to 1/],
  ["logprobs of another type", { messages: [USER], logprobs: 3 }, /logprobs must be true or false/],
  ["too many top_logprobs", { messages: [USER], logprobs: true, top_logprobs: 21 }, /top_logprobs must be an integer from 0 to 20/],
  ["top_logprobs alone", { messages: [USER], top_logprobs: 2 }, /top_logprobs needs logprobs: true/],
  ["a stop token of another type", { messages: [USER], stop_token_ids: ["a"] }, /stop_token_ids\[0\] must be an integer/],
  ["too many stop tokens", { messages: [USER], stop_token_ids: Array(257).fill(1) }, /stop_token_ids has 257 entries/],
  ["max_tokens -2", { messages: [USER], max_tokens: -2 }, /max_tokens must be an integer/],
  ["a speculation that there is not", { messages: [USER], speculation: "on" }, /speculation must be "auto" or "off"/],
  ["a prediction of another kind", { messages: [USER], prediction: { type: "audio", content: "x" } }, /prediction.type must be "content"/],
  ["a prediction without content", { messages: [USER], prediction: { type: "content" } }, /prediction.content must be a string/],
  ["ignore_eos of another type", { messages: [USER], ignore_eos: 1 }, /ignore_eos must be true or false/],
  ["audio", { messages: [USER], modalities: ["text", "audio"] }, /modalities/],
];

for (const [name, request, message] of REFUSED) {
  test(`refused, naming the field: ${name}`, () => {
    assert.throws(() => parseChatRequest(request), fails(RequestValidationError, message));
  });
}

test("the error carries the field's name", () => {
  const paramOf = (request: unknown): unknown => {
    try {
      parseChatRequest(request);
    } catch (error) {
      return error instanceof RequestValidationError ? error.details["param"] : error;
    }
    return undefined;
  };
  assert.equal(paramOf({ messages: [USER], temperature: 3 }), "temperature");
  assert.equal(paramOf({ messages: [USER, { role: "user", content: 1 }] }), "messages[1].content");
  assert.equal(paramOf({ messages: [USER], tools: [1] }), "tools[0]");
});

const NEUTRAL: readonly Readonly<Record<string, unknown>>[] = [
  { logprobs: false }, { max_tokens: -1 }, { max_completion_tokens: -1, max_tokens: 7 }, { ignore_eos: false }, { top_logprobs: 0 }, { tools: [] },
  { tool_choice: "none" }, { tool_choice: "auto" }, { response_format: { type: "text" } }, { tool_choice: { type: "auto" } }, { thinking: {} }, { user: "u" }, { store: false },
  { metadata: {} }, { metadata: { a: "b" } }, { parallel_tool_calls: true }, { functions: [] }, { function_call: "none" }, { service_tier: "auto" },
  { modalities: ["text"] }, { n: 1 }, { stop: null }, { seed: null }, { stream_options: null }, { stream_options: {} },
  { safety_identifier: "x" }, { prompt_cache_key: "x" }, { prompt_cache_options: { ttl: "1h" } }, { moderation: null }, { prediction: null }, { audio: null }, { reasoning_effort: null }, { anything: null },
  { stop: "" }, { stop: [] }, { stop: [""] }, { model: "" }, { extra_body: { enable_thinking: null } },
  { response_format: { type: "text", json_schema: null } }, { tool_choice: null }, { min_tokens: 0 }, { chat_template_kwargs: {} },
  { typical_p: 1, tfs_z: 1, top_a: 0, mirostat: 0, repeat_penalty: 1, dry_multiplier: 0, xtc_probability: 0, length_penalty: 1, use_beam_search: false },
  { add_generation_prompt: true, continue_final_message: false, documents: [], extra_headers: {}, extra_query: {} },
  { early_stopping: false, bad_words: [], skip_special_tokens: true, spaces_between_special_tokens: true, include_stop_str_in_output: false, echo: false },
  { suffix: "", request_id: "x", cache_prompt: true, priority: 0 },
  { reasoning: {}, suppress_tokens: [], provider: { order: null }, dynatemp_range: 0, n_probs: 0, n_predict: -1, grammar: "" },
  { add_special_tokens: false, detokenize: true, return_token_ids: false },
  { dynatemp_exponent: 1, xtc_threshold: 0.1, dry_base: 1.75, dry_allowed_length: 2, mirostat_tau: 5, repeat_last_n: 64 },
  { timings_per_token: false, return_progress: false, id_slot: -1, keep_alive: "5m", session_id: "x", prompt_logprobs: 0, include_reasoning: true },
  { stream: true, stream_options: { include_usage: false, continuous_usage_stats: false } },
  { web_search_options: undefined }, { stream: true, stream_options: { include_usage: true, include_obfuscation: false } },
];

test("a value that asks for nothing is accepted, and null is absent", () => {
  const plain = parseChatRequest({ messages: [USER] });
  for (const fields of NEUTRAL) {
    const { answer, model } = parseChatRequest({ messages: [USER], ...fields });
    assert.deepEqual([answer, model], [plain.answer, undefined], JSON.stringify(fields));
  }
  const { stream, includeUsage } = parseChatRequest({ messages: [USER], stream: true, stream_options: { include_usage: true } });
  assert.deepEqual([stream, includeUsage], [true, true]);
});

test("a request in the engine's terms", () => {
  const { answer, model } = parseChatRequest({ messages: [USER], model: "m", temperature: null, max_tokens: 3, stop: "x", seed: -4, top_p: 0.5 });
  assert.deepEqual(answer, {
    prompt: { kind: "chat", conversation: { messages: [USER] } }, maxTokens: 3, sampling: { topP: 0.5, seed: -4 }, stop: ["x"],
  });
  assert.equal(model, "m");
  assert.equal(parseChatRequest({ messages: [USER], max_tokens: 3, max_completion_tokens: 4 }).answer.maxTokens, 4);
  const sampling = (fields: object): unknown => parseChatRequest({ messages: [USER], ...fields }).answer.sampling;
  assert.deepEqual(sampling({ top_k: -1, min_p: 0, repetition_penalty: 1, top_p: 0 }), { topP: 0, topK: 0, minP: 0, repetitionPenalty: 1 });
  assert.deepEqual(sampling({ frequency_penalty: -2, presence_penalty: 2, logit_bias: { 7: -100, 8: null } }),
    { frequencyPenalty: -2, presencePenalty: 2, logitBias: [[7, -100]] });
  assert.deepEqual([sampling({ logprobs: true }), sampling({ logprobs: true, top_logprobs: 20 })], [{ topLogprobs: 0 }, { topLogprobs: 20 }]);
  const ended = parseChatRequest({ messages: [USER], stop_token_ids: [3, 4], ignore_eos: true }).answer;
  assert.deepEqual([ended.stopTokens, ended.ignoreEos], [[3, 4], true]);
  const text = (logprobs: unknown): number | undefined => parseTextRequest({ prompt: "a", logprobs }).answer.sampling.topLogprobs;
  assert.deepEqual([0, 5, null, true, false].map(text), [0, 5, undefined, 0, undefined]);
  const { answer: recited } = parseTextRequest({ prompt: "a", logprobs: 1, echo: true, max_tokens: 0 });
  assert.deepEqual([recited.recites, recited.maxTokens, recited.sampling.topLogprobs], [true, 0, 1]);
  for (const only of [{ logprobs: 1 }, { echo: true }]) {
    assert.equal(parseTextRequest({ prompt: "a", ...only }).answer.recites, undefined);
    assert.throws(() => parseTextRequest({ prompt: "a", ...only, max_tokens: 0 }), fails(RequestValidationError, /max_tokens must be an integer from 1/));
  }
  assert.deepEqual(parseTextRequest({ prompt: "Once", echo: false, best_of: 1, suffix: null }).answer.prompt, { kind: "text", text: "Once" });
  assert.deepEqual(parseTextRequest({ prompt: ["Once"] }).answer.prompt, { kind: "text", text: "Once" });
  const prompts = (prompt: unknown, more = {}): unknown => parseTextRequest({ prompt, ...more }).prompts;
  assert.deepEqual(prompts(["a", "b"]), [{ kind: "text", text: "a" }, { kind: "text", text: "b" }]);
  assert.deepEqual(prompts([1, 2]), [{ kind: "tokens", tokens: [1, 2] }]);
  assert.deepEqual(prompts([[1], [2, 3]]), [{ kind: "tokens", tokens: [1] }, { kind: "tokens", tokens: [2, 3] }]);
  assert.deepEqual(prompts("a", { suffix: "b" }), [{ kind: "text", text: "a", suffix: "b" }]);
  for (const [prompt, message] of [
    [[], /prompt is empty/], [[""], /prompt\[0\] is empty/], [["a", []], /prompt\[1\] is empty/], [[1, "a"], /prompt\[1\] must be an integer/],
    [["a", 1], /prompt\[1\] must be a string or a list/], [[[1, -1]], /prompt\[0\]\[1\] must be an integer/], [[[0.5]], /prompt\[0\]\[0\]/],
    [[Number.NaN], /prompt\[0\]/], [{}, /prompt must be a string/], [Array(129).fill("a"), /prompt has 129 entries/],
  ] as const) assert.throws(() => prompts(prompt), fails(RequestValidationError, message));
  for (const tokens of [[[1]], [1]]) assert.throws(() => prompts(tokens, { suffix: "b" }), /suffix needs a text before it/);
});

test("histories as clients write them are read", () => {
  const messages = [
    { role: "developer", content: "Be brief.", name: null },
    { role: "user", content: [{ type: "text", text: "a", cache_control: { type: "ephemeral" } }, { type: "text", text: "b", prompt_cache_breakpoint: {}, annotations: [] }] },
    { role: "assistant", content: "c", refusal: null, annotations: [], audio: null, function_call: null, tool_calls: null },
    { role: "system", content: "Now in French." },
    USER,
    { role: "assistant", content: null, tool_calls: [], reasoning_content: "", reasoning_details: [], prefix: false, id: "msg_1" },
    { role: "system", content: "Sum up.", cache_control: { type: "ephemeral" } },
    { role: "assistant", content: "{}", parsed: {}, annotations: [{ type: "url_citation", url_citation: {} }], provider_specific_fields: { a: 1 }, images: [] },
    { role: "assistant", content: null, refusal: "I will not." },
    { role: "assistant", content: [{ type: "text", text: "No. " }, { type: "refusal", refusal: "Never." }] },
  ];
  const { prompt } = parseChatRequest({ messages }).answer;
  assert.deepEqual(prompt, { kind: "chat", conversation: { messages: [
    { role: "system", content: "Be brief." }, { role: "user", content: "ab" }, { role: "assistant", content: "c" },
    { role: "system", content: "Now in French." }, USER, { role: "assistant", content: "" },
    { role: "system", content: "Sum up." }, { role: "assistant", content: "{}" }, { role: "assistant", content: "I will not." },
    { role: "assistant", content: "No. Never." },
  ] } });
});

test("calls and what tools said are read, with the tools' names", () => {
  const call = { id: "call_1", type: "function", function: { name: "look", arguments: "{\"at\": 1}" } };
  const messages = [
    USER, { role: "assistant", content: null, tool_calls: [call], reasoning_content: "Let me see." },
    { role: "tool", tool_call_id: "call_1", content: [{ type: "text", text: "nothing" }] }, { role: "tool", tool_call_id: "else", content: "" },
  ];
  const request = {
    messages, tools: [{ ...TOOL, function: { ...TOOL.function, strict: false, description: null } }], tool_choice: "auto", parallel_tool_calls: false, reasoning_effort: "none", thinking_budget: 9,
    chat_template_kwargs: { thinking: true, x: [1] },
  };
  const { prompt, parallelToolCalls } = parseChatRequest(request).answer;
  assert.equal(parallelToolCalls, false);
  assert.deepEqual(prompt, { kind: "chat", conversation: {
    messages: [
      USER,
      { role: "assistant", content: "", reasoning: "Let me see.", toolCalls: [{ id: "call_1", name: "look", arguments: "{\"at\": 1}" }] },
      { role: "tool", content: "nothing", toolCallId: "call_1", name: "look" }, { role: "tool", content: "", toolCallId: "else" },
    ],
    tools: [TOOL],
    variables: {
      reasoning_effort: "none", thinking_effort: "none", reasoning_strength: "none", enable_thinking: false, thinking: true, thinking_mode: "disabled",
      thinking_budget: 9, x: [1],
    },
  } });
  const others = ["find", "list"].map((name) => ({ type: "function", function: { name, strict: true } }));
  const allowed = { mode: "required", tools: [{ type: "function", function: { name: "list" } }] };
  const some = parseChatRequest({ messages: [USER], tools: [TOOL, ...others], tool_choice: { type: "allowed_tools", allowed_tools: allowed } }).answer;
  assert.deepEqual([some.toolChoice, some.strictTools, some.prompt], [{ kind: "required" }, ["list"],
    { kind: "chat", conversation: { messages: [USER], tools: [{ type: "function", function: { name: "list" } }] } }]);
  const { prompt: silent } = parseChatRequest({ messages: [USER], tools: [TOOL], tool_choice: "none", extra_body: { enable_thinking: true } }).answer;
  assert.deepEqual(silent, { kind: "chat", conversation: { messages: [USER], variables: { enable_thinking: true, thinking: true, thinking_mode: "enabled" } } });
});

test("whether to think is said by several names, and a mode of calls in an object", () => {
  const variablesOf = (fields: Readonly<Record<string, unknown>>): unknown => {
    const { prompt } = parseChatRequest({ messages: [USER], ...fields }).answer;
    return prompt.kind === "chat" ? prompt.conversation.variables : undefined;
  };
  const off = { enable_thinking: false, thinking: false, thinking_mode: "disabled" };
  for (const fields of [{ enable_thinking: false }, { thinking: { type: "disabled" } }, { extra_body: { enable_thinking: false }, enable_thinking: true }]) {
    assert.deepEqual(variablesOf(fields), off, JSON.stringify(fields));
  }
  assert.deepEqual(variablesOf({ thinking: { type: "enabled" } }), { enable_thinking: true, thinking: true, thinking_mode: "enabled" });
  for (const type of ["auto", "required", "none"]) {
    const [object, text] = [{ type }, type].map((choice) => parseChatRequest({ messages: [USER], tools: [TOOL], tool_choice: choice }));
    assert.deepEqual(object, text);
  }
});

test("usage counts what was computed, and its times are seconds", () => {
  const times = { queued: 100, prefill: 500, decode: 2000 };
  const { extra, ...counts } = usage([{ tokens: { prompt: 110, cached: 10, completion: 21, reasoning: 7, accepted: 9, rejected: 4 }, times }]);
  assert.deepEqual(counts, {
    prompt_tokens: 110, completion_tokens: 21, total_tokens: 131, prompt_tokens_details: { cached_tokens: 10 },
    completion_tokens_details: { reasoning_tokens: 7, accepted_prediction_tokens: 9, rejected_prediction_tokens: 4 },
  });
  assert.deepEqual(extra, {
    e2e_latency_s: 2.6, prefill_tokens_per_s: 200, decode_tokens_per_s: 10, time_to_first_token_s: 0.6, time_per_output_token_s: 0.1,
  });
});
