// Layers with a window beside layers without: what is kept of the pages in front of it, and what is computed again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { generate, NO_EOS, promptOf, request, setup, type Setup } from "./fakes/generations.ts";
import { reference } from "./fakes/runner.ts";

const LONG = { contextLength: 512, prefillChunk: 16, maxPages: 512, windows: [null, 40] };

/** Asks for `count` tokens, which must be right. Returns how many of the prompt were known. */
async function ask(it: Setup, prompt: readonly number[], count = 30): Promise<number> {
  const { ids, cached } = await generate(it, request(prompt, { maxTokens: count }));
  assert.deepEqual(ids, reference(prompt, count, NO_EOS));
  return cached;
}

test("A, A, B, A: all but the last token is known, though windows there were left behind, and states in slots", async () => {
  for (const [kind, count] of [[LONG, 30], [{ ...LONG, windows: [null], slots: 64 }, 4]] as const) { // the fake keeps few states in slots
    const it = setup(kind);
    const [a, b] = [promptOf(100, 1), promptOf(90, 7)];
    const known: number[] = [];
    for (const prompt of [a, a, b, a, b]) known.push(await ask(it, prompt, count));
    assert.deepEqual(known, [0, 99, 0, 99, 89]);
  }
});

test("an edited message computes again what is behind the latest state before it", async () => {
  const it = setup({ ...LONG, prefillChunk: 96 });
  const first = promptOf(100, 1);
  const answered = [...first, ...reference(first, 30, NO_EOS)];
  await ask(it, first);
  const second = [...answered, ...promptOf(50, 3)];
  assert.equal(await ask(it, second), 129, "all but the token that was never put into the cache");
  assert.equal(await ask(it, [...answered, ...promptOf(60, 4)]), 130, "where the chat was gone on from, to the end of the page");
  assert.equal(await ask(it, [...first, ...promptOf(60, 5)]), 100, "the end of a prompt");
  assert.equal(await ask(it, [...first.slice(0, 50), ...promptOf(60, 6)]), 0, "nothing was kept there");
  assert.equal(await ask(it, second), 179);
});

test("a conversation as long as the context takes no more pages of a window than are told", async () => {
  const it = setup(LONG);
  await ask(it, promptOf(200, 2), 312);
  assert.deepEqual([it.kv.kv_capacity(0), it.runner.shape.groups.map(({ pages }) => pages)], [128, [128, 48]]);
  assert.ok(it.kv.kv_capacity(1) <= 48);
});

test("where a window's pool is full, states that are kept go before conversations that wait", async () => {
  const it = setup({ ...LONG, maxPages: 128 });
  const chats = [1, 2, 3].map((seed) => promptOf(100, seed));
  for (const chat of chats) await ask(it, chat);
  const { pages = 0 } = it.runner.shape.groups[1] ?? {};
  assert.equal(it.kv.kv_capacity(1), pages);
  for (const chat of chats) assert.ok(await ask(it, [...chat, ...reference(chat, 30, NO_EOS), 5]) === 129);
  assert.equal(it.kv.kv_capacity(1), pages);
});

test("several conversations at once make a window's pool grow", async () => {
  const it = setup({ ...LONG, rows: 8 });
  const chats = Array.from({ length: 8 }, (_, seed) => promptOf(90, seed));
  await Promise.all(chats.map((chat) => ask(it, chat, 60)));
  assert.ok(it.kv.kv_capacity(1) > (it.runner.shape.groups[1]?.pages ?? Infinity));
});

test("where long sequences are computed otherwise, one that becomes long is computed again, and none begins with what the other kind holds", async () => {
  const it = setup({ contextLength: 256, prefillChunk: 16, maxPages: 256, longestAlike: 48 });
  const short = promptOf(30, 1);
  assert.equal(await ask(it, short, 18), 0);
  assert.equal(it.runner.calls.filter((call) => call === "prefill 16").length, 1, "up to 48 tokens it is a short one");
  const long = promptOf(60, 2);
  assert.deepEqual([await ask(it, short, 40), await ask(it, long, 10), await ask(it, long, 10)], [29, 0, 59]);
  assert.equal(await ask(it, [...short, ...reference(short, 40, NO_EOS), 4]), 69, "where the long one ended");
  assert.equal(await ask(it, long.slice(0, 40)), 0, "which is short, and becomes long");
  assert.equal(await ask(it, long.slice(0, 40)), 39);
});

test("what prompts begin with is computed twice, and then kept where they part, in windows and in slots", async () => {
  for (const kind of [{ windows: [null, 40] }, { slots: 64 }]) {
    const it = setup({ ...LONG, prefillChunk: 96, ...kind });
    const system = promptOf(201, 1);
    const asked = (seed: number): number[] => [...system, 50 + seed, ...promptOf(40, seed)];
    for (const seed of [1, 2]) await ask(it, asked(seed), 4);
    assert.deepEqual([await ask(it, asked(3), 4), await ask(it, asked(4), 4)], [201, 201]);
  }
});
