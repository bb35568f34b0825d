/** Chats, what they show before a model is there, and models of other kinds: simple-chat-js, -ts and -upload, qwen3, vision, embeddings, subgroups. */

import * as webllm from "@mlc-ai/web-llm";
import { ARCTIC, CONFIG, END, GEMMA, LLAMA, QWEN, VISION, all, check, equal, rejects, say, textOf } from "./check.js";

const STREAM = { stream: true, stream_options: { include_usage: true }, max_tokens: 6 };

/** An engine without a model, which is given one by name; answers are drawn as they come. */
async function chat(engine, chatOpts) {
  const told = [];
  engine.setInitProgressCallback(({ progress, text }) => told.push([progress, text]));
  await engine.reload(LLAMA, chatOpts);
  equal(told.at(-1)[0], 1);
  const messages = [{ role: "system", content: "You are helpful." }, ...say("Hello")];
  const chunks = await all(await engine.chat.completions.create({ ...STREAM, messages, logit_bias: { [END]: -100 }, extra_body: undefined }));
  const { usage } = chunks.at(-1);
  check(usage.extra.prefill_tokens_per_s.toFixed(4) > 0 && usage.extra.decode_tokens_per_s.toFixed(4) > 0, JSON.stringify(usage));
  equal(await engine.getMessage(), textOf(chunks));
}

async function simpleChatJs() {
  check(webllm.prebuiltAppConfig.model_list.map(({ model_id }) => model_id).includes(LLAMA), "the list has no such model");
  const engine = new webllm.MLCEngine(CONFIG);
  await chat(engine, { temperature: 1, top_p: 1 });
  await engine.unload();
}

/** What a model needs is in its record, and what the GPU has is asked before any is loaded. */
async function simpleChatTs() {
  const appConfig = { model_list: webllm.prebuiltAppConfig.model_list, use_web_worker: true };
  const worker = new Worker("worker.js", { type: "module" });
  const engine = new webllm.WebWorkerMLCEngine(worker, { ...CONFIG, appConfig });
  const [most, vendor] = await Promise.all([engine.getMaxStorageBufferBindingSize(), engine.getGPUVendor()]);
  check(most >= 1 << 27 && typeof vendor === "string", `${most} ${vendor}`);
  for (const { low_resource_required, buffer_size_required_bytes = 0 } of appConfig.model_list) {
    check(buffer_size_required_bytes <= most && typeof (low_resource_required ?? false) === "boolean", "a record says what it needs otherwise");
  }
  engine.interruptGenerate();
  await engine.resetChat();
  await engine.unload();
  await chat(engine);
  worker.terminate();
}

/** Files that a visitor gives are put beside what the engine keeps, which neither reads nor loses them. */
async function simpleChatUpload() {
  const parts = { "webllm/config": "mlc-chat-config.json", "webllm/model": "params_shard_0.bin", "webllm/wasm": "model.wasm" };
  for (const [cache, name] of Object.entries(parts)) await (await caches.open(cache)).put(name, new Response("bytes"));
  const engine = new webllm.MLCEngine({ ...CONFIG, appConfig: { model_list: webllm.prebuiltAppConfig.model_list } });
  await chat(engine);
  await engine.unload();
  await webllm.deleteModelAllInfoInCache(LLAMA);
  for (const [cache, name] of Object.entries(parts)) equal(await (await (await caches.open(cache)).match(name)).text(), "bytes");
}

async function qwen3() {
  const engine = await webllm.CreateMLCEngine(QWEN, CONFIG);
  const ask = async (messages, extra_body) => (await all(await engine.chat.completions.create({ ...STREAM, messages, extra_body }))).at(-1).usage.prompt_tokens;
  const question = say("How many r's are there in the word strawberry?");
  const thinking = await ask(question);
  await engine.resetChat();
  check(await ask(question, { enable_thinking: false }) > thinking, "the template was not told");
  await ask([...say("How many? /think"), { role: "assistant", content: "The answer is 3." }, ...say("What about blueberries?")]);
  await engine.unload();
}

/** A picture as a page has it of a file. */
async function picture(color) {
  const canvas = new OffscreenCanvas(24, 16);
  const drawing = canvas.getContext("2d");
  drawing.fillStyle = color;
  drawing.fillRect(4, 4, 16, 8);
  const reader = new FileReader();
  const read = new Promise((resolve) => { reader.onload = resolve; });
  reader.readAsDataURL(await canvas.convertToBlob());
  await read;
  return { type: "image_url", image_url: { url: reader.result } };
}

/** Rounds with pictures and without, in the page and in a worker. */
async function vision() {
  const worker = new Worker("worker.js", { type: "module" });
  const [red, blue] = await Promise.all(["red", "blue"].map(picture));
  for (const open of [() => webllm.CreateMLCEngine(VISION, CONFIG, { context_window_size: 384 }), () => webllm.CreateWebWorkerMLCEngine(worker, VISION, CONFIG, { context_window_size: 384 })]) {
    const engine = await open();
    const messages = [];
    const ask = async (...content) => {
      messages.push({ role: "user", content });
      const reply = await engine.chat.completions.create({ messages, temperature: 0, max_tokens: 3 });
      messages.push(reply.choices[0].message);
      return reply;
    };
    const [two, one] = [await ask({ type: "text", text: "List the items." }, red, blue), await ask({ type: "text", text: "What is special about it?" }, red)];
    check(two.usage.prompt_tokens > one.usage.prompt_tokens && one.usage.prompt_tokens > 20, `${two.usage.prompt_tokens} ${one.usage.prompt_tokens}`);
    equal((await ask({ type: "text", text: "And now?" })).choices[0].finish_reason, "length");
    const wrong = (image_url) => engine.chat.completions.create({ messages: [{ role: "user", content: [{ type: "image_url", image_url }] }] });
    await rejects(wrong({ ...red.image_url, detail: "low" }), "UnsupportedDetailError");
    await rejects(wrong({ url: "ftp://a" }), "UnsupportedImageURLError");
    await engine.reload(LLAMA);
    await rejects(engine.chat.completions.create({ messages: [{ role: "user", content: [{ type: "text", text: "a" }, red] }] }), "UserMessageContentErrorForNonVLM");
    await engine.unload();
  }
  worker.terminate();
}

const similarity = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0) / Math.hypot(...a) / Math.hypot(...b);

/** Vectors, and with them the passage that a language model of the same engine is given. */
async function embeddings() {
  const engine = await webllm.CreateMLCEngine([ARCTIC, GEMMA], CONFIG);
  const vectorsOf = async (input) => (await engine.embeddings.create({ input, model: ARCTIC })).data.map(({ embedding }) => embedding);
  const passages = ["abc abc abc", "xyz"];
  const vectors = await vectorsOf(passages.map((text) => `[CLS] ${text} [SEP]`));
  const [query] = await vectorsOf(["[CLS] abc abc abc [SEP]"]);
  check(similarity(query, vectors[0]) > 0.9999 && similarity(query, vectors[1]) < 0.9999, "the passage is not found");
  equal(await vectorsOf(passages[0]), [query]);
  const { usage } = await engine.embeddings.create({ input: passages, model: ARCTIC });
  check(usage.prompt_tokens === usage.total_tokens && usage.extra.prefill_tokens_per_s > 0, JSON.stringify(usage));
  const reply = await engine.chat.completions.create({ messages: say(`Answer by: ${passages[0]}`), model: GEMMA, max_tokens: 3 });
  equal(reply.model, GEMMA);
  await rejects(engine.embeddings.create({ input: "a", model: GEMMA }), "IncorrectPipelineLoadedError");
  await engine.unload();
}

/** A record whose compiled model is another's: here the package's own is meant, whatever the address says. */
async function subgroups() {
  const record = webllm.prebuiltAppConfig.model_list.find(({ model_id }) => model_id === LLAMA);
  const address = new URL(record.model_lib);
  address.pathname = address.pathname.replace(/[^/]*$/, "sg32/$&");
  const engine = await webllm.CreateMLCEngine(LLAMA, { ...CONFIG, appConfig: { model_list: [{ ...record, model_lib: address.href }] } }, { context_window_size: 256 });
  equal((await engine.chat.completions.create({ messages: say("List three US states."), n: 3, max_tokens: 3 })).choices.length, 3);
  await engine.unload();
}

export default {
  "simple-chat-js": simpleChatJs, "simple-chat-ts": simpleChatTs, "simple-chat-upload": simpleChatUpload, qwen3, "vision-model": vision, embeddings,
  "subgroups-usage": subgroups,
};
