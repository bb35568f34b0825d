/** Answers that go on after their tab was killed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatCompletionRequestNonStreaming } from "../src/api/openai/types.ts";
import { Journal } from "../src/storage/journal.ts";
import { ModelNotLoadedError, RequestValidationError } from "../src/support/errors.ts";
import { MODEL, PLACES, soon, type Setup } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { turns } from "./fakes/turns.ts";
import { FakeStorage } from "./fakes/web.ts";

let storage = new FakeStorage();
Object.defineProperty(globalThis, "navigator", { value: { get storage() { return storage; } }, configurable: true });

const ASK = { messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 40, repetition_penalty: 1.3, seed: 5 } as const;
const kept = (sessionId: string): ChatCompletionRequestNonStreaming => ({ ...ASK, extra_body: { resumable: { enabled: true, sessionId } } });
const GO_ON = { continueGeneration: true } as const;
const pause = (): Promise<void> => turns(15);

async function loaded(make: () => Setup): Promise<Setup> {
  const it = make();
  await it.client.reload(MODEL);
  return it;
}

/** The tab is killed behind so many steps. */
async function cutOff(make: () => Setup, sessionId: string, steps: number, request = kept(sessionId)): Promise<void> {
  const it = await loaded(make);
  const [runner] = it.engine.loaded.map((one) => one.runner);
  assert.ok(runner !== undefined);
  const wait = runner.delay;
  let left = steps;
  runner.delay = () => (left-- > 0 ? wait() : new Promise(() => undefined));
  void it.client.chatCompletion(request).catch(() => undefined);
  while (left >= 0) await pause();
  await pause();
}

function files(): [string, { bytes: Uint8Array<ArrayBuffer>; release(): void }][] {
  return [...storage.folders.get("journals") ?? []];
}

function kill(): void {
  for (const [, file] of files()) file.release();
}

for (const [place, make] of Object.entries(PLACES)) {
  const check = (name: string, work: () => Promise<void>): void => {
    test(`${place}: ${name}`, async () => {
      storage = new FakeStorage();
      await soon(work(), name);
    });
  };

  check("what a killed tab left behind is told, and goes on to the answer that it would have been", async () => {
    const whole = (await (await loaded(make)).client.chatCompletion(ASK)).choices;
    await cutOff(make, "a/b", 12);
    const { client } = make();
    const [running] = await client.listResumableSessions();
    assert.deepEqual([running?.sessionId, running?.resumable, running?.recoveryMode], ["a/b", false, "none"]);
    await assert.rejects(client.resumeChatCompletion("a/b"), fails(RequestValidationError, /under way/));
    await assert.rejects(client.deleteResumableSession("a/b"), fails(RequestValidationError, /under way/));
    await client.deleteResumableSession("none");
    kill();
    const [found] = await client.listResumableSessions();
    assert.deepEqual([found?.resumable, found?.modelId, found?.recoveryMode, found?.reason], [true, MODEL, "token_replay", undefined]);
    const emitted = found?.emittedTokens ?? 0;
    assert.ok(emitted >= 10 && emitted <= 13, String(emitted));
    await assert.rejects(client.resumeChatCompletion("a/b"), ModelNotLoadedError);
    await assert.rejects(client.resumeChatCompletion("a/b", GO_ON), ModelNotLoadedError);
    await client.reload(MODEL);
    const read = await client.resumeChatCompletion("a/b");
    assert.deepEqual({ ...read, recoveredText: "" }, {
      sessionId: "a/b", recoveredText: "", emittedTokens: emitted, processedSeqLen: found?.processedSeqLen, replayedTokens: 0, recoveryMode: "text_only" });
    assert.equal(read.processedSeqLen, emitted + await client.countTokens(ASK.messages));
    assert.ok(read.recoveredText.length > 3 && whole[0]?.message.content?.startsWith(read.recoveredText), read.recoveredText);
    let text = "";
    const sizes: number[] = [];
    for await (const { choices } of await client.resumeChatCompletion("a/b", { continueGeneration: true, stream: true })) {
      sizes.push(choices[0]?.delta.content?.length ?? 0);
      text += choices[0]?.delta.content ?? "";
    }
    assert.equal(text, whole[0]?.message.content);
    assert.deepEqual(await client.listResumableSessions(), []);
    await assert.rejects(client.resumeChatCompletion("a/b"), fails(RequestValidationError, /No answer is kept/));
  });

  check("an answer of a form goes on behind texts that could be no others", async () => {
    const schema = { type: "object", properties: { first: { enum: ["north", "south", "east", "west"] }, second: { enum: ["red", "green", "blue"] }, third: { type: "integer" } }, required: ["first", "second", "third"] };
    const ask = { ...ASK, temperature: 2, seed: 7, max_tokens: 90, response_format: { type: "json_schema", json_schema: { name: "a", schema, strict: true } } } as const;
    const wide = (): Setup => {
      const it = make();
      it.engine.prepare = (runner) => { runner.vocabulary = 300; };
      return it;
    };
    const whole = (await (await loaded(wide)).client.chatCompletion(ask)).choices;
    await cutOff(wide, "form", 4, { ...kept("form"), ...ask });
    kill();
    const { client } = await loaded(wide);
    const { completion, replayedTokens } = await client.resumeChatCompletion("form", GO_ON);
    assert.ok(replayedTokens > 4, "texts that could be no others came at once");
    assert.deepEqual(completion?.choices, whole);
  });

  check("logprobs, and what has left the context, are those of an answer that was not cut off", async () => {
    const turn = (i: number): { role: "user" | "assistant"; content: string } => ({ role: i % 2 === 0 ? "user" : "assistant", content: `${i} ${"x".repeat(40)}` });
    const short = (): Setup => {
      const it = make();
      it.engine.contextLength = 96;
      return it;
    };
    const messages = Array.from({ length: 21 }, (_, i) => turn(i));
    for (const [id, steps, more] of [
      ["logprobs", 7, { logprobs: true, top_logprobs: 2, temperature: 1 }], ["shifted", 150, { max_tokens: 200, context_overflow: "drop_oldest", temperature: 1 }],
      ["both", 100, { max_tokens: 130, context_overflow: "drop_oldest", logprobs: true }], ["shortened", 5, { context_overflow: "drop_oldest", messages }],
    ] as const) {
      const ask = { ...ASK, ...more };
      const whole = await (await loaded(short)).client.chatCompletion(ask);
      await cutOff(short, id, steps, { ...kept(id), ...ask });
      kill();
      const { client } = await loaded(short);
      const [found] = await client.listResumableSessions();
      assert.equal(found?.processedSeqLen, whole.usage.prompt_tokens + (found?.emittedTokens ?? 0), id);
      const { completion } = await client.resumeChatCompletion(id, GO_ON);
      assert.deepEqual([completion?.choices, completion?.usage.completion_tokens], [whole.choices, whole.usage.completion_tokens], id);
    }
  });

  check("tabs that read what is kept at the same time are in nobody's way", async () => {
    for (const id of ["a", "b"]) await cutOff(make, id, 3);
    kill();
    const [one, other] = [await loaded(make), await loaded(make)];
    storage.step = (what) => (what === "opened" ? pause() : Promise.resolve());
    const lists = await Promise.all([one, other].map(({ client }) => client.listResumableSessions()));
    assert.deepEqual(lists.map((list) => list.map(({ resumable }) => resumable)), [[true, true], [true, true]]);
    const [, resumed] = await Promise.all([other.client.listResumableSessions(), one.client.resumeChatCompletion("b", GO_ON)]);
    assert.equal(resumed.recoveryMode, "token_replay");
    storage.step = (what) => (what === "removeEntry" ? pause() : Promise.resolve());
    assert.deepEqual((await one.client.listResumableSessions()).map(({ sessionId }) => sessionId), ["a"], "what has ended is not told");
    storage.step = (what) => (what === "opened" ? pause() : Promise.resolve());
    await Promise.all([other.client.listResumableSessions(), one.client.deleteResumableSession("a")]);
    assert.deepEqual(await one.client.listResumableSessions(), []);
  });

  check("a record that was cut in the middle is left out, and so is one that was never written", async () => {
    const whole = (await (await loaded(make)).client.chatCompletion(ASK)).choices;
    for (const damage of [
      (bytes: Uint8Array<ArrayBuffer>) => bytes.slice(0, -3), (bytes: Uint8Array<ArrayBuffer>) => Uint8Array.from([...bytes, ...new Uint8Array(16)]),
    ]) {
      await cutOff(make, "x", 9);
      kill();
      for (const [, file] of files()) file.bytes = damage(file.bytes);
      const { client } = await loaded(make);
      assert.deepEqual((await client.resumeChatCompletion("x", GO_ON)).completion?.choices, whole);
    }
    await cutOff(make, "y", 5);
    kill();
    for (const [, file] of files()) file.bytes = file.bytes.map((byte, i) => (i === 20 ? byte ^ 1 : byte));
    const { client } = await loaded(make);
    assert.equal((await client.listResumableSessions())[0]?.resumable, false);
    await assert.rejects(client.resumeChatCompletion("y"), RequestValidationError);
    await client.deleteResumableSession("y");
    assert.deepEqual(await client.listResumableSessions(), []);
  });

  check("a journal that somebody else wrote is refused, whatever its request says", async () => {
    const good = { modelId: MODEL, promptTokens: 4, request: { prompt: { kind: "text", text: "Once" }, sampling: { temperature: 0 }, stop: [] } };
    const { client } = await loaded(make);
    for (const [name, wrong] of Object.entries({
      prompt: { ...good, request: { ...good.request, prompt: { kind: "chat" } } }, sampling: { ...good, request: { ...good.request, sampling: { temperature: "hot" } } },
      modelId: { ...good, modelId: 3 }, stop: { ...good, request: { ...good.request, stop: "x" } }, request: { ...good, request: null }, list: [good], text: "{",
    })) {
      const journal = await Journal.create("odd", typeof wrong === "string" ? wrong : JSON.stringify(wrong));
      journal?.close();
      assert.equal((await client.listResumableSessions())[0]?.resumable, false, name);
      await assert.rejects(client.resumeChatCompletion("odd", GO_ON), fails(RequestValidationError, /"odd" is no answer of this engine/), name);
      await client.deleteResumableSession("odd");
    }
    (await Journal.create("good", JSON.stringify(good)))?.close();
    const journals = storage.folders.get("journals");
    const file = journals?.get("good");
    for (const name of ["%zz", "a b", "%41"]) if (file !== undefined) journals?.set(name, file);
    assert.deepEqual((await client.listResumableSessions()).map(({ sessionId }) => sessionId), ["good"], "names that no id has");
    assert.equal((await client.resumeChatCompletion("good", GO_ON)).recoveryMode, "token_replay");
    (await Journal.create("updated", JSON.stringify({ ...good, promptTokens: 3 })))?.close();
    await assert.rejects(client.resumeChatCompletion("updated", GO_ON), fails(RequestValidationError, /"updated" was begun by another model.* had 3 tokens, and has 4 now/));
    assert.equal((await client.resumeChatCompletion("updated")).recoveryMode, "text_only", "it stays");
  });

  check("a journal that is cut, or of another version, is damaged and not read", async () => {
    (await Journal.create("x", "{}"))?.close();
    (await Journal.create("x", "{}"))?.close();
    const file = storage.folders.get("journals")?.get("x");
    assert.ok(file !== undefined && file.bytes.length === 14, "one that takes another's place leaves nothing of it");
    const whole = file.bytes;
    assert.equal((await Journal.resume("x", true))?.content.request, "{}");
    file.release();
    for (const bytes of [whole.slice(0, 4), whole.slice(0, 11), whole.slice(0, 13), whole.map((byte, i) => (i === 0 ? byte + 1 : byte))]) {
      file.bytes = bytes;
      await assert.rejects(Journal.resume("x", true), fails(RequestValidationError, /"x" is damaged/));
    }
  });

  check("an answer that ended leaves nothing, and one that was cut off twice goes on", async () => {
    const whole = (await (await loaded(make)).client.chatCompletion(kept("z"))).choices;
    while (files().length > 0) await pause();
    await cutOff(make, "z", 6);
    kill();
    const it = await loaded(make);
    const [runner] = it.engine.loaded.map((one) => one.runner);
    assert.ok(runner !== undefined);
    const wait = runner.delay;
    let left = 8;
    runner.delay = () => (left-- > 0 ? wait() : new Promise(() => undefined));
    void it.client.resumeChatCompletion("z", GO_ON).catch(() => undefined);
    while (left >= 0) await pause();
    await pause();
    kill();
    const { client } = await loaded(make);
    assert.ok(((await client.listResumableSessions())[0]?.emittedTokens ?? 0) > 9);
    assert.deepEqual((await client.resumeChatCompletion("z", GO_ON)).completion?.choices, whole);
  });

  check("few are kept, and what cannot be is refused", async () => {
    for (let i = 0; i < 18; i++) await cutOff(make, `s${i}`, 1);
    kill();
    const { client } = await loaded(make);
    await cutOff(make, "last", 1);
    const ids = (await client.listResumableSessions()).map(({ sessionId }) => sessionId);
    assert.ok(ids.length <= 18 && ids.includes("last") && !ids.includes("s0"), ids.join());
    await assert.rejects(client.chatCompletion({ ...kept("n"), n: 2 }), fails(RequestValidationError, /n must be 1/));
    await assert.rejects(client.chatCompletion(kept("last")), fails(RequestValidationError, /under way/));
    await assert.rejects(client.chatCompletion(kept("x".repeat(65))), fails(RequestValidationError, /sessionId/));
    for (const checkpointIntervalTokens of [1.5, 0, -1, Number.NaN]) {
      const resumable = { enabled: true, checkpointIntervalTokens };
      await assert.rejects(client.chatCompletion({ ...ASK, extra_body: { resumable } }), fails(RequestValidationError, /checkpointIntervalTokens/));
    }
    storage.asynchronous = true;
    await assert.rejects(client.chatCompletion(kept("w")), fails(RequestValidationError, /dedicated worker/));
    assert.equal((await client.chatCompletion({ ...ASK, extra_body: { resumable: { enabled: false } } })).choices.length, 1);
  });
}
