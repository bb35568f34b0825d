/** Several answers to one prompt. */

import assert from "node:assert/strict";
import { QueueFullError, RequestValidationError } from "../src/support/errors.ts";
import { inEachPlace } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { turns } from "./fakes/turns.ts";

const ASK = { messages: [{ role: "user", content: "tell me a story, and make it a long one" }], temperature: 0, max_tokens: 6 } as const;

inEachPlace((check) => {
  check("choices share the prompt, which counts once, and each has its own end, whole and in pieces", async ({ client, engine }) => {
    const n = 6; // more than run at a time
    const together = await client.chatCompletion({ ...ASK, n });
    const calls = engine.loaded[0]?.runner.calls ?? [];
    const computed = calls.reduce((sum, call) => sum + Number(/^prefill (\d+)/.exec(call)?.[1] ?? 0), 0);
    assert.equal(computed, together.usage.prompt_tokens);
    await client.resetChat();
    const alone = await client.chatCompletion(ASK);
    assert.deepEqual(together.choices, Array.from({ length: n }, (_, index) => ({ ...alone.choices[0], index })));
    assert.equal(together.usage.prompt_tokens, alone.usage.prompt_tokens);
    assert.equal(together.usage.completion_tokens, n * alone.usage.completion_tokens);
    const texts = Array.from({ length: n }, () => "");
    const ends = new Map<number, string>();
    for await (const { choices: [choice] } of await client.chatCompletion({ ...ASK, n, stream: true })) {
      if (choice === undefined) continue;
      assert.ok(!ends.has(choice.index), "nothing comes behind a choice's end");
      texts[choice.index] += choice.delta.content ?? "";
      if (choice.finish_reason !== null) ends.set(choice.index, choice.finish_reason);
    }
    assert.deepEqual(texts, Array.from({ length: n }, () => alone.choices[0]?.message.content));
    assert.equal(ends.size, n);
  });

  check("each of several prompts has its choices, one prompt after the other, with its own beginning", async ({ client }) => {
    const prompt = ["Once", "Twice upon"];
    const alone = await client.completions.create({ prompt, temperature: 0, max_tokens: 4, echo: true });
    const { choices, usage } = await client.completions.create({ prompt, temperature: 0, max_tokens: 4, echo: true, n: 2 });
    assert.deepEqual(choices.map(({ text }) => text), [0, 0, 1, 1].map((i) => alone.choices[i]?.text));
    assert.equal(usage?.prompt_tokens, alone.usage?.prompt_tokens);
    await assert.rejects(client.completions.create({ prompt, n: 65 }), fails(RequestValidationError, /130; at most 128/));
  });

  check("leaving a stream ends all of its choices, a full queue refuses all, and a priority is checked", async ({ client, engine }) => {
    const { max_tokens: _, ...endless } = ASK;
    for await (const { choices: [choice] } of await client.chatCompletion({ ...endless, n: 3, stream: true })) if (choice?.delta.content) break;
    await turns(20);
    const steps = engine.loaded[0]?.runner.calls.length;
    await turns(20);
    assert.equal(engine.loaded[0]?.runner.calls.length, steps);
    const asked = [1, 2, 3].map(() => client.chatCompletion({ ...ASK, n: 128 }));
    const settled = await Promise.allSettled(asked);
    assert.deepEqual(settled.map(({ status }) => status), ["fulfilled", "fulfilled", "rejected"]);
    assert.ok(settled[2]?.status === "rejected" && settled[2].reason instanceof QueueFullError);
    await assert.rejects(client.chatCompletion(ASK, { priority: 10 }), RequestValidationError);
    assert.equal((await client.chatCompletion(ASK, { priority: 9 })).choices.length, 1);
  });
}, 20_000);
