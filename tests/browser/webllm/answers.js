/** Answers of an engine in the page: get-started, streaming, latency breakdown, multi-round chat, seeds, text completion. */

import * as webllm from "@mlc-ai/web-llm";
import { BASE, CONFIG, END, LLAMA, PHI, SMALL_QWEN, all, check, equal, rejects, say, textOf } from "./check.js";

const STREAM = { temperature: 0, max_tokens: 8, stream: true, stream_options: { include_usage: true } };

let engine;

async function getStarted() {
  const told = [];
  engine = await webllm.CreateMLCEngine(LLAMA, { ...CONFIG, initProgressCallback: (report) => told.push(report) }, { context_window_size: 256 });
  equal(told.at(-1).progress, 1);
  check(told.at(-1).text.startsWith("Finish loading on "), told.at(-1).text);
  const reply = await engine.chat.completions.create({
    messages: say("List three US states."), n: 3, temperature: 1.5, max_tokens: 6, logit_bias: { 46510: -100, [END]: -100, 40: -100, 42: 5 }, logprobs: true, top_logprobs: 2,
  });
  equal(reply.choices.map(({ index }) => index), [0, 1, 2]);
  equal(reply.choices[0].logprobs.content[0].top_logprobs.length, 2);
  check(reply.usage.extra.decode_tokens_per_s > 0 && reply.usage.extra.time_to_first_token_s > 0, JSON.stringify(reply.usage));
  equal(reply.model, LLAMA);
}

async function streaming() {
  const chunks = await all(await engine.chat.completions.create({ ...STREAM, messages: say("Hello there"), logprobs: true, top_logprobs: 2 }));
  const usage = chunks.at(-1);
  equal([usage.choices, usage.usage.completion_tokens, chunks.at(-2).choices[0].finish_reason], [[], 8, "length"]);
  check(chunks.some(({ choices: [choice] }) => choice?.logprobs?.content.length > 0), "no logprobs");
  equal(await engine.getMessage(), textOf(chunks));
  check(/^prefill: [\d.]+ tokens\/sec, decoding: [\d.]+ tokens\/sec$/.test(await engine.runtimeStatsText()), await engine.runtimeStatsText());
}

async function latencyBreakdown() {
  await engine.reload(SMALL_QWEN, { context_window_size: 256 });
  const { usage } = await engine.chat.completions.create({
    messages: say("Hello there"), n: 1, temperature: 0, max_tokens: 4, top_p: 0.8, logprobs: true, top_logprobs: 2, frequency_penalty: 1.2, presence_penalty: 1,
    repetition_penalty: 1.1, extra_body: { enable_latency_breakdown: true },
  });
  equal(Object.values(usage.extra.latencyBreakdown).map(({ length }) => length), [4, 4, 4, 4, 4, 4]);
}

async function multiRoundChat() {
  await engine.reload(LLAMA);
  const messages = [{ role: "system", content: "You are a helpful assistant, whose answers are short and clear." }, ...say("Provide me three states.")];
  const first = await engine.chat.completions.create({ messages, temperature: 0, max_tokens: 8 });
  messages.push(first.choices[0].message, ...say("Two more please!"));
  const second = await engine.chat.completions.create({ messages, temperature: 0, max_tokens: 8 });
  check(second.usage.prompt_tokens < first.usage.prompt_tokens, `${second.usage.prompt_tokens} of ${first.usage.prompt_tokens}`);
}

async function seeds() {
  const request = { messages: say("Write a creative Haiku"), n: 2, temperature: 1.2, max_tokens: 12, seed: 42 };
  const texts = async () => (await engine.chat.completions.create(request)).choices.map(({ message }) => message.content);
  const first = await texts();
  equal(await texts(), first);
  check(first[0] !== first[1], first[0]);
}

async function textCompletion() {
  const record = { model: `https://huggingface.co/mlc-ai/${BASE}`, model_id: BASE, model_lib: `${webllm.modelLibURLPrefix}${webllm.modelVersion}/Llama-3_1-8B.wasm`, overrides: { context_window_size: 256 } };
  engine.setAppConfig({ model_list: [record] });
  await engine.reload(BASE);
  const { choices, object } = await engine.completions.create({ prompt: "List 3 US states: ", echo: true, n: 2, max_tokens: 5, logprobs: true, top_logprobs: 2 });
  const [choice] = choices;
  equal(choices.length, 2);
  check(choice.text.startsWith("List 3 US states: ") && object === "text_completion", choice.text);
  check(choice.logprobs.content.length >= 5, JSON.stringify(choice.logprobs));
}

async function mistakes() {
  engine.setAppConfig(webllm.prebuiltAppConfig);
  await rejects(engine.chat.completions.create({ messages: say("a"), temperature: -1 }), "NonNegativeError");
  await rejects(engine.chat.completions.create({ messages: say("a"), model: PHI }), "SpecifiedModelNotFoundError");
  await rejects(engine.embeddings.create({ input: "a" }), "IncorrectPipelineLoadedError");
  await rejects(engine.reload("nobody"), "ModelNotFoundError");
  await rejects(engine.chat.completions.create({ messages: say("a") }), "ModelNotLoadedError");
  await engine.unload();
}

export default {
  "get-started": getStarted, streaming, "get-started-latency-breakdown": latencyBreakdown, "multi-round-chat": multiRoundChat, "seed-to-reproduce": seeds,
  "text-completion": textCompletion, mistakes,
};
