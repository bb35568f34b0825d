/** What the `openai` package's client and types and this engine make of each other. Types are tested by compiling this file. */

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { createFetch } from "../src/api/openai/fetch.ts";
import type {
  ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionRequest, Completion,
} from "../src/api/openai/types.ts";
import type { MLCEngineInterface } from "../src/api/types.ts";
import { MODEL, PLACES, soon } from "./fakes/engine.ts";

/** An answer but for the ending that OpenAI's server does not know, and in a continued text the one that only pieces have. */
type Ended<T extends { choices: { finish_reason: unknown }[] }, No> = Omit<T, "choices"> & {
  choices: (Omit<T["choices"][number], "finish_reason"> & { finish_reason: Exclude<T["choices"][number]["finish_reason"], No> })[];
};

type Fits<From extends To, To> = From;
export type Types = [
  Fits<Ended<ChatCompletion, "abort">, OpenAI.ChatCompletion>,
  Fits<Ended<ChatCompletionChunk, "abort">, OpenAI.ChatCompletionChunk>,
  Fits<Ended<Completion, "abort" | null>, OpenAI.Completion>,
  Fits<ChatCompletion["choices"][number]["message"], OpenAI.ChatCompletionMessage>,
  Fits<OpenAI.ChatCompletionCreateParams, ChatCompletionRequest>,
  Fits<OpenAI.ChatCompletionMessageParam, ChatCompletionMessageParam>,
  Fits<OpenAI.ChatCompletionMessage, ChatCompletionMessageParam>,
];

/** The client's own requests are the engine's, whole or streamed. */
export async function answers(engine: MLCEngineInterface, whole: OpenAI.ChatCompletionCreateParamsNonStreaming, pieces: OpenAI.ChatCompletionCreateParamsStreaming): Promise<string> {
  let text = (await engine.chat.completions.create(whole)).choices[0]?.message.content ?? "";
  for await (const { choices } of await engine.chat.completions.create(pieces)) text += choices[0]?.delta.content ?? "";
  return text;
}

const ASK = { model: MODEL, messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 5 } as const satisfies OpenAI.ChatCompletionCreateParams;

for (const [place, make] of Object.entries(PLACES)) {
  const check = (name: string, work: (client: OpenAI, engine: ReturnType<typeof make>) => Promise<void>): void => {
    test(`${place}: ${name}`, async () => {
      const it = make();
      await it.client.reload(MODEL);
      await soon(work(new OpenAI({ apiKey: "-", dangerouslyAllowBrowser: true, fetch: createFetch(it.client) }), it), name);
    });
  };

  check("the client gets an answer, whole and in pieces, and its message goes back as it came", async (client) => {
    const { choices: [first], usage } = await client.chat.completions.create(ASK);
    assert.ok(first !== undefined && first.message.content !== "" && usage?.completion_tokens === 5);
    const stream = client.chat.completions.stream(ASK);
    const message = (await stream.finalChatCompletion()).choices[0]?.message;
    assert.equal(message?.content, first.message.content);
    for (const answer of [first.message, message]) {
      const more = await client.chat.completions.create({ ...ASK, messages: [...ASK.messages, answer, { role: "user", content: "more" }] });
      assert.equal(more.usage?.completion_tokens, 5);
    }
    const text = await client.completions.create({ model: MODEL, prompt: ["Once"], max_tokens: 4 });
    assert.equal(text.usage?.completion_tokens, 4);
  });

  check("what is refused is the client's own error, at once", async (client) => {
    for (const stream of [false, true]) {
      const refused = client.chat.completions.create({ ...ASK, stream, temperature: 3 });
      await assert.rejects(refused, (error) => error instanceof OpenAI.BadRequestError && error.param === "temperature");
      await assert.rejects(client.chat.completions.create({ ...ASK, stream, model: "gpt-4" }), OpenAI.NotFoundError);
    }
  });

  check("a stream that the client aborts ends without an error, and so does its generation", async (client, { engine }) => {
    const stream = await client.chat.completions.create({ ...ASK, max_tokens: 200, stream: true });
    let pieces = 0;
    for await (const _ of stream) if (++pieces === 3) stream.controller.abort();
    const controller = new AbortController();
    const other = await client.chat.completions.create({ ...ASK, max_tokens: 200, stream: true }, { signal: controller.signal });
    pieces = 0;
    for await (const _ of other) if (++pieces === 3) controller.abort();
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    const calls = engine.loaded[0]?.runner.calls.length ?? 0;
    assert.ok(calls < 200, `${calls} steps`);
    assert.equal((await client.chat.completions.create(ASK)).usage?.completion_tokens, 5);
  });
}
