/** Vectors of texts, on a model whose states are known. */

import assert from "node:assert/strict";
import { createFetch } from "../src/api/openai/fetch.ts";
import { AbortError, ContextWindowSizeExceededError, DeviceLostError, ModelNotLoadedError, RequestValidationError } from "../src/support/errors.ts";
import { CONTEXT, MODEL, inEachPlace, soon } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { pooled } from "./fakes/runner.ts";

function unit(values: readonly number[]): number[] {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

function near(found: unknown, want: readonly number[]): void {
  assert.ok(Array.isArray(found) && found.length === want.length, String(found));
  found.forEach((value, i) => assert.ok(typeof value === "number" && Math.abs(value - (want[i] ?? 9)) < 1e-5, `${found} is not ${want}`));
}

const LONG = "many words, more than a chunk of a prompt takes";

inEachPlace((check) => {
  check("each input gives its pooled state with length 1, whatever the cache knows already", async ({ client }) => {
    const inputs = ["one", LONG, "one"];
    const tokens = await Promise.all(inputs.map((input) => client.tokenize(input)));
    assert.ok((tokens[1]?.length ?? 0) > 16);
    for (const pooling of ["last", "mean"] as const) {
      for (const input of [inputs, tokens]) {
        const { data, model, usage } = await client.embeddings.create({ input, pooling });
        assert.deepEqual([model, usage.prompt_tokens, usage.total_tokens], [MODEL, tokens.flat().length, tokens.flat().length]);
        data.forEach(({ index, embedding }, i) => {
          const { last, sum } = pooled(tokens[i] ?? [], 0);
          assert.equal(index, i);
          near(embedding, unit([...(pooling === "last" ? last : sum)]));
        });
      }
    }
    near((await client.embedding({ input: LONG })).data[0]?.embedding, unit([...pooled(tokens[1] ?? [], 0).last]));
  });

  check("dimensions keep the first values, and base64 holds float32", async ({ client }) => {
    const { last } = pooled(await client.tokenize("one"), 0);
    const [first, second] = last;
    const input = { input: "one", dimensions: 2 };
    const want = unit([first ?? 0, second ?? 0]);
    near((await client.embeddings.create(input)).data[0]?.embedding, want);
    const { data: [packed] } = await client.embeddings.create({ ...input, encoding_format: "base64" });
    near([...new Float32Array(Uint8Array.from(atob(String(packed?.embedding)), (character) => character.charCodeAt(0)).buffer)], want);
  });

  check("what is wrong is said before anything is computed, and an endpoint's response begins behind that", async (it) => {
    const runner = it.engine.loaded[0]?.runner ?? assert.fail();
    const calls = runner.calls.length;
    await assert.rejects(it.client.embeddings.create({ input: "one", dimensions: 5 }), fails(RequestValidationError, /dimensions is 5, .*have 4 values/));
    let hears = 0;
    const options = { signal: new AbortController().signal, accepted: () => { hears++; } };
    await assert.rejects(it.client.embeddings.create({ input: "one" }, options), fails(RequestValidationError, /accepted/));
    const serve = createFetch(it.client, true);
    const ask = async (request: object): Promise<Response> => serve("https://a.example/v1/embeddings", { method: "POST", body: JSON.stringify(request) });
    for (const request of [{ input: "" }, { input: "one", dimensions: 5 }, { input: ["one", "x".repeat(CONTEXT + 1)] }]) assert.equal((await ask(request)).status, 400);
    assert.deepEqual([runner.calls.length, hears], [calls, 0]);
    let goOn = (): void => undefined;
    const wait = runner.delay;
    const held = new Promise<void>((resolve) => { goOn = resolve; });
    runner.delay = () => held.then(wait);
    const response = await soon(ask({ input: Array(20).fill("one") }));
    goOn();
    const { data }: { data: readonly unknown[] } = await response.json();
    assert.deepEqual([response.status, data.length], [200, 20]);
  });

  check("an answer goes on beside, and each gets what it gets alone", async ({ client }) => {
    const ask = { messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 40 } as const;
    const alone = (await client.chatCompletion(ask)).choices[0]?.message.content;
    await client.resetChat();
    const [answer, { data }] = await Promise.all([client.chatCompletion(ask), client.embeddings.create({ input: Array(20).fill(LONG), pooling: "mean" })]);
    assert.equal(answer.choices[0]?.message.content, alone);
    assert.ok(data.every(({ embedding }) => String(embedding) === String(data[0]?.embedding)));
  });

  check("what cannot be embedded is refused, and what is ended or fails says so", async (it) => {
    const { client } = it;
    const embed = (request: object): Promise<unknown> => client.embeddings.create(JSON.parse(JSON.stringify(request)));
    await assert.rejects(embed({}), fails(RequestValidationError, /input must be a string/));
    for (const input of ["", [], [""], [[]], [1, -1], [true]]) await assert.rejects(embed({ input }), RequestValidationError, String(input));
    await assert.rejects(embed({ input: "a", encoding_format: "int8" }), fails(RequestValidationError, /encoding_format/));
    await assert.rejects(embed({ input: "a", pooling: "cls" }), fails(RequestValidationError, /pooling/));
    await assert.rejects(embed({ input: [[1 << 20]] }), fails(RequestValidationError, /vocabulary/));
    await assert.rejects(embed({ input: "x".repeat(CONTEXT + 1) }), ContextWindowSizeExceededError);
    assert.equal((await client.embeddings.create({ input: "x".repeat(CONTEXT - 2) })).data.length, 1);
    const [runner] = it.engine.loaded.map((loaded) => loaded.runner);
    assert.ok(runner !== undefined);
    const wait = runner.delay;
    runner.delay = () => Promise.reject(new DeviceLostError("lost"));
    await assert.rejects(embed({ input: "a" }), DeviceLostError);
    runner.delay = () => new Promise(() => undefined);
    const controller = new AbortController();
    const given = client.embeddings.create({ input: "b" }, { signal: controller.signal });
    controller.abort();
    await assert.rejects(given, AbortError);
    runner.delay = wait;
    await client.unload();
    await assert.rejects(client.embeddings.create({ input: "a" }), ModelNotLoadedError);
  });

  check("they are served", async ({ client }) => {
    const body = JSON.stringify({ input: ["a", "b"], model: MODEL });
    const served: { object: string; data: unknown[] } = await (await createFetch(client)("https://a.example/v1/embeddings", { method: "POST", body })).json();
    assert.deepEqual([served.object, served.data.length], ["list", 2]);
  });
});
