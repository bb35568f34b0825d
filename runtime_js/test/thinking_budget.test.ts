import assert from "node:assert/strict";
import { test } from "node:test";
import { ThinkingBudget } from "../src/engine/thinking_budget.ts";
import { fakeTokenizer } from "./fakes/engine.ts";
import { randomFrom } from "./fakes/random.ts";

const tokenizer = fakeTokenizer();

function budget(): ThinkingBudget {
  return new ThinkingBudget({
    format: { begin: "<think>", end: "</think>" }, budget: 9, isThinking: true, detokenizer: () => tokenizer.detokenizer(), encode: (text) => tokenizer.encodePart(text),
  }, undefined);
}

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
