/** What the `openai` package's client and types and this engine make of each other. `types/openai.ts` has the types. */

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { createFetch } from "../src/api/openai/fetch.ts";
import { MLCEngineError } from "../src/support/errors.ts";
import { MODEL, PLACES, soon } from "./fakes/engine.ts";
import { saying } from "./fakes/saying.ts";
import { turns } from "./fakes/turns.ts";

const ASK = { model: MODEL, messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 5 } as const satisfies OpenAI.ChatCompletionCreateParams;

for (const [place, make] of Object.entries(PLACES)) {
  const check = (name: string, work: (client: OpenAI, engine: ReturnType<typeof make>) => Promise<void>): void => {
    test(`${place}: ${name}`, async () => {
      const it = make();
      await it.client.reload(MODEL);
      await soon(work(new OpenAI({ apiKey: "-", dangerouslyAllowBrowser: true, fetch: createFetch(it.client) }), it), name);
    });
  };

  check("the client gets an answer, whole and in pieces, and its message goes back as it came", async (client) => {
    const { choices: [first], usage } = await client.chat.completions.create(ASK);
    assert.ok(first !== undefined && first.message.content !== "" && usage?.completion_tokens === 5);
    const stream = client.chat.completions.stream(ASK);
    const message = (await stream.finalChatCompletion()).choices[0]?.message;
    assert.equal(message?.content, first.message.content);
    for (const answer of [first.message, message]) {
      const more = await client.chat.completions.create({ ...ASK, messages: [...ASK.messages, answer, { role: "user", content: "more" }] });
      assert.equal(more.usage?.completion_tokens, 5);
    }
    const text = await client.completions.create({ model: MODEL, prompt: ["Once"], max_tokens: 4 });
    assert.equal(text.usage?.completion_tokens, 4);
  });

  check("what is refused is the client's own error, at once", async (client, engine) => {
    for (const stream of [false, true]) {
      const refused = client.chat.completions.create({ ...ASK, stream, temperature: 3 });
      await assert.rejects(refused, (error) => error instanceof OpenAI.BadRequestError && error.param === "temperature");
      await assert.rejects(client.chat.completions.create({ ...ASK, stream, model: "gpt-4" }), OpenAI.NotFoundError);
    }
    // The engine's own errors say the same of themselves.
    const told = (error: unknown): unknown[] => (error instanceof OpenAI.APIError || error instanceof MLCEngineError ? [error.status, error.type, error.param] : []);
    for (const wrong of [{ temperature: 3 }, { model: "gpt-4" }, { messages: [{ role: "user" as const, content: "x".repeat(900) }] }]) {
      const of = async (ask: Promise<unknown>): Promise<unknown[]> => told(await ask.catch((error: unknown) => error));
      const own = await of(engine.client.chat.completions.create({ ...ASK, ...wrong }));
      assert.ok(own.length === 3 && own[1] === "invalid_request_error");
      assert.deepEqual(own, await of(client.chat.completions.create({ ...ASK, ...wrong })));
    }
  });

  check("a stream that the client aborts ends without an error, and so does its generation", async (client, { engine }) => {
    const stream = await client.chat.completions.create({ ...ASK, max_tokens: 200, stream: true });
    let pieces = 0;
    for await (const _ of stream) if (++pieces === 3) stream.controller.abort();
    const controller = new AbortController();
    const other = await client.chat.completions.create({ ...ASK, max_tokens: 200, stream: true }, { signal: controller.signal });
    pieces = 0;
    for await (const _ of other) if (++pieces === 3) controller.abort();
    await turns(20);
    const calls = engine.loaded[0]?.runner.calls.length ?? 0;
    assert.ok(calls < 200, `${calls} steps`);
    assert.equal((await client.chat.completions.create(ASK)).usage?.completion_tokens, 5);
  });
}

for (const [place, make] of Object.entries(PLACES)) {
  test(`${place}: logprobs in OpenAI's shapes, whole and in pieces, of both kinds of answers`, async () => {
    const { client: engine } = make();
    await engine.reload(MODEL);
    const client = new OpenAI({ apiKey: "-", dangerouslyAllowBrowser: true, fetch: createFetch(engine) });
    const asked = { ...ASK, logprobs: true, top_logprobs: 2 } as const;
    const { choices: [choice] } = await client.chat.completions.create(asked);
    const content = choice?.logprobs?.content ?? [];
    assert.equal(content.length, 5);
    assert.equal(content.map(({ token }) => token).join(""), choice?.message.content);
    for (const { token, bytes, logprob, top_logprobs: top } of content) {
      assert.deepEqual(bytes, [...new TextEncoder().encode(token)]);
      assert.deepEqual([top.length, top[0]?.token, top[0]?.logprob], [2, token, logprob]);
      assert.ok(logprob < 0 && (top[1]?.logprob ?? 0) < logprob);
    }
    const pieces = [];
    for await (const { choices: [piece] } of await client.chat.completions.create({ ...asked, stream: true })) {
      if (piece?.delta.content !== "" && piece?.delta.content !== undefined) assert.equal(piece.logprobs?.content?.map(({ token }) => token).join(""), piece.delta.content);
      pieces.push(...piece?.logprobs?.content ?? []);
    }
    assert.deepEqual(pieces, content);
    // Those of a stop string are in no message.
    const stop = content.slice(2, 4).map(({ token }) => token).join("");
    const { choices: [stopped] } = await client.chat.completions.create({ ...asked, stop });
    assert.deepEqual([stopped?.finish_reason, stopped?.logprobs?.content], ["stop", content.slice(0, 2)]);
    const before = [];
    for await (const { choices: [piece] } of await client.chat.completions.create({ ...asked, stop, stream: true })) before.push(...piece?.logprobs?.content ?? []);
    assert.deepEqual(before, content.slice(0, 2));
    const text = { model: MODEL, prompt: "Once", max_tokens: 4, temperature: 0, logprobs: 1 };
    const told = (await client.completions.create(text)).choices[0]?.logprobs;
    assert.deepEqual(told?.text_offset, told?.tokens?.map((_, i) => told.tokens?.slice(0, i).join("").length));
    assert.deepEqual(told?.top_logprobs, told?.tokens?.map((token, i) => ({ [token]: told.token_logprobs?.[i] })));
    const offsets: number[] = [];
    for await (const { choices: [piece] } of await client.completions.create({ ...text, stream: true })) offsets.push(...piece?.logprobs?.text_offset ?? []);
    assert.deepEqual(offsets, told?.text_offset);
    assert.equal((await client.chat.completions.create(ASK)).choices[0]?.logprobs, null);
  });

  test(`${place}: logprobs of what a stop string might have been come with its text, and those of one that was are left out`, async () => {
    const { client } = await saying(make, Array<string>(6).fill("zzzqj"));
    for (const [stop, text] of [["zzq", "z"], ["qj", "zzz"], [["zzz!", "zq"], "zz"]] as const) {
      const asked = { ...ASK, max_tokens: 60, logprobs: true, stop } as const;
      const { choices: [choice] } = await client.chat.completions.create(asked);
      assert.deepEqual([choice?.message.content, choice?.logprobs?.content.map(({ token }) => token).join("")], [text, text]);
      let streamed = "";
      for await (const { choices: [piece] } of await client.chat.completions.create({ ...asked, stream: true })) {
        assert.equal(piece?.logprobs?.content.map(({ token }) => token).join("") ?? "", piece?.delta.content ?? "");
        streamed += piece?.delta.content ?? "";
      }
      assert.equal(streamed, text);
    }
  });

  test(`${place}: logprobs of an echoed prompt are those that its tokens have behind those before them`, async () => {
    const { client: engine, engine: own } = make();
    const ask = { temperature: 0, logprobs: 2, echo: true } as const;
    await engine.reload(MODEL);
    const tokens = [52, 83, 72, 74, 26, 90, 85, 84, 83]; // of the runner's vocabulary, where a bias of 100 makes any token the likeliest
    const expected = await Promise.all(tokens.slice(1).map(async (token, i) => {
      const one = { prompt: tokens.slice(0, i + 1), temperature: 0, max_tokens: 1, logprobs: 0, logit_bias: { [token]: 100 } };
      return (await engine.completions.create(one)).choices[0]?.logprobs?.token_logprobs[0] ?? 0;
    }));
    own.eosTokenIds = new Set([tokens[4] ?? 0]); // an end within a prompt is none
    await engine.reload(MODEL);
    const plain = await engine.completions.create({ prompt: tokens, temperature: 0, max_tokens: 3 });
    for (const max_tokens of [0, 3]) {
      const { choices: [choice], usage } = await engine.completions.create({ ...ask, prompt: tokens, max_tokens });
      const told = choice?.logprobs;
      assert.equal(told?.tokens.length, tokens.length + (usage.completion_tokens));
      assert.ok(Number.isNaN(told?.token_logprobs[0]) && JSON.stringify(told).includes('"token_logprobs":[null,'));
      for (const [i, logprob] of expected.entries()) assert.ok(Math.abs((told?.token_logprobs[i + 1] ?? 9) - logprob) < 1e-5, `token ${i + 1}`);
      assert.deepEqual(told?.top_logprobs.map((top) => Object.keys(top).length).slice(0, 3), [0, 2, 2]);
      assert.deepEqual([usage.prompt_tokens, usage.completion_tokens], [tokens.length, max_tokens === 0 ? 0 : plain.usage.completion_tokens]);
      assert.equal(usage.completion_tokens_details?.accepted_prediction_tokens, 0, "the prompt's own tokens are no guesses");
      assert.equal(choice?.text, await engine.detokenize(tokens) + (max_tokens === 0 ? "" : plain.choices[0]?.text));
    }
    let pieces = 0;
    const stream = await engine.completions.create({ ...ask, prompt: ["Once upon", "Twice"], max_tokens: 2, stream: true });
    for await (const { choices: [piece] } of stream) pieces += piece?.logprobs?.tokens.length ?? 0;
    assert.equal(pieces, (await engine.countTokens("Once upon")) + (await engine.countTokens("Twice")) + 4);
    await assert.rejects(engine.completions.create({ ...ask, prompt: "Once", frequency_penalty: 1 }), /frequency_penalty is not supported together/);
    await assert.rejects(engine.completions.create({ ...ask, prompt: [5], max_tokens: 0 }), /one token/);
  });

  test(`${place}: biases, end tokens and limits`, async () => {
    const { client, engine } = make();
    await client.reload(MODEL);
    const runner = engine.loaded.at(-1)?.runner;
    const tokens = async (more: object): Promise<[number | undefined, string | undefined]> => {
      const { usage, choices: [choice] } = await client.chat.completions.create({ ...ASK, max_tokens: 6, ...more });
      return [usage?.completion_tokens, choice?.finish_reason];
    };
    const ids: number[] = [];
    const { events } = await engine.host.begin({ model: MODEL, request: { prompt: { kind: "text", text: "Once" }, sampling: { temperature: 0 }, stop: [], maxTokens: 3 } });
    for await (const event of events) if (event.type === "token") ids.push(event.token);
    const text = async (more: object): Promise<[number | undefined, string | null | undefined]> => {
      const { usage, choices: [choice] } = await client.completions.create({ prompt: "Once", temperature: 0, max_tokens: 3, ...more });
      return [usage?.completion_tokens, choice?.finish_reason];
    };
    assert.deepEqual(await text({ stop_token_ids: [ids[1] ?? -1] }), [2, "stop"]);
    const other = (ids[0] ?? 0) === 5 ? 6 : 5;
    assert.deepEqual(await text({ logit_bias: { [other]: 100 }, stop_token_ids: [other] }), [1, "stop"]);
    await assert.rejects(text({ logit_bias: { 9999: 1 } }), /Token 9999, at place 0 of logit_bias, is not of this model's vocabulary/);
    await assert.rejects(text({ stop_token_ids: [9999] }), /stop_token_ids/);
    engine.eosTokenIds = new Set(ids);
    await client.reload(MODEL);
    assert.deepEqual(await text({}), [1, "stop"]);
    assert.deepEqual(await text({ ignore_eos: true }), [3, "length"]);
    assert.deepEqual((await tokens({ ignore_eos: true, max_tokens: -1 }))[1], "length");
    assert.ok(runner);
    engine.sampling = { temperature: 0, repetitionPenalty: 50 };
    await client.reload(MODEL);
    const model = async (more: object): Promise<string | undefined> =>
      (await client.completions.create({ prompt: "Once", max_tokens: 8, ignore_eos: true, seed: 1, ...more })).choices[0]?.text;
    assert.notEqual(await model({}), await model({ repetition_penalty: 1 }), "what the model's makers say holds where the request does not");
  });
}
