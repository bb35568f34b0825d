// What an engine promises, in this thread and in a worker alike.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatCompletion, ChatCompletionChunk } from "../src/api/openai/types.ts";
import {
  AbortError, ContextWindowSizeExceededError, DeviceLostError, ModelNotFoundError, ModelNotLoadedError, RequestValidationError,
} from "../src/support/errors.ts";
import { CONTEXT, MODEL, PLACES, fakeTokenizer, soon, type Setup } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { turns } from "./fakes/turns.ts";

const QUESTION = [{ role: "user", content: "hi" }] as const;
const OTHER = [{ role: "user", content: "good night" }] as const;
const LONG = { messages: QUESTION, temperature: 0, stream: true } as const;
const SHORT = { messages: QUESTION, temperature: 0, max_tokens: 5 } as const;


function textOf(chunk: ChatCompletionChunk): string {
  return chunk.choices[0]?.delta.content ?? "";
}

async function collect(stream: AsyncIterable<ChatCompletionChunk>): Promise<{ text: string; finish: string | null }> {
  let text = "";
  let finish: string | null = null;
  for await (const chunk of stream) {
    text += textOf(chunk);
    finish = chunk.choices[0]?.finish_reason ?? finish;
  }
  return { text, finish };
}

async function loaded(make: () => Setup): Promise<Setup> {
  const it = make();
  await it.client.reload(MODEL);
  return it;
}

/** A load that lasts until it is let go. */
function holdLoads({ engine }: Setup): () => void {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => { release = resolve; });
  engine.loading = () => held;
  return release;
}

/** Steps of what is loaded from now on take for ever. */
function freeze({ engine }: Setup): void {
  for (const { runner } of engine.loaded) runner.delay = () => new Promise(() => undefined);
}

for (const [place, make] of Object.entries(PLACES)) {
  const check = (name: string, work: () => Promise<void>): void => {
    test(`${place}: ${name}`, () => soon(work(), name));
  };

  check("a stream is the answer in pieces; role first, finish and usage last", async () => {
    const { client } = await loaded(make);
    const whole = await client.chat.completions.create(SHORT);
    assert.deepEqual([whole.model, whole.choices[0]?.finish_reason, whole.usage.completion_tokens], [MODEL, "length", 5]);
    assert.equal(await client.getMessage(), whole.choices[0]?.message.content);
    const chunks: ChatCompletionChunk[] = [];
    for await (const chunk of await client.chat.completions.create({ ...SHORT, stream: true, stream_options: { include_usage: true } })) chunks.push(chunk);
    assert.equal(chunks.map(textOf).join(""), whole.choices[0]?.message.content);
    assert.deepEqual(chunks[0]?.choices[0]?.delta, { role: "assistant", content: "" });
    assert.deepEqual([chunks.at(-2)?.choices[0]?.finish_reason, chunks.at(-1)?.choices.length, chunks.at(-1)?.usage?.completion_tokens], ["length", 0, 5]);
    assert.ok(chunks.every(({ model, id }) => model === MODEL && id === chunks[0]?.id));
    assert.match(await client.runtimeStatsText(), /tokens\/s/);
  });

  check("requests at once are answered in order, each with its own", async () => {
    const { client } = await loaded(make);
    const alone = [await client.chatCompletion(SHORT), await client.chatCompletion({ ...SHORT, messages: OTHER })];
    const both = await Promise.all([client.chatCompletion(SHORT), client.chatCompletion({ ...SHORT, messages: OTHER })]);
    assert.deepEqual(both.map(({ choices }) => choices), alone.map(({ choices }) => choices));
  });

  check("nothing is loaded: the error says so; a request made while a model loads waits for it", async () => {
    const it = make();
    await assert.rejects(it.client.chatCompletion(SHORT), ModelNotLoadedError);
    await assert.rejects(it.client.chatCompletion(LONG), ModelNotLoadedError);
    const release = holdLoads(it);
    const loading = it.client.reload(MODEL);
    const answer = it.client.chatCompletion(SHORT);
    const stream = it.client.chatCompletion(LONG);
    await turns(5);
    release();
    await loading;
    assert.equal((await answer).model, MODEL);
    for await (const chunk of await stream) assert.equal(chunk.model, MODEL);
  });

  check("a request that cannot be answered rejects before its stream begins", async () => {
    const { client } = await loaded(make);
    const long = [{ role: "user", content: "x 1 y 2 ".repeat(200) }] as const;
    await assert.rejects(client.chatCompletion({ ...LONG, messages: long }), ContextWindowSizeExceededError);
    await assert.rejects(client.chatCompletion({ ...LONG, model: "gpt-4" }), fails(ModelNotFoundError, /gpt-4.*toy/));
    await assert.rejects(client.chatCompletion({ ...LONG, messages: [] }), RequestValidationError);
    assert.equal((await client.chatCompletion({ ...SHORT, model: MODEL })).model, MODEL);
  });

  check("a loop may unload, load again, or reset the chat; none waits for it", async () => {
    for (const act of ["unload", "resetChat", "reload"] as const) {
      const { client, engine } = await loaded(make);
      let chunks = 0;
      let interrupted: boolean | undefined;
      for await (const chunk of await client.chatCompletion(LONG)) {
        if (++chunks === 4) await (act === "reload" ? client.reload("other") : client[act]());
        if (act === "resetChat" && chunks === 6) break;
        interrupted = chunk.choices[0]?.interrupted;
      }
      if (act !== "resetChat") assert.equal(interrupted, true, act);
      assert.equal(engine.alive, act === "unload" ? 0 : 1, act);
      if (act !== "unload") assert.equal((await client.chatCompletion(SHORT)).usage.completion_tokens, 5);
      await client.unload();
      assert.equal(engine.alive, 0);
    }
  });

  check("a stream that nobody reads, or that is left in any state, holds nobody up", async () => {
    const { client, engine } = await loaded(make);
    await client.chatCompletion(LONG); // never read
    const forgotten = (await client.chatCompletion(LONG))[Symbol.asyncIterator]();
    await forgotten.next();
    const expected = (await client.chatCompletion(SHORT)).choices;
    const left = await client.chatCompletion(LONG);
    await left.return?.();
    freeze({ engine, client });
    const waited = await client.chatCompletion(LONG);
    const next = [waited.next(), waited.next()];
    await turns(5);
    await waited.return?.();
    for (const { done } of await Promise.all(next)) assert.equal(done, true);
    await client.unload();
    await client.reload(MODEL);
    assert.deepEqual((await client.chatCompletion(SHORT)).choices, expected);
  });

  check("leaving a stream ends its generation", async () => {
    const { client, engine } = await loaded(make);
    const steps = (): number => engine.loaded[0]?.runner.calls.length ?? 0;
    const unread = await client.chatCompletion(LONG);
    await unread.return?.();
    for await (const chunk of await client.chatCompletion(LONG)) if (textOf(chunk) !== "") break;
    await turns(30);
    const before = steps();
    assert.ok(before < 60, `${before} steps`);
    await turns(30);
    assert.equal(steps(), before);
  });

  check("a signal ends one request only, whether it runs, waits, or has not begun, and its reason is kept", async () => {
    const { client } = await loaded(make);
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = client.chatCompletion({ messages: QUESTION }, { signal: running.signal });
    const second = client.chatCompletion({ messages: QUESTION }, { signal: waiting.signal });
    const third = client.chatCompletion(SHORT);
    waiting.abort();
    await assert.rejects(second, AbortError);
    const timeout = new DOMException("too slow", "TimeoutError");
    running.abort(timeout);
    await assert.rejects(first, (error) => error === timeout);
    assert.equal((await third).usage.completion_tokens, 5);
    await assert.rejects(client.chatCompletion(SHORT, { signal: AbortSignal.abort() }), AbortError);
    const controller = new AbortController();
    await assert.rejects(async () => {
      for await (const chunk of await client.chatCompletion(LONG, { signal: controller.signal })) if (textOf(chunk) !== "") controller.abort();
    }, AbortError);
    controller.abort(); // late
    assert.equal((await client.chatCompletion(SHORT, { signal: null })).usage.completion_tokens, 5);
  });

  check("a late abort of a refused request touches nobody else's", async () => {
    const it = await loaded(make);
    const controller = new AbortController();
    freeze(it);
    const [running, ...others] = [1, 2, 3, 4].map(() => it.client.chatCompletion({ messages: QUESTION })); // as many as run at a time
    const refused = it.client.chatCompletion(SHORT, { signal: controller.signal });
    assert.ok(running);
    for (const other of others) other.catch(() => undefined);
    refused.catch(() => undefined);
    await turns(10);
    await it.client.reload(MODEL);
    assert.equal((await running).choices[0]?.interrupted, true);
    await assert.rejects(refused, AbortError);
    const [y, z] = [it.client.chatCompletion(SHORT), it.client.chatCompletion(SHORT)];
    controller.abort();
    assert.deepEqual((await y).choices, (await z).choices);
  });

  check("interruptGenerate ends what runs, and nothing where nothing runs", async () => {
    const it = make();
    await it.client.interruptGenerate();
    const release = holdLoads(it);
    const loading = it.client.reload(MODEL);
    await it.client.interruptGenerate();
    release();
    await loading;
    const waiting = it.client.chatCompletion(LONG);
    let text = "";
    let ending: unknown[] = [];
    for await (const chunk of await waiting) {
      text += textOf(chunk);
      if (text !== "") await it.client.interruptGenerate();
      ending = [chunk.choices[0]?.finish_reason, chunk.choices[0]?.interrupted];
    }
    assert.deepEqual(ending, ["stop", true]);
    assert.ok(text.length > 0);
    freeze(it);
    const frozen = it.client.chatCompletion({ messages: OTHER });
    await turns(10);
    await it.client.interruptGenerate();
    assert.equal((await frozen).choices[0]?.interrupted, true);
  });

  check("of overlapping loads the last counts, and none leaks", async () => {
    const it = make();
    it.engine.loading = () => turns(20);
    const first = it.client.reload(MODEL);
    const second = it.client.reload("other");
    await assert.rejects(first, AbortError);
    await second;
    assert.equal(it.engine.alive, 1);
    assert.equal((await it.client.chatCompletion(SHORT)).model, "other");
    const third = it.client.reload(MODEL);
    const unloaded = it.client.unload();
    await assert.rejects(third, AbortError);
    await unloaded;
    assert.equal(it.engine.alive, 0);
    await assert.rejects(it.client.chatCompletion(SHORT), ModelNotLoadedError);
  });

  check("a component that is mounted twice ends with one model", async () => {
    const it = make();
    for (let mount = 0; mount < 3; mount++) {
      it.client.reload(MODEL).catch(() => undefined);
      if (mount < 2) it.client.unload().catch(() => undefined);
    }
    assert.equal((await it.client.chatCompletion(SHORT)).model, MODEL);
    assert.equal(it.engine.alive, 1);
    await Promise.all([it.client.unload(), it.client.unload(), it.client.unload()]);
    assert.equal(it.engine.alive, 0);
  });

  check("unloading twice while an answer runs resolves both times", async () => {
    const it = await loaded(make);
    const running = it.client.chatCompletion({ messages: QUESTION });
    await turns(5);
    await Promise.all([it.client.unload(), it.client.unload()]);
    assert.equal((await running).choices[0]?.interrupted, true);
  });

  check("unload does not wait for a load, nor a load for one that was given up", async () => {
    const it = make();
    it.engine.loading = () => new Promise(() => undefined);
    const stuck = it.client.reload(MODEL);
    stuck.catch(() => undefined);
    const waiting = it.client.chatCompletion(SHORT);
    waiting.catch(() => undefined);
    await turns(5);
    await it.client.unload();
    await assert.rejects(stuck, AbortError);
    await assert.rejects(waiting, AbortError);
    const controller = new AbortController();
    const given = it.client.reload(MODEL, {}, { signal: controller.signal });
    await turns(5);
    controller.abort(new DOMException("changed my mind", "NotNeededError"));
    await assert.rejects(given, { name: "NotNeededError" });
    it.engine.loading = () => Promise.resolve();
    await it.client.reload(MODEL);
    assert.equal(it.engine.alive, 1);
  });

  check("a load that fails fails who waits for it, and the next one works", async () => {
    const it = make();
    it.engine.loading = async () => { await turns(3); throw new DeviceLostError("lost while loading"); };
    const loading = it.client.reload(MODEL);
    const waiting = it.client.chatCompletion(SHORT);
    waiting.catch(() => undefined);
    await assert.rejects(loading, DeviceLostError);
    await assert.rejects(waiting, DeviceLostError);
    await assert.rejects(it.client.chatCompletion(SHORT), ModelNotLoadedError);
    it.engine.loading = () => Promise.resolve();
    await it.client.reload(MODEL);
  });

  check("a GPU that is lost while idle reaches the page, and a reload works", async () => {
    const told: Error[] = [];
    const it = PLACES[place]?.({ deviceLostCallback: (error) => told.push(error) });
    assert.ok(it);
    await it.client.reload(MODEL);
    const [first] = it.engine.loaded;
    first?.listener.lost(new DeviceLostError("driver restarted"));
    await turns(5);
    assert.ok(told.length === 1 && told[0] instanceof DeviceLostError && told[0].message === "driver restarted");
    await it.client.reload(MODEL);
    assert.deepEqual(it.engine.loaded.map(({ disposals }) => disposals), [1, 0]);
    assert.equal((await it.client.chatCompletion(SHORT)).usage.completion_tokens, 5);
  });

  check("a step that fails fails its request, after the text before it, and the next works", async () => {
    const it = make();
    let failing = true;
    it.engine.prepare = (runner) => {
      const decode = runner.decode.bind(runner);
      let steps = 0;
      runner.decode = (rows, carried) => (failing && ++steps === 9 ? Promise.reject(new DeviceLostError("lost", { steps })) : decode(rows, carried));
    };
    await it.client.reload(MODEL);
    let text = "";
    await assert.rejects(async () => {
      for await (const chunk of await it.client.chatCompletion(LONG)) text += textOf(chunk);
    }, (error) => error instanceof DeviceLostError && error.details["steps"] === 9);
    assert.ok(text.length > 0);
    failing = false;
    assert.equal((await it.client.chatCompletion(SHORT)).usage.completion_tokens, 5);
  });

  check("the permission to store may stay unanswered", async () => {
    let asked = 0;
    const ask = { persisted: async () => false, persist: () => { asked++; return new Promise<boolean>(() => undefined); } };
    Object.defineProperty(globalThis.navigator ?? Object.assign(globalThis, { navigator: {} }).navigator, "storage", { value: ask, configurable: true });
    const { client } = await loaded(make);
    await turns(5);
    assert.equal(asked, 1);
    await client.unload();
  });

  check("a conversation goes on where it was left, also after another one and a reset", async () => {
    const { client } = await loaded(make);
    const cached = async (messages: typeof QUESTION | typeof OTHER): Promise<number> =>
      (await client.chatCompletion({ ...SHORT, messages })).usage.prompt_tokens_details.cached_tokens;
    assert.equal(await cached(QUESTION), 0);
    await cached(OTHER);
    assert.ok(await cached(QUESTION) > 0);
    await client.resetChat();
    assert.equal(await cached(QUESTION), 0);
    assert.equal(await client.getMessage() === "", false);
    await client.resetChat();
    assert.equal(await client.getMessage(), "");
  });

  check("a beginning of the answer is continued", async () => {
    const { client } = await loaded(make);
    const begun = await client.chatCompletion({ ...SHORT, messages: [...QUESTION, { role: "assistant", content: "Well, " }] });
    const plain = await client.completions.create({ prompt: "<|user|>hi</s><|assistant|>Well, ", temperature: 0, max_tokens: 5 });
    assert.equal(begun.choices[0]?.message.content, plain.choices[0]?.text);
  });

  check("a model without a chat template continues text and does not chat", async () => {
    const it = make();
    it.engine.tokenizer = fakeTokenizer({ chat_template: null });
    await it.client.reload(MODEL);
    const request = { prompt: "Once upon", max_tokens: 6, temperature: 0 };
    const whole = await it.client.completions.create(request);
    assert.deepEqual([whole.object, whole.choices[0]?.finish_reason, whole.usage?.completion_tokens], ["text_completion", "length", 6]);
    let text = "";
    for await (const piece of await it.client.completions.create({ ...request, stream: true })) text += piece.choices[0]?.text ?? "";
    assert.equal(text, whole.choices[0]?.text);
    await assert.rejects(it.client.chatCompletion(SHORT), fails(RequestValidationError, /no chat template.*completions.create/));
    await assert.rejects(it.client.completions.create({ prompt: "" }), fails(RequestValidationError, /prompt is empty/));
  });

  check("a prompt without tokens is refused, and one that fills the context but for one token gets that token", async () => {
    const it = make();
    it.engine.tokenizer = fakeTokenizer({ chat_template: "{{ messages[0].content | replace('.', '') }}" });
    await it.client.reload(MODEL);
    await assert.rejects(it.client.chatCompletion({ messages: [{ role: "user", content: "..." }] }), fails(RequestValidationError, /no tokens/));
    const ask = (words: number): Promise<ChatCompletion> => it.client.chatCompletion({ messages: [{ role: "user", content: "x".repeat(words) }] });
    const { prompt_tokens: tokens, completion_tokens: answered } = (await ask(CONTEXT - 1)).usage;
    assert.deepEqual([tokens, answered], [CONTEXT - 1, 1]);
    await assert.rejects(ask(CONTEXT), ContextWindowSizeExceededError);
  });

  check("options that nobody knows are errors, in every configuration", async () => {
    const { client } = await loaded(make);
    assert.throws(() => PLACES[place]?.(JSON.parse('{"logitProcessorRegistry": {}}')), fails(RequestValidationError, /logitProcessorRegistry must be a Map/));
    assert.throws(() => client.setAppConfig(JSON.parse('{"model_list": [], "cacheBackend": "indexeddb"}')), /cacheBackend/);
    const record = '{"model_list": [{"model": "https://a.example/", "model_id": "a", "model_lib": "https://a.example/b.wasm"}]}';
    assert.throws(() => client.setAppConfig(JSON.parse(record)), fails(RequestValidationError, /model_list\[0\]\.model is not supported.*give `manifest`/));
    await assert.rejects(client.reload(MODEL, JSON.parse('{"temperature": 0.5}')), /temperature.*give it with each request/);
    await assert.rejects(client.reload(JSON.parse('7')), fails(RequestValidationError, /modelId must be a string/));
    await assert.rejects(client.chatCompletion(SHORT, JSON.parse('{"timeout": 5}')), /timeout/);
    await assert.rejects(client.reload("nowhere"), ModelNotFoundError);
    await client.reload(MODEL, JSON.parse('{"context_window_size": null}'));
    await client.reload(MODEL, JSON.parse('{"sliding_window_size": -1, "repetition_penalty": 1, "temperature": null}'));
    await client.reload(MODEL, null, null);
  });

  check("the same text comes whole with a stop string", async () => {
    const { client } = await loaded(make);
    const { text } = await collect(await client.chatCompletion({ ...SHORT, max_tokens: 30, stream: true }));
    const stop = text.slice(10, 13);
    const stopped = await collect(await client.chatCompletion({ ...SHORT, max_tokens: 30, stream: true, stop }));
    assert.deepEqual(stopped, { text: text.slice(0, text.indexOf(stop)), finish: "stop" });
  });
}
