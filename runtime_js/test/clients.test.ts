/** What programs use that speak to OpenAI's server, against the engine: the openai client, Vercel's AI SDK, LangChain. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool as langchainTool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { embedMany, generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { toResponseInputItems } from "openai/lib/responses/ResponseInputItems";
import { z } from "zod";
import { createFetch } from "../src/api/openai/fetch.ts";
import { MODEL, PLACES, soon, type Setup } from "./fakes/engine.ts";
import { saying } from "./fakes/saying.ts";

const BASE = "https://engine.example/v1";
const CALL = "Well.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";
const PARAMETERS = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const;
const QUESTION = "How is the weather in Rome?";
const PATIENCE = 20_000;

interface Clients {
  readonly it: Setup;
  readonly serve: typeof fetch;
  readonly openai: OpenAI;
}

for (const [place, make] of Object.entries(PLACES)) {
  const check = (name: string, texts: readonly string[], work: (clients: Clients) => Promise<void>): void => {
    test(`${place}: ${name}`, async () => {
      const it = await saying(make, texts);
      const serve = createFetch(it.client);
      const openai = new OpenAI({ apiKey: "-", baseURL: BASE, dangerouslyAllowBrowser: true, fetch: serve, maxRetries: 0 });
      await soon(work({ it, serve, openai }), name, PATIENCE);
    });
  };

  check("openai: models, texts, vectors and responses, whole and streamed", ["Sunny.", "Sunny.", "Sunny.", "Cloudy."], async ({ openai, it }) => {
    const ids: string[] = [];
    for await (const { id } of openai.models.list()) ids.push(id);
    assert.deepEqual([ids, (await openai.models.retrieve(MODEL)).id], [[MODEL], MODEL]);
    await assert.rejects(openai.models.retrieve("a/b"), OpenAI.NotFoundError);
    const { data } = await openai.embeddings.create({ model: MODEL, input: ["a", "b"] });
    assert.deepEqual(data.map(({ embedding }) => embedding.length), [4, 4]);
    const whole = await openai.responses.create({ model: MODEL, input: QUESTION, instructions: "Be brief.", reasoning: { effort: "low" } });
    assert.deepEqual([whole.output_text, whole.status, whole.output[0]?.type], ["Sunny.", "completed", "message"]);
    const again = await openai.responses.create({ model: MODEL, input: [{ role: "user", content: QUESTION }, ...toResponseInputItems(whole.output), { role: "user", content: "Sure?" }] });
    assert.equal(again.output_text, "Sunny.");
    const stream = openai.responses.stream({ model: MODEL, input: QUESTION });
    const kinds: string[] = [];
    for await (const { type } of stream) kinds.push(type);
    const final = await stream.finalResponse();
    assert.deepEqual([final.output_text, kinds[0], kinds.at(-1)], ["Sunny.", "response.created", "response.completed"]);
    assert.ok((final.usage?.output_tokens ?? 0) > 1);
    await assert.rejects(openai.responses.create({ model: MODEL, input: "x".repeat(900) }), (error) =>
      error instanceof OpenAI.BadRequestError && error.code === "context_length_exceeded");
    await it.client.unload();
    await assert.rejects(openai.responses.create({ model: MODEL, input: QUESTION }), OpenAI.ConflictError);
  });

  check("openai: responses think and call tools, and go on with what those said", [`<think>\nHm\n</think>\n\n${CALL}`, `<think>\nHm\n</think>\n\n${CALL}`, "Sunny."], async ({ openai }) => {
    const tools: OpenAI.Responses.FunctionTool[] = [{ type: "function", name: "weather", parameters: { ...PARAMETERS }, strict: false }];
    const request = { model: MODEL, input: [{ role: "user" as const, content: QUESTION }], tools };
    const whole = await openai.responses.create(request);
    assert.deepEqual(whole.output.map(({ type }) => type), ["reasoning", "message", "function_call"]);
    const stream = openai.responses.stream(request);
    let pieces = "";
    for await (const event of stream) if (event.type === "response.function_call_arguments.delta") pieces += event.delta;
    const { output } = await stream.finalResponse();
    const call = output.find((item) => item.type === "function_call");
    assert.deepEqual([call?.name, call?.arguments, pieces], ["weather", "{\"city\": \"Rome\"}", call?.arguments]);
    const said = { type: "function_call_output" as const, call_id: call?.call_id ?? "", output: "sun" };
    const input: OpenAI.Responses.ResponseInput = [...request.input, ...toResponseInputItems(output), said];
    assert.equal((await openai.responses.create({ ...request, input })).output_text, "Sunny.");
  });

  test(`${place}: structured output by all of them`, async () => {
    const it = make();
    it.engine.prepare = (runner) => { runner.vocabulary = 300; }; // all of the tokenizer's
    await it.client.reload(MODEL);
    const serve = createFetch(it.client);
    const openai = new OpenAI({ apiKey: "-", baseURL: BASE, dangerouslyAllowBrowser: true, fetch: serve, maxRetries: 0 });
    const Sky = z.object({ sky: z.enum(["blue", "grey"]), rain: z.boolean() });
    const messages = [{ role: "user" as const, content: QUESTION }];
    const work = async (): Promise<void> => {
      const { choices: [choice] } = await openai.chat.completions.parse({ model: MODEL, messages, response_format: zodResponseFormat(Sky, "sky") });
      Sky.parse(choice?.message.parsed);
      const { output_parsed: parsed } = await openai.responses.parse({ model: MODEL, input: QUESTION, text: { format: zodTextFormat(Sky, "sky") } });
      Sky.parse(parsed);
      const provider = createOpenAICompatible({ name: "engine", baseURL: BASE, fetch: serve, supportsStructuredOutputs: true });
      Sky.parse((await generateObject({ model: provider(MODEL), prompt: QUESTION, schema: Sky })).object);
      const chat = new ChatOpenAI({ model: MODEL, apiKey: "-", configuration: { baseURL: BASE, fetch: serve, dangerouslyAllowBrowser: true } });
      Sky.parse(await chat.withStructuredOutput(Sky, { method: "jsonSchema" }).invoke(QUESTION));
    };
    await soon(work(), "structured output", PATIENCE);
  });

  check("AI SDK: texts, streams, tools and vectors", ["Sunny.", "Sunny.", CALL, "Sunny in Rome.", CALL, "Sunny in Rome."], async ({ serve }) => {
    const provider = createOpenAICompatible({ name: "engine", baseURL: BASE, fetch: serve, includeUsage: true });
    const model = provider(MODEL);
    const { text, usage, finishReason } = await generateText({ model, prompt: QUESTION });
    assert.deepEqual([text, finishReason], ["Sunny.", "stop"]);
    assert.ok((usage.inputTokens ?? 0) > 3 && (usage.outputTokens ?? 0) > 1);
    let streamed = "";
    for await (const piece of streamText({ model, prompt: QUESTION }).textStream) streamed += piece;
    assert.equal(streamed, "Sunny.");
    const asked: unknown[] = [];
    const weather = tool({
      description: "The weather of a city", inputSchema: jsonSchema<{ city: string }>(PARAMETERS),
      execute: async (input) => { asked.push(input); return "sun"; },
    });
    const steps = await generateText({ model, prompt: QUESTION, tools: { weather }, stopWhen: stepCountIs(3) });
    assert.deepEqual([steps.text, steps.steps.length], ["Sunny in Rome.", 2]);
    const stream = streamText({ model, prompt: QUESTION, tools: { weather }, stopWhen: stepCountIs(3) });
    assert.equal((await stream.text), "Sunny in Rome.");
    assert.deepEqual(asked, [{ city: "Rome" }, { city: "Rome" }]);
    const { embeddings } = await embedMany({ model: provider.embeddingModel(MODEL), values: ["a", "b"] });
    assert.deepEqual(embeddings.map(({ length }) => length), [4, 4]);
    await assert.rejects(generateText({ model, prompt: QUESTION, temperature: 9, maxRetries: 0 }), /temperature must be a number from 0 to 2/);
  });

  check("LangChain: texts, streams, tools and vectors", ["Sunny.", "Sunny.", CALL, "Sunny in Rome."], async ({ serve }) => {
    const options = { model: MODEL, apiKey: "-", configuration: { baseURL: BASE, fetch: serve, dangerouslyAllowBrowser: true }, maxRetries: 0 };
    const chat = new ChatOpenAI(options);
    assert.equal((await chat.invoke(QUESTION)).content, "Sunny.");
    let streamed = "";
    for await (const chunk of await chat.stream(QUESTION)) streamed += String(chunk.content);
    assert.equal(streamed, "Sunny.");
    const weather = langchainTool(({ city }) => `sun in ${city}`, { name: "weather", description: "", schema: z.object({ city: z.string() }) });
    const bound = chat.bindTools([weather]);
    const asked = new HumanMessage(QUESTION);
    const calls = await bound.invoke([asked]);
    assert.deepEqual(calls.tool_calls?.map(({ name, args }) => [name, args]), [["weather", { city: "Rome" }]]);
    const results = calls.tool_calls?.map(({ id = "" }) => new ToolMessage({ content: "sun", tool_call_id: id })) ?? [];
    assert.equal((await bound.invoke([asked, calls, ...results])).content, "Sunny in Rome.");
    const vectors = await new OpenAIEmbeddings(options).embedDocuments(["a", "b"]);
    assert.deepEqual(vectors.map(({ length }) => length), [4, 4]);
  });
}
