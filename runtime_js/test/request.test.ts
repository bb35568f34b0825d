import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestValidationError } from "../src/support/errors.ts";
import { parseChatCompletionRequest } from "../src/api/openai/request.ts";
import { usage } from "../src/api/openai/response.ts";
import { fails } from "./fakes/expect.ts";

const USER = { role: "user", content: "hi" };

const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
  ["no object", "hi", /must be an object/],
  ["null", null, /must be an object/],
  ["no messages", {}, /messages must be an array/],
  ["empty messages", { messages: [] }, /messages is empty/],
  ["a message of another type", { messages: ["hi"] }, /messages\[0\] must be an object/],
  ["an unknown role", { messages: [{ role: "robot", content: "" }] }, /messages\[0\]\.role must be "system" or .*, not "robot"/],
  ["no content", { messages: [{ role: "user" }] }, /messages\[0\]\.content must be a string/],
  ["a picture", { messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] }, /image_url/],
  ["the assistant last", { messages: [USER, { role: "assistant", content: "a" }] }, /last message must have role "user"/],
  ["a late system message", { messages: [USER, { role: "system", content: "a" }, USER] }, /messages\[1\] has role "system"/],
  ["a hot temperature", { messages: [USER], temperature: 2.1 }, /temperature must be a number from 0 to 2/],
  ["a negative temperature", { messages: [USER], temperature: -1 }, /temperature/],
  ["NaN", { messages: [USER], temperature: Number.NaN }, /temperature/],
  ["a string for a number", { messages: [USER], temperature: "1" }, /temperature/],
  ["top_p 0", { messages: [USER], top_p: 0 }, /top_p/],
  ["top_p 1.5", { messages: [USER], top_p: 1.5 }, /top_p/],
  ["max_tokens 0", { messages: [USER], max_tokens: 0 }, /max_tokens must be an integer/],
  ["max_tokens 1.5", { messages: [USER], max_completion_tokens: 1.5 }, /max_completion_tokens/],
  ["a fractional seed", { messages: [USER], seed: 0.5 }, /seed/],
  ["an empty stop", { messages: [USER], stop: "" }, /stop must be a string of 1 to/],
  ["a number in stop", { messages: [USER], stop: ["a", 3] }, /stop\[1\]/],
  ["two answers", { messages: [USER], n: 2 }, /n must be 1/],
  ["stream of another type", { messages: [USER], stream: "yes" }, /stream must be true or false/],
  ["stream options without stream", { messages: [USER], stream_options: { include_usage: true } }, /stream_options needs stream/],
  ["tools", { messages: [USER], tools: [] }, /tools is not supported/],
  ["logit_bias", { messages: [USER], logit_bias: { 1: 2 } }, /logit_bias is not supported/],
];

for (const [name, request, message] of REFUSED) {
  test(`refused, naming the field: ${name}`, () => {
    assert.throws(() => parseChatCompletionRequest(request), fails(RequestValidationError, message));
  });
}

test("absent and null fields are the same, known fields are kept, a parsed request parses again", () => {
  const request = parseChatCompletionRequest({ messages: [USER], temperature: null, tools: null, max_tokens: 3, stop: "x", stream: false });
  assert.deepEqual(JSON.parse(JSON.stringify(request)), { messages: [USER], max_tokens: 3, stop: "x", stream: false });
  assert.deepEqual(parseChatCompletionRequest(request), request);
});

test("usage counts what was computed, and its times are seconds", () => {
  const times = { requested: 1000, prefillStarted: 1100, firstToken: 1600, finished: 3600 };
  const { extra, ...counts } = usage({ prompt: 110, cached: 10, completion: 21 }, times);
  assert.deepEqual(counts, { prompt_tokens: 110, completion_tokens: 21, total_tokens: 131, prompt_tokens_details: { cached_tokens: 10 } });
  assert.deepEqual(extra, {
    e2e_latency_s: 2.6, prefill_tokens_per_s: 200, decode_tokens_per_s: 10, time_to_first_token_s: 0.6, time_per_output_token_s: 0.1,
  });
});
