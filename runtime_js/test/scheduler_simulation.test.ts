// Random lives of a step loop: requests join, leave, are stopped, fail and run out of memory, at any await. What comes whole is what the
// plain reference gives, what is stopped is a beginning of it, everyone hears an end, and nothing stays taken.

import assert from "node:assert/strict";
import { test } from "node:test";
import { OutOfMemoryError } from "../src/support/errors.ts";
import { Oracle } from "./fakes/drafts.ts";
import { soon } from "./fakes/engine.ts";
import { generate, promptOf, request, setup } from "./fakes/generations.ts";
import { randomFrom } from "./fakes/random.ts";
import { reference } from "./fakes/runner.ts";

const ROUNDS = 20;
const ACTIONS = 60;
const CONTEXT = 96;

class Injected extends Error {}

async function live(random: () => number, slots: number, windows: readonly (number | null)[], needsTokens: boolean): Promise<void> {
  const below = (most: number): number => Math.floor(random() * most);
  const it = setup({
    contextLength: CONTEXT, prefillChunk: 8, pages: 4, maxPages: 24 + below(100), slots, windows, rows: 1 + below(8), longestAlike: random() < 0.3 ? 10 + below(40) : undefined,
    needsTokens,
  });
  const { runner, scheduler, sequences, kv } = it;
  const pause = (): Promise<void> => (random() < 0.7 ? Promise.resolve() : new Promise((resolve) => { setTimeout(resolve, random() * 2); }));
  const flaky = async (rate: number): Promise<void> => {
    await pause();
    if (random() < rate) throw new Injected("injected");
  };
  const rate = random() < 0.5 ? 0 : 0.01;
  runner.delay = () => flaky(rate);
  runner.compiling = () => flaky(0.3);
  const [reserve, prefill] = [runner.reservePages.bind(runner), runner.prefill.bind(runner)];
  runner.reservePages = async (...room) => { await flaky(rate); return reserve(...room); };
  runner.prefill = async (...step) => { await prefill(...step); await flaky(rate); };
  const known: number[][] = [promptOf(1, 3)];
  const ask = async (): Promise<void> => {
    const begin = known[below(known.length)] ?? [];
    const prompt = [...begin.slice(0, 1 + below(begin.length)), ...promptOf(below(20), below(4))].slice(0, CONTEXT - 2);
    const maxTokens = 1 + below(30);
    const plain = reference(prompt, Math.min(maxTokens, CONTEXT - prompt.length), new Set());
    const eosTokenIds = new Set(random() < 0.3 ? [plain[below(plain.length)] ?? -1] : []);
    const leaveAfter = random() < 0.2 ? below(10) : Infinity;
    const errors = random() < 0.5 ? 0 : 0.1;
    const drafts = random() < 0.7 ? [new Oracle(() => random() < errors)] : [];
    const asked = request(prompt, { maxTokens, eosTokenIds, priority: below(3), drafts });
    try {
      const { ids, cached, finish } = await generate(it, asked, (count, stop) => {
        if (count >= leaveAfter) stop();
        return false;
      });
      assert.ok(cached < prompt.length);
      const expected = reference(prompt, plain.length, eosTokenIds);
      if (finish === "abort") assert.deepEqual(ids, expected.slice(0, ids.length));
      else assert.deepEqual([ids, finish], [expected, eosTokenIds.has(expected.at(-1) ?? -1) ? "stop" : "length"]);
      known.push([...prompt, ...ids]);
    } catch (error) {
      if (!(error instanceof Injected || error instanceof OutOfMemoryError)) throw error;
    }
  };
  const running: Promise<void>[] = [];
  for (let action = 0; action < ACTIONS; action++) {
    const chance = random();
    if (chance < 0.9) running.push(soon(ask(), "a request", 10_000));
    else if (chance < 0.93) scheduler.interrupt();
    else if (chance < 0.96) sequences.forget();
    if (random() < 0.5) await pause();
  }
  await Promise.all(running);
  await new Promise((resolve) => { setTimeout(resolve, 10); });
  sequences.forget();
  windows.forEach((_, group) => assert.equal(kv.kv_available(group), kv.kv_capacity(group), "every page is free again"));
}

for (const [slots, windows] of [[0, [null]], [4, [null]], [20, [null, 8]], [0, [null, 1, 20]]] as const) {
  test(`a step loop with ${slots === 0 ? "no" : slots} slots and windows of ${JSON.stringify(windows)} goes on, whatever comes when`, async (context) => {
    for (let round = 0; round < ROUNDS; round++) {
      const seed = round + 1000 * Number(process.env["SIMULATION_SEED"] ?? 1);
      try {
        await live(randomFrom(seed), slots, windows, round % 4 === 3);
      } catch (error) {
        context.diagnostic(`seed ${seed}`);
        throw error;
      }
    }
  });
}
