/** Models that make vectors of texts and do nothing else, in this thread and in a worker. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutEnd } from "../src/engine/embedding.ts";
import type { EmbeddingFacts } from "../src/storage/embedding_facts.ts";
import { ContextWindowSizeExceededError, RequestValidationError } from "../src/support/errors.ts";
import { MODEL, PLACES, soon, type Setup } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";

const MOST = 40;
const FACTS: EmbeddingFacts = {
  pooling: "mean", whole: true, maxTokens: MOST, prompts: new Map([["query", "find: "], ["document", "text: "]]), defaultPrompt: undefined,
};
const LONG = "many words, more than a chunk of a prompt takes";

/** With a model that has no decode step. */
async function withModel(embedding: EmbeddingFacts, work: (it: Setup) => Promise<void>): Promise<void> {
  for (const make of Object.values(PLACES)) {
    const it = make();
    it.engine.embeds = embedding;
    it.engine.rowCounts = [];
    await it.client.reload(MODEL);
    await soon(work(it));
  }
}

function calls({ engine }: Setup): string[] {
  return engine.loaded.at(-1)?.runner.calls.splice(0) ?? [];
}

test("a text comes in one call, whatever came before it", () => withModel(FACTS, async (it) => {
  const count = (await it.client.tokenize(LONG)).length;
  assert.ok(count > 16); // a chunk of others
  const vectors: string[][] = [];
  for (let i = 0; i < 3; i++) vectors.push((await it.client.embeddings.create({ input: [LONG, "a"] })).data.map(({ embedding }) => String(embedding)));
  const short = (await it.client.tokenize("a")).length;
  assert.deepEqual(calls(it), Array.from({ length: 3 }, () => [`encode ${count}`, `encode ${short}`]).flat());
  assert.deepEqual(vectors[1], vectors[0]);
  assert.deepEqual(vectors[2], vectors[0]);
  const many = await it.client.embeddings.create({ input: Array(30).fill(LONG) });
  assert.ok(many.data.every(({ embedding }) => String(embedding) === vectors[0]?.[0]));
}));

test("texts come several in a call, each with the vector that it has alone", () => withModel(FACTS, async (it) => {
  const texts = ["a", "bc", LONG, "def", "g", "hij", "a", "kl", "m"];
  const vectors = async (): Promise<string[]> => (await it.client.embeddings.create({ input: texts })).data.map(({ embedding }) => String(embedding));
  const one = await vectors();
  calls(it);
  it.engine.mostTexts = 3;
  await it.client.reload(MODEL);
  assert.deepEqual(await vectors(), one);
  assert.deepEqual(calls(it), ["encode 1+2+33", "encode 3+1+3", "encode 1+2+1"]);
}));

test("a model that sees what is before goes on from what the cache has", () => withModel({ ...FACTS, pooling: "last", whole: false }, async (it) => {
  assert.equal((await it.client.tokenize(LONG)).length, 33);
  await it.client.embeddings.create({ input: LONG });
  await it.client.embeddings.create({ input: LONG });
  assert.deepEqual(calls(it), ["encode 16", "encode 16", "encode 1", "encode 1"]);
}));

test("a prompt comes before texts: the one that is named, or the model's own", () => withModel(FACTS, async (it) => {
  const usage = async (input: string, prompt_name?: string): Promise<number> => (await it.client.embeddings.create({ input, prompt_name })).usage.prompt_tokens;
  const tokens = async (text: string): Promise<number> => (await it.client.tokenize(text)).length;
  assert.equal(await usage("a cat"), await tokens("a cat"));
  assert.equal(await usage("a cat", "query"), await tokens("find: a cat"));
  await assert.rejects(usage("a", "title"), fails(RequestValidationError, /prompt_name is "title", and this model has only "query", "document"/));
  await assert.rejects(it.client.embeddings.create({ input: [1, 2], prompt_name: "query" }), fails(RequestValidationError, /needs texts/));
  it.engine.embeds = { ...FACTS, defaultPrompt: "document" };
  await it.client.reload(MODEL);
  assert.equal(await usage("a cat"), await tokens("text: a cat"));
}));

test("a text that is too long is refused, or loses its end", () => withModel(FACTS, async (it) => {
  const input = "x".repeat(MOST);
  assert.equal((await it.client.embeddings.create({ input: "x".repeat(MOST - 2) })).data.length, 1);
  await assert.rejects(it.client.embeddings.create({ input: `${input}xx` }), fails(ContextWindowSizeExceededError, /this model takes 40/));
  assert.equal((await it.client.embeddings.create({ input: `${input}xx`, truncate: true })).usage.prompt_tokens, MOST);
}));

test("what a tokenizer puts around a text stays where its end is left out", () => {
  assert.deepEqual(withoutEnd([101, 7, 8, 9, 102], [7, 8, 9], 4), [101, 7, 8, 102]);
  assert.deepEqual(withoutEnd([7, 8, 9, 5], [7, 8, 9], 3), [7, 8, 5]);
  assert.deepEqual(withoutEnd([7, 8, 9], [7, 8, 9], 2), [7, 8]);
});

test("it does not write, and pools as it was made to", () => withModel(FACTS, async (it) => {
  const refused = fails(RequestValidationError, /makes vectors of texts and does not write: use engine.embeddings.create/);
  await assert.rejects(it.client.chat.completions.create({ messages: [{ role: "user", content: "hi" }] }), refused);
  await assert.rejects(it.client.completions.create({ prompt: "hi" }), refused);
  await assert.rejects(it.client.embeddings.create({ input: "a", pooling: "last" }), fails(RequestValidationError, /made for "mean"/));
  assert.equal((await it.client.embeddings.create({ input: "a", pooling: "mean" })).data.length, 1);
}));
