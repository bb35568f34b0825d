// Prompts and answers that are longer than the context.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SINKS, cut, roomForPrompt, shortened, withoutMiddle, withoutOldest } from "../src/engine/overflow.ts";
import { ContextWindowSizeExceededError } from "../src/support/errors.ts";
import { CONTEXT, MODEL, PLACES, soon } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { generate, promptOf, request, setup } from "./fakes/generations.ts";
import { nextToken } from "./fakes/runner.ts";

const said = (roles: string): { role: string; content: string }[] =>
  [...roles].map((letter, i) => ({ role: { s: "system", u: "user", a: "assistant", t: "tool" }[letter] ?? "", content: String(i) }));
const numbers = (roles: string, overflow: "drop_oldest" | "truncate_middle"): string[] =>
  [...shortened(said(roles), overflow)].map((messages) => messages.map(({ content }) => content).join(" "));

test("whole turns are left out, from the oldest on, and neither the system's message nor the last turn", () => {
  assert.deepEqual(numbers("suauatau", "drop_oldest"), ["0 3 4 5 6 7", "0 7"]);
  assert.deepEqual(numbers("suauatau", "truncate_middle"), ["0 1 2 7"]);
  assert.deepEqual(numbers("su", "drop_oldest"), []);
  assert.deepEqual(numbers("uau", "truncate_middle"), []);
  assert.deepEqual([...shortened(said("uauau"), "error")], []);
  const long = "ua".repeat(39) + "u";
  const lengths = [...shortened(said(long), "drop_oldest")].map(({ length }) => length);
  assert.deepEqual(lengths, [63, 47, 31, 15, 7, 3, 1], "in steps, so that the next turns begin alike, and no more than must be");
});

test("of a message the middle goes, and no half of a character stays", () => {
  const of = (content: string, characters: number): string | undefined => withoutMiddle([{ role: "system", content: "s".repeat(99) }, { role: "user", content }], characters)?.[1]?.content;
  assert.equal(of("0123456789abcdefghij", 9), "012\n[…]\nhij");
  assert.equal(of("🦙".repeat(10), 8), "🦙\n[…]\n🦙");
  assert.equal(of("short", 1), undefined);
});

test("where one message is not enough the longest of them lose their middles, and are equally long then", () => {
  const messages = [["system", 99], ["user", 30], ["assistant", 8], ["tool", 40], ["user", 20]].map(([role, length]) => ({ role: String(role), content: "x".repeat(Number(length)) }));
  const lengths = (characters: number): number[] | undefined => withoutMiddle(messages, characters)?.map(({ content }) => content.length);
  assert.deepEqual(lengths(9), [99, 30, 8, 31, 20]);
  assert.deepEqual(lengths(30), [99, 19, 8, 19, 20]);
  assert.deepEqual(lengths(60), [99, 9, 8, 9, 9]);
  assert.equal(lengths(98), undefined);
});

test("what is left of an answer beyond the context is the same at once as token by token", () => {
  for (const context of [16, 17, 32]) {
    const known: number[] = [];
    for (let token = 0; token < 5 * context; token++) {
      known.push(token);
      if (known.length > context) known.splice(SINKS, known.length - (context >> 1));
      assert.deepEqual(withoutOldest(Array.from({ length: token + 1 }, (_, i) => i), context), known);
    }
  }
});

test("of a text the oldest tokens go but the first few, in steps, or its middle", () => {
  const tokens = Array.from({ length: 100 }, (_, i) => i);
  const dropped = cut(tokens, "drop_oldest", 40);
  assert.deepEqual([dropped.slice(0, SINKS + 1), dropped.at(-1), dropped.length], [[0, 1, 2, 3, 64], 99, 40]);
  assert.deepEqual(cut([...tokens, 100, 101], "drop_oldest", 40).slice(0, 20), [0, 1, 2, 3, ...Array.from({ length: 16 }, (_, i) => 74 + i)]);
  const middle = cut(tokens, "truncate_middle", 40);
  assert.deepEqual([middle.length, middle[19], middle[20], middle.at(-1)], [40, 19, 80, 99]);
  assert.deepEqual([roomForPrompt(100, Infinity), roomForPrompt(100, 10)], [75, 90]);
});

test("an answer goes on beyond the context from its beginning and its newest half, also beside others and ahead of the CPU", async () => {
  const it = setup({ contextLength: 32, prefillChunk: 8, maxPages: 64, rows: 4 });
  const expected = (prompt: readonly number[], count: number): number[] => {
    const tokens = [...prompt];
    return Array.from({ length: count }, () => {
      if (tokens.length > 32) tokens.splice(SINKS, tokens.length - 16);
      const next = nextToken(tokens);
      tokens.push(next);
      return next;
    });
  };
  const prompts = [promptOf(20, 1), promptOf(31, 2), promptOf(5, 3)];
  const answers = await Promise.all(prompts.map((prompt, i) => generate(it, request(prompt, { maxTokens: 100 + i, shifts: i !== 2 }))));
  assert.deepEqual(answers.map(({ ids }) => ids), [expected(prompts[0] ?? [], 100), expected(prompts[1] ?? [], 101), expected(prompts[2] ?? [], 27)]);
  assert.deepEqual(answers.map(({ finish }) => finish), ["length", "length", "length"]);
});

for (const [place, make] of Object.entries(PLACES)) {
  test(`${place}: a chat that is too long is refused with both numbers, or answered without its oldest turns`, async () => {
    const { client } = make();
    await client.reload(MODEL);
    const turn = (i: number): { role: "user" | "assistant"; content: string } => ({ role: i % 2 === 0 ? "user" : "assistant", content: `${i} ${"x".repeat(40)}` });
    const messages = [{ role: "system" as const, content: "Be brief." }, ...Array.from({ length: 21 }, (_, i) => turn(i))];
    const ask = { messages, temperature: 0, max_tokens: 8 };
    const refused = client.chatCompletion(ask);
    await assert.rejects(refused, fails(ContextWindowSizeExceededError, new RegExp(`has \\d+ tokens, the context window ${CONTEXT}.*drop_oldest`)));
    const { usage, choices } = await client.chatCompletion({ ...ask, context_overflow: "drop_oldest" });
    assert.ok(usage.prompt_tokens <= CONTEXT - 8 && usage.prompt_tokens > CONTEXT / 4, `${usage.prompt_tokens} tokens`);
    const kept = [...shortened(messages, "drop_oldest")].map((shorter) => client.countTokens(shorter));
    assert.ok((await Promise.all(kept)).includes(usage.prompt_tokens), "whole turns are left out");
    assert.equal(choices[0]?.finish_reason, "length");
    for (const content of ["y".repeat(2 * CONTEXT), "I am. ".repeat(40 * CONTEXT), "🦙é".repeat(CONTEXT)]) {
      for (const more of [[], [turn(0), turn(1)]]) {
        const long = { ...ask, messages: [...more, { role: "user" as const, content }] };
        await assert.rejects(client.chatCompletion({ ...long, context_overflow: "drop_oldest" }),
          fails(ContextWindowSizeExceededError, /and what is never left out is too long as well.*truncate_middle/));
        const { usage: { prompt_tokens: told } } = await client.chatCompletion({ ...long, context_overflow: "truncate_middle" });
        assert.ok(told <= CONTEXT - 8 && told > CONTEXT / 2, `${told} tokens`);
      }
    }
    const documents = ["a", "b", "c"].map((letter, i) => ({ role: i === 1 ? "assistant" as const : "user" as const, content: letter.repeat(2 * CONTEXT) }));
    const { usage: { prompt_tokens: several } } = await client.chatCompletion({ ...ask, messages: documents, context_overflow: "truncate_middle" });
    assert.ok(several <= CONTEXT - 8 && several > CONTEXT / 2, `${several} tokens`);
    const text = await client.completions.create({ prompt: "z".repeat(3 * CONTEXT), temperature: 0, max_tokens: 4, context_overflow: "truncate_middle" });
    assert.equal(text.usage?.prompt_tokens, CONTEXT - 4);
    const endless = await soon(client.completions.create({ prompt: "once", temperature: 0, max_tokens: 2 * CONTEXT, context_overflow: "drop_oldest" }), "a shift", 8000);
    assert.equal(endless.usage?.completion_tokens, 2 * CONTEXT);
  });
}
