/** Completions of several prompts, and texts as tokens. */

import assert from "node:assert/strict";
import type { Completion, CompletionChunk } from "../src/api/openai/types.ts";
import { ContextWindowSizeExceededError, RequestValidationError } from "../src/support/errors.ts";
import { CONTEXT, MODEL, fakeTokenizer, inEachPlace } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { turns } from "./fakes/turns.ts";

const ASK = { temperature: 0, max_tokens: 4 } as const;

function texts({ choices }: Completion): string[] {
  return choices.map(({ index, text, finish_reason: end }, i) => {
    assert.deepEqual([index, end], [i, "length"]);
    return text;
  });
}

async function joined(stream: AsyncIterable<CompletionChunk>): Promise<string[]> {
  const joined: string[] = [];
  for await (const { choices } of stream) for (const { index, text } of choices) joined[index] = (joined[index] ?? "") + text;
  return joined;
}

inEachPlace((check) => {
  check("each of several prompts gives a choice, whole and in pieces, from texts as from tokens", async ({ client }) => {
    const prompts = ["Once", "Twice upon", "Never"];
    const alone = await Promise.all(prompts.map(async (prompt) => texts(await client.completions.create({ ...ASK, prompt }))[0]));
    const together = await client.completions.create({ ...ASK, prompt: prompts });
    assert.deepEqual(texts(together), alone);
    assert.equal(together.usage?.completion_tokens, 12);
    const tokens = await Promise.all(prompts.map((prompt) => client.tokenize(prompt)));
    assert.equal(together.usage.prompt_tokens, tokens.flat().length);
    assert.deepEqual(texts(await client.completions.create({ ...ASK, prompt: tokens })), alone);
    assert.deepEqual(await joined(await client.completions.create({ ...ASK, prompt: prompts, stream: true })), alone);
    const echoed = alone.map((text, i) => `${prompts[i]}${text}`);
    assert.deepEqual(texts(await client.completions.create({ ...ASK, prompt: prompts, echo: true })), echoed);
    assert.deepEqual(await joined(await client.completions.create({ ...ASK, prompt: tokens, echo: true, stream: true })), echoed);
  });

  check("where one of several prompts is refused, all are, and nothing runs on", async ({ client, engine }) => {
    const long = "x".repeat(CONTEXT);
    await assert.rejects(client.completions.create({ prompt: ["a", long], temperature: 0 }), fails(ContextWindowSizeExceededError, /tokens/));
    await assert.rejects(client.completions.create({ prompt: [[1], [1 << 20]] }), fails(RequestValidationError, /Token 1048576, at place 0/));
    const steps = async (): Promise<number> => {
      await turns(20);
      return engine.loaded[0]?.runner.calls.length ?? 0;
    };
    assert.equal(await steps(), await steps());
    assert.equal(texts(await client.completions.create({ ...ASK, prompt: "a" })).length, 1);
  });

  check("texts and messages are told as tokens, and back", async ({ client }) => {
    const text = "Käse, 🧀 and\n 42";
    assert.equal(await client.detokenize(await client.tokenize(text)), text);
    const messages = [{ role: "user", content: "hi" }] as const;
    const { usage } = await client.chatCompletion({ ...ASK, messages });
    assert.equal(await client.countTokens(messages), usage.prompt_tokens);
    assert.equal(await client.countTokens(text), (await client.tokenize(text, MODEL)).length);
    await assert.rejects(client.detokenize([1 << 20]), { name: "RequestValidationError", param: "tokens", message: /Token 1048576/ });
    await assert.rejects(client.completions.create({ ...ASK, prompt: [1 << 20], echo: true }), { param: "prompt" });
    await assert.rejects(client.embeddings.create({ input: [[1 << 20]] }), { param: "input" });
    await assert.rejects(client.detokenize([Number.NaN]), fails(RequestValidationError, /tokens\[0\] must be an integer/));
    await assert.rejects(client.tokenize("a", "another"), { code: "ModelNotFound" });
    assert.deepEqual([await client.tokenize(""), await client.countTokens("")], [[], 0]);
  });

  check("a suffix is for models that fill in", async (it) => {
    await assert.rejects(it.client.completions.create({ ...ASK, prompt: "a", suffix: "b" }), fails(RequestValidationError, /leave `suffix` out/));
    const [marks, end] = [["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"], "<|file_sep|>"];
    it.engine.tokenizer = fakeTokenizer({}, [...marks, end]);
    let said = 0;
    it.engine.prepare = (runner) => { runner.script = () => said; };
    await it.client.reload(MODEL);
    const ask = { ...ASK, prompt: "def f(", suffix: "return 1" } as const;
    const { usage } = await it.client.completions.create(ask);
    const parts = await Promise.all(["<|fim_prefix|>def f(<|fim_suffix|>return 1<|fim_middle|>", "<|fim_prefix|>"].map((text) => it.client.countTokens(text)));
    assert.equal(usage?.prompt_tokens, parts[0]);
    assert.ok((parts[1] ?? 9) <= 2, "a mark is one token");
    const long = "x".repeat(CONTEXT);
    await assert.rejects(it.client.completions.create({ ...ask, prompt: long }), fails(ContextWindowSizeExceededError, /tokens/));
    for (const mark of [marks[0], end]) { // what comes behind the last line that is filled in
      [said = 0] = (await it.client.tokenize(mark ?? "")).slice(-1);
      const { choices: [choice] } = await it.client.completions.create({ ...ask, context_overflow: "drop_oldest", prompt: long });
      assert.deepEqual([choice?.finish_reason, choice?.text], ["stop", ""]);
      assert.equal((await it.client.completions.create({ ...ASK, prompt: "def f(" })).choices[0]?.finish_reason, "length", "other answers may have it");
    }
  });
});
