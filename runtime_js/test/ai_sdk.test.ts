// The AI SDK's own functions on the engine's provider.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DirectChatTransport, ToolLoopAgent, embedMany, generateObject, generateText, jsonSchema, stepCountIs, streamText, tool, type UIMessageChunk } from "ai";
import { createLocal } from "../src/adapters/ai_sdk/index.ts";
import { MODEL, PLACES, soon } from "./fakes/engine.ts";
import { saying } from "./fakes/saying.ts";

type Local = ReturnType<typeof createLocal>;

const CALL = "Well.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";
const QUESTION = "How is the weather in Rome?";

const asked: unknown[] = [];
const weather = tool({
  description: "The weather of a city",
  inputSchema: jsonSchema<{ city: string }>({ type: "object", properties: { city: { type: "string" } }, required: ["city"] }),
  execute: async (input) => { asked.push(input); return { sky: "sun" }; },
});

for (const [place, make] of Object.entries(PLACES)) {
  const check = (name: string, texts: readonly string[], work: (local: Local) => Promise<void>): void => {
    test(`${place}: ${name}`, async () => {
      asked.length = 0;
      await soon(work(createLocal((await saying(make, texts)).client)), name, 20_000);
    });
  };

  check("texts, thoughts, usage and ends", ["<think>Let me see.</think>Sunny.", "<think>Let me see.</think>Sunny.", "Sunny."], async (local) => {
    const { text, reasoningText, usage, finishReason, response } = await generateText({ model: local(MODEL), system: "Be brief.", prompt: QUESTION });
    assert.deepEqual([text, reasoningText, finishReason, response.modelId], ["Sunny.", "Let me see.", "stop", MODEL]);
    assert.ok((usage.inputTokens ?? 0) > 3 && (usage.outputTokens ?? 0) > (usage.outputTokenDetails.reasoningTokens ?? 0));
    const [parts, raw]: [string[], unknown[]] = [[], []];
    const stream = streamText({ model: local.languageModel(MODEL), prompt: QUESTION, include: { rawChunks: true } });
    for await (const part of stream.fullStream) {
      if (part.type === "raw") raw.push(part.rawValue);
      else if (parts.at(-1) !== part.type) parts.push(part.type);
    }
    assert.deepEqual(raw.map((piece) => Reflect.get(Object(piece), "object")), raw.map(() => "chat.completion.chunk"));
    assert.ok(raw.length > 3);
    assert.deepEqual(parts, ["start", "start-step", "reasoning-start", "reasoning-delta", "reasoning-end", "text-start", "text-delta", "text-end", "finish-step", "finish"]);
    assert.deepEqual([await stream.text, await stream.reasoningText], ["Sunny.", "Let me see."]);
    assert.equal((await generateText({ model: local(MODEL), prompt: QUESTION, maxOutputTokens: 1 })).finishReason, "length");
  });

  check("tools, whole and streamed", [CALL, "Sunny in Rome.", CALL, "Sunny in Rome."], async (local) => {
    const options = { model: local(MODEL), prompt: QUESTION, tools: { weather }, stopWhen: stepCountIs(3) };
    const { text, steps } = await generateText(options);
    assert.deepEqual([text, steps.length, steps[0]?.text, steps[0]?.toolResults[0]?.output], ["Sunny in Rome.", 2, "Well.", { sky: "sun" }]);
    const stream = streamText(options);
    const parts: string[] = [];
    for await (const { type } of stream.fullStream) if (type.startsWith("tool") && parts.at(-1) !== type) parts.push(type);
    assert.equal(await stream.text, "Sunny in Rome.");
    assert.deepEqual(parts, ["tool-input-start", "tool-input-delta", "tool-input-end", "tool-call", "tool-result"]);
    assert.deepEqual(asked, [{ city: "Rome" }, { city: "Rome" }]);
  });

  test(`${place}: objects by a schema`, async () => {
    const it = make();
    it.engine.prepare = (runner) => { runner.vocabulary = 300; }; // all of the tokenizer's
    await it.client.reload(MODEL);
    const local = createLocal(it.client);
    const { object } = await generateObject({ model: local(MODEL), prompt: QUESTION, schema: jsonSchema<{ city: string }>({ type: "object", properties: { city: { enum: ["Rome"] } }, required: ["city"], additionalProperties: false }) });
    assert.deepEqual(object, { city: "Rome" });
  });

  check("vectors", [], async (local) => {
    const { embeddings, usage } = await embedMany({ model: local.embeddingModel(MODEL), values: ["a", "b"] });
    assert.deepEqual([embeddings.map(({ length }) => length), usage.tokens > 0], [[4, 4], true]);
  });

  check("a chat of the page's own, as useChat asks for one", [CALL, "Sunny in Rome."], async (local) => {
    const transport = new DirectChatTransport({ agent: new ToolLoopAgent({ model: local(MODEL), tools: { weather } }) });
    const message = { id: "1", role: "user" as const, parts: [{ type: "text" as const, text: QUESTION }] };
    const stream = await transport.sendMessages({ trigger: "submit-message", chatId: "1", messageId: undefined, messages: [message], abortSignal: undefined });
    let text = "";
    const reader: ReadableStreamDefaultReader<UIMessageChunk> = stream.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) if (next.value.type === "text-delta") text += next.value.delta;
    assert.equal(text, "Well.Sunny in Rome.");
  });

  check("what cannot be done is said, and an abort ends an answer", ["Sunny. ".repeat(40), "Sunny."], async (local) => {
    const picture = { role: "user" as const, content: [{ type: "file" as const, mediaType: "image/png", data: new Uint8Array(1) }] };
    await assert.rejects(generateText({ model: local(MODEL), messages: [picture], maxRetries: 0 }), /is a picture, and the model "toy" reads text alone/);
    await assert.rejects(generateText({ model: local(MODEL), prompt: QUESTION, temperature: 9, maxRetries: 0 }), /temperature must be a number from 0 to 2/);
    await assert.rejects(generateText({ model: local("nobody"), prompt: QUESTION, maxRetries: 0 }), /"nobody"/);
    const controller = new AbortController();
    let pieces = 0;
    const stream = streamText({ model: local(MODEL), prompt: QUESTION, abortSignal: controller.signal, onError: () => undefined });
    for await (const part of stream.fullStream) {
      if (part.type === "text-delta" && ++pieces === 2) controller.abort();
      if (part.type === "abort") return;
    }
    assert.fail("it went on");
  });
}
