// A runner that is lost in the middle of answers: the model is loaded again, and they go on as if nothing had been.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SequenceManager } from "../src/engine/sequences.ts";
import { Session, type SessionParts } from "../src/engine/session.ts";
import { NO_FORMAT } from "../src/formats/format.ts";
import { DeviceLostError, OutOfMemoryError } from "../src/support/errors.ts";
import { fakeTokenizer } from "./fakes/engine.ts";
import { grammarsOf } from "./fakes/grammars.ts";
import { FakePagedKv } from "./fakes/paged_kv.ts";
import { promptOf, shapeOf } from "./fakes/generations.ts";
import { FakeRunner, reference } from "./fakes/runner.ts";

const SHAPE = shapeOf({ contextLength: 256, pageSize: 4, prefillChunk: 16, shortestChunk: 16, rowCounts: [1, 2, 4], slots: 0 });

/** A model whose runner is lost behind so many steps. */
function parts(steps: number, revive?: SessionParts["revive"]): SessionParts & { readonly runner: FakeRunner; disposals: number } {
  const runner = new FakeRunner(SHAPE, 8, 512);
  const plain = runner.delay;
  runner.delay = async () => {
    if (--steps < 0) throw new DeviceLostError("The GPU was lost.");
    await plain();
  };
  const tokenizer = fakeTokenizer();
  const made = {
    runner, sequences: new SequenceManager(new FakePagedKv(), runner), tokenizer, grammars: grammarsOf(tokenizer, runner.vocabulary, []), format: NO_FORMAT,
    eosTokenIds: new Set<number>(), vocabSize: runner.vocabulary, sampling: {}, modelId: "toy", revive, disposals: 0, dispose: () => { made.disposals++; },
  };
  return made;
}

async function answer(session: Session, prompt: readonly number[], maxTokens: number, sampling: object = {}): Promise<number[]> {
  const events = await session.answer({ prompt: { kind: "tokens", tokens: prompt }, maxTokens, stop: [], sampling: { temperature: 0, ...sampling } });
  const tokens: number[] = [];
  for await (const event of events) if (event.type === "token") tokens.push(event.token);
  return tokens;
}

test("answers go on where the runner was lost, those that wait too, however often it happens", async () => {
  let revivals = 0;
  const revive = async (error: Error): Promise<SessionParts> => {
    assert.match(error.message, /was lost/);
    return parts(++revivals < 3 ? 7 : Infinity, revive);
  };
  const first = parts(5, revive);
  const session = new Session(first);
  const prompts = Array.from({ length: 7 }, (_, i) => promptOf(3 + 11 * i, i));
  const answers = await Promise.all(prompts.map((prompt) => answer(session, prompt, 12)));
  assert.deepEqual(answers, prompts.map((prompt) => reference(prompt, 12, new Set())));
  assert.deepEqual([revivals, first.disposals], [3, 1]);
  session.close();
});

test("draws and penalties go on too: as if it had never happened", async () => {
  const sampling = { temperature: 1, seed: 7, frequencyPenalty: 0.5 };
  const prompt = promptOf(9, 3);
  const whole = await answer(new Session(parts(Infinity)), prompt, 20, sampling);
  const cut = await answer(new Session(parts(6, async () => parts(Infinity))), prompt, 20, sampling);
  assert.deepEqual(cut, whole);
});

test("a step that was done when its runner was lost counts for nothing: its token is drawn again", async () => {
  const begin = parts(Infinity, async () => parts(Infinity));
  const { runner } = begin;
  let grown = 0;
  const reserve = runner.reservePages.bind(runner);
  runner.reservePages = async (...room) => {
    if (++grown === 2) throw new DeviceLostError("The GPU was lost."); // while steps are under way
    return reserve(...room);
  };
  const prompt = promptOf(61, 3);
  assert.deepEqual(await answer(new Session(begin), prompt, 20), reference(prompt, 20, new Set()));
  assert.ok(grown === 2 && runner.deepestPipeline > 1);
});

test("an answer with a logit processor goes on before others that have it, however urgent", async () => {
  class Counting {
    #count = 0;
    processLogits = (logits: Float32Array): Float32Array => logits.map((_, token) => logits[(token + this.#count) % logits.length] ?? 0);
    processSampledToken = (): void => { this.#count++; };
    resetState = (): void => { this.#count = 0; };
  }
  const tokensOf = async (session: Session, tokens: readonly number[], processor: Counting, priority: number): Promise<number[]> => {
    const events = await session.answer({ prompt: { kind: "tokens", tokens }, maxTokens: 12, stop: [], sampling: { temperature: 0 }, priority }, processor);
    const said: number[] = [];
    for await (const event of events) if (event.type === "token") said.push(event.token);
    return said;
  };
  const prompts = [promptOf(9, 3), promptOf(7, 2)];
  const alone = await Promise.all(prompts.map((prompt) => tokensOf(new Session(parts(Infinity)), prompt, new Counting(), 0)));
  const [first, processor] = [parts(5, async () => parts(Infinity)), new Counting()];
  const session = new Session(first);
  const begun = tokensOf(session, prompts[0] ?? [], processor, 0);
  while (first.runner.calls.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
  const urgent = tokensOf(session, prompts[1] ?? [], processor, 1);
  assert.deepEqual(await Promise.all([begun, urgent]), alone);
});

test("of an answer that goes on, tokens of the prompt alone are told as cached", async () => {
  const session = new Session(parts(Infinity));
  const tokens = promptOf(9, 3);
  const past = await answer(session, tokens, 12);
  const events = await session.answer({ prompt: { kind: "tokens", tokens }, maxTokens: 20, stop: [], sampling: { temperature: 0 } }, undefined, { tokens: past, journal: undefined });
  for await (const event of events) {
    if (event.type === "end") assert.deepEqual([event.tokens.prompt, event.tokens.cached, event.tokens.completion], [9, 9, 20]);
  }
});

test("where it cannot be loaded again, the answers fail with why; one that was left meanwhile ends", async () => {
  const session = new Session(parts(3, async () => { throw new OutOfMemoryError("no room"); }));
  await assert.rejects(answer(session, promptOf(9, 3), 20), /no room/);
  await assert.rejects(answer(session, promptOf(9, 3), 20), DeviceLostError);
  let [revived, begin] = [(): void => undefined, (): void => undefined];
  const begun = new Promise<void>((resolve) => { begin = resolve; });
  const waiting = new Promise<SessionParts>((resolve) => { revived = () => resolve(parts(Infinity)); });
  const slow = new Session(parts(3, () => {
    begin();
    return waiting;
  }));
  const left = answer(slow, promptOf(9, 3), 20);
  await begun;
  slow.interrupt();
  assert.ok((await left).length < 20);
  revived();
  assert.deepEqual(await answer(slow, promptOf(4, 1), 3), reference(promptOf(4, 1), 3, new Set()));
});

test("a session that is closed meanwhile frees what comes late", async () => {
  const late = parts(Infinity);
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => { begin = resolve; });
  const freed = new Promise<void>((resolve) => { Object.assign(late, { dispose: resolve }); });
  const session = new Session(parts(3, (_, signal) => new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(late));
    begin();
  })));
  const left = answer(session, promptOf(9, 3), 20);
  await begun;
  session.close();
  await Promise.all([left, freed]);
});
