import assert from "node:assert/strict";
import { test } from "node:test";
import type { Constraint } from "../src/engine/constraint.ts";
import { ThinkingBudget } from "../src/engine/thinking_budget.ts";
import { fakeTokenizer } from "./fakes/engine.ts";
import { grammarsOf } from "./fakes/grammars.ts";
import { randomFrom } from "./fakes/random.ts";

const tokenizer = fakeTokenizer();

function budget(inner?: Constraint): ThinkingBudget {
  return new ThinkingBudget({
    format: { begin: "<think>", end: "</think>" }, budget: 9, isThinking: true, detokenizer: () => tokenizer.detokenizer(), encode: (text) => tokenizer.encodePart(text),
  }, inner);
}

test("a thought is closed when a grammar lets it be, which may want something else first", async () => {
  const grammars = grammarsOf(tokenizer, 300, [2]);
  const constraint = budget(await grammars.constraint({ kind: "grammar", grammar: 'root ::= [a-c]{12} [a-d]* "\\n</think>" "yes"', param: "grammar" }));
  const [letter = 0] = tokenizer.encodePart("b");
  for (let count = 0; count < 12; count++) {
    assert.deepEqual(constraint.forced(), [], `${count} letters`);
    constraint.accept(letter);
  }
  const closing = constraint.forced();
  assert.deepEqual(closing, tokenizer.encodePart("\n</think>"));
  for (const token of closing) constraint.accept(token);
  constraint.dispose();
});

test("a thought whose tokens were taken back is counted as if they had never come", () => {
  const random = randomFrom(4);
  const texts = ["well ", "so</think> yes", " é漢 ", "<think>", "</think>", "no"].map((text) => tokenizer.encodePart(text));
  const rolled = budget();
  const kept: number[] = [];
  for (let round = 0; round < 200; round++) {
    for (const token of texts[Math.floor(random() * texts.length)] ?? []) {
      rolled.accept(token);
      kept.push(token);
    }
    const back = Math.min(kept.length, Math.floor(random() * 6));
    rolled.rollback(back);
    kept.length -= back;
    const fresh = budget();
    for (const token of kept) fresh.accept(token);
    assert.deepEqual(rolled.forced(), fresh.forced(), `round ${round}`);
  }
});

test("a thought is closed behind a whole character, and at any rate soon", () => {
  const cheese = tokenizer.encodePart("\u{1f9c0}").slice(-4); // a token for each byte
  const [letter = 0] = tokenizer.encodePart("b");
  const closing = tokenizer.encodePart("\n</think>");
  const within = (count: number): Constraint => {
    const constraint = budget();
    for (let i = 0; i < 8; i++) constraint.accept(letter);
    for (const token of cheese.slice(0, count)) constraint.accept(token);
    return constraint;
  };
  assert.deepEqual([1, 2, 3, 4].map((count) => within(count).forced()), [[], [], [], closing]);
  const broken = within(0);
  for (let i = 0; i < 5; i++) {
    assert.deepEqual(broken.forced(), []);
    broken.accept(cheese[0] ?? -1);
  }
  assert.deepEqual(broken.forced(), closing);
});
