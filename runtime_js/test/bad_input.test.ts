/** Requests that nobody should send: each gets an answer or a named error, and the engine works after it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { createFetch } from "../src/api/openai/fetch.ts";
import type { ChatCompletionRequest, CompletionRequest, EmbeddingRequest } from "../src/api/openai/types.ts";
import { MLCEngineError } from "../src/support/errors.ts";
import { MODEL, PLACES, soon, type Setup } from "./fakes/engine.ts";
import { HERMES } from "./fakes/formats.ts";
import { randomFrom } from "./fakes/random.ts";

type Request = Record<string, unknown>;

const SCHEMA = { type: "object", properties: { sky: { enum: ["blue", "grey"] } }, required: ["sky"], additionalProperties: false };
const TOOL = { name: "look", description: "d", parameters: { type: "object", properties: { at: { type: "string" } } }, strict: true };

/** What the fields of each endpoint may be, at their best. */
const SHARED: Request = {
  model: MODEL, temperature: 0.7, top_p: 0.9, top_k: 5, min_p: 0.1, frequency_penalty: 0.5, presence_penalty: -0.5, repetition_penalty: 1.1, seed: 7,
  logit_bias: { 5: 3 }, stop: ["zz", "yy"], stop_token_ids: [9], ignore_eos: true, n: 2, stream: false, stream_options: null, context_overflow: "drop_oldest",
};
const FIELDS: Readonly<Record<string, Request>> = {
  "chat/completions": {
    ...SHARED, messages: [{ role: "system", content: "s" }, { role: "user", content: [{ type: "text", text: "hi" }] }], max_completion_tokens: 3,
    logprobs: true, top_logprobs: 2, response_format: { type: "json_schema", json_schema: { name: "sky", schema: SCHEMA, strict: true } },
    tools: [{ type: "function", function: TOOL }], tool_choice: "auto", parallel_tool_calls: true, chat_template_kwargs: { a: 1 }, reasoning_effort: "low",
    extra_body: { enable_thinking: false }, special_tokens: "escape", user: "u", metadata: { a: "b" },
  },
  completions: { ...SHARED, prompt: ["a", "b"], echo: true, suffix: null, logprobs: 2, max_tokens: 3 },
  embeddings: { model: MODEL, input: ["a", "b"], encoding_format: "base64", dimensions: 2, pooling: "mean" },
  responses: {
    model: MODEL, input: [{ role: "user", content: [{ type: "input_text", text: "hi" }] }], instructions: "i", max_output_tokens: 3, temperature: 1, top_p: 1,
    stream: true, metadata: { a: "b" }, tools: [{ type: "function", ...TOOL }], tool_choice: "auto", parallel_tool_calls: false, reasoning: { effort: "low" },
    text: { format: { type: "text" } },
  },
};
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  "chat/completions": ["messages", "max_completion_tokens"], completions: ["prompt", "max_tokens"], embeddings: ["input"], responses: ["input", "max_output_tokens"],
};

const LONG = "x".repeat(1 << 18);
const DEEP: unknown = Array.from({ length: 500 }).reduce((inner: unknown) => [inner], 0);
const HOSTILE: readonly unknown[] = [
  null, true, false, 0, -0, 1, -1, 0.5, 1e308, -1e308, Number.MAX_SAFE_INTEGER, Number.NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, "", "a", "\u0000", "\ud800",
  LONG, "auto", "none", "1", [], {}, [[]], [null], [1, "a"], [[1]], [-1], [2 ** 40], [LONG], Array(5000).fill("a"), Array(300).fill(0), DEEP, { type: "text" },
  { type: "function" }, { type: "json_schema" }, { __proto__: null, constructor: 1 }, JSON.parse('{"__proto__": {"role": "user"}}'), { length: 3 }, { role: "user" },
  { 0: Number.NaN }, new Date(0), 10n, Symbol("s"), () => 1,
];

/** A request with some of its fields, and something wrong in some places of it. */
function randomRequest(random: () => number): { readonly path: string; readonly body: unknown } {
  const pick = <T>(items: readonly T[]): T => Reflect.get(items, Math.floor(random() * items.length));
  const path = pick(Object.keys(FIELDS));
  const kept = Object.entries(FIELDS[path] ?? {}).filter(([key]) => (NEEDED[path] ?? []).includes(key) || random() < 0.3);
  const body: Request = structuredClone(Object.fromEntries(kept));
  for (let wrong = Math.floor(random() * 3); wrong > 0; wrong--) spoil(body, pick, random);
  return { path, body: random() < 0.02 ? pick(HOSTILE) : body };
}

function spoil(value: object, pick: <T>(items: readonly T[]) => T, random: () => number): void {
  const keys = Object.keys(value);
  const key = random() < 0.1 || keys.length === 0 ? pick(["more", "constructor", "toString", "0"]) : pick(keys);
  const inner: unknown = Reflect.get(value, key);
  if (typeof inner === "object" && inner !== null && random() < 0.6) spoil(inner, pick, random);
  else Object.defineProperty(value, key, { value: pick(HOSTILE), enumerable: true, configurable: true, writable: true });
}

async function open(make: () => Setup): Promise<Setup> {
  const it = make();
  it.engine.format = HERMES;
  it.engine.prepare = (runner) => {
    runner.vocabulary = 300;
    runner.delay = () => Promise.resolve();
  };
  await it.client.reload(MODEL);
  return it;
}

const NAMED = ["RequestValidation", "ContextWindowSizeExceeded", "ModelNotFound", "QueueFull"];

/** Values that JSON has no words for come as they are. */
async function askEngine({ client }: Setup, path: string, body: unknown): Promise<void> {
  const request: ChatCompletionRequest & CompletionRequest & EmbeddingRequest = Reflect.get(Object({ body }), "body");
  if (path === "embeddings") return void await client.embeddings.create(request);
  const answer = await (path === "completions" ? client.completions.create(request) : client.chat.completions.create(request));
  if (Symbol.asyncIterator in answer) for await (const _ of answer);
}

const HELLO = { messages: [{ role: "user", content: "hello" }], temperature: 0, max_tokens: 9 } as const;

for (const [place, make] of Object.entries(PLACES)) {
  test(`${place}: five hundred random requests each get an answer or a named error`, async () => {
    const it = await open(make);
    const serve = createFetch(it.client);
    const before = (await it.client.chatCompletion(HELLO)).choices;
    const random = randomFrom(place.length);
    const [answers, errors] = [{ count: 0 }, new Map<string, number>()];
    for (let i = 0; i < 500; i++) {
      const { path, body } = randomRequest(random);
      const shown = (): string => `request ${i}, ${path}: ${inspect(body, { depth: 6, maxStringLength: 80, maxArrayLength: 6 })}`;
      if (path === "responses" || i % 2 === 0) {
        let text: string | undefined;
        try {
          text = JSON.stringify(body);
        } catch {
          text = undefined; // no JSON, so that nobody can send it
        }
        if (text === undefined) continue;
        const response = await soon(serve(`https://a.example/v1/${path}`, { method: "POST", body: text }), shown());
        const answer = await soon(response.text(), shown());
        if (response.status === 200) {
          assert.ok(!/"error":\{|event: error/.test(answer), `${shown()} failed in the middle: ${answer.slice(-300)}`);
          answers.count++;
          continue;
        }
        const { error }: { error: { message: string; type: string; code: string } } = JSON.parse(answer);
        assert.ok(response.status >= 400 && response.status < 500 && error.message !== "", `${shown()}: ${answer}`);
        errors.set(error.code, (errors.get(error.code) ?? 0) + 1);
      } else {
        try {
          await soon(askEngine(it, path, body), shown());
          answers.count++;
        } catch (error) {
          assert.ok(error instanceof MLCEngineError && NAMED.includes(error.code), `${shown()}: ${inspect(error)}`);
          errors.set(error.code, (errors.get(error.code) ?? 0) + 1);
        }
      }
    }
    assert.ok(answers.count > 100 && (errors.get("invalid_value") ?? 0) > 50 && (errors.get("RequestValidation") ?? 0) > 50, inspect([answers, errors]));
    assert.deepEqual((await soon(it.client.chatCompletion(HELLO))).choices, before);
  });
}
