import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf, type Album } from "../src/album.ts";
import { describeAll, type Card } from "../src/describe.ts";
import type { Describer } from "../src/engine.ts";
import { score } from "../src/search.ts";

function album(): Album & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return { kept, get: async (key) => kept.get(key), put: async (key, text) => { kept.set(key, text); } };
}

const told: string[] = [];
const card = (content: string, name = content): Card => (
  { picture: new File([content], name), say: (text, state) => { if (state !== "coming") told.push(`${name} ${state}: ${text}`); } });

test("each picture is described once, whatever it is called, and one that cannot be read keeps nobody", async () => {
  const asked: string[] = [];
  const model: Describer = {
    async describe(picture) {
      const text = await picture.text();
      asked.push(text);
      if (text === "broken") throw new Error("messages[0].content[0]: this is no picture");
      return `a ${text}`;
    },
  };
  const kept = album();
  await describeAll([card("cat"), card("broken"), card("dog"), card("cat", "again")], kept, model, new AbortController().signal);
  assert.deepEqual(asked, ["cat", "broken", "dog"]);
  assert.deepEqual(told, ["cat known: a cat", "broken failed: this is no picture", "dog known: a dog", "again known: a cat"]);
  assert.equal(kept.kept.get(await keyOf(new Blob(["dog"]))), "a dog");
});

test("stopping ends it, and keeps nothing of what was not said to its end", async () => {
  const controller = new AbortController();
  const model: Describer = {
    async describe(_picture, onText, signal) {
      onText("a b");
      controller.abort();
      signal.throwIfAborted();
      return "never";
    },
  };
  const kept = album();
  await assert.rejects(describeAll([card("cat"), card("dog")], kept, model, controller.signal), { name: "AbortError" });
  assert.equal(kept.kept.size, 0);
});

test("a search finds words, and words that begin so, in any order, with accents or without", () => {
  assert.equal(score("", "anything"), 1);
  assert.equal(score("cat red", "Two red cats on a café's table"), 1);
  assert.equal(score("cafe dog", "Two red cats on a café's table"), 0.5);
  assert.equal(score("bicycle", "a cat"), 0);
});
