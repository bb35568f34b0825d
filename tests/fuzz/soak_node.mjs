// Uses an engine in Node at random for as long as is wanted, and tells whether its memory levels off and its answers stay what they were.
//
//     node --expose-gc tests/fuzz/soak_node.mjs SITE --seconds 3600 --seed 1 [--sees] [--snapshot FILE]
//
// Of a built site with the variant f32, on the CPU: answers whole and streamed, stopped and broken off, several at once, with tools, by schemas,
// with penalties and probabilities, chats that go on, tokens counted, pictures where the model sees, and now and then another load. A line of each
// round has heap, buffers and what the process has in memory after a collection. Exit status 1: an answer changed, or the last quarter of the
// rounds has a tenth and 16 MB more than the second.

import { parseArgs } from "node:util";
import { writeHeapSnapshot } from "node:v8";

const { Engine } = await import(new URL("../../runtime_js/dist/node.js", import.meta.url).href);
const text = { type: "string" };
const options = { seconds: { ...text, default: "170" }, seed: { ...text, default: "1" }, sees: { type: "boolean", default: false }, snapshot: text };
const { values, positionals: [site] } = parseArgs({ allowPositionals: true, options });
const ACTIONS = 40; // of a round
const LOADS = 10; // rounds from one load to the next
const QUESTIONS = ["One two", "Three four five", "What is the sky?"];
const MB = 1 << 20;

let state = Number(values.seed);
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const below = (count) => Math.floor(random() * count);
const one = (list) => list[below(list.length)];

const engine = new Engine({ device: "cpu", logLevel: "ERROR" });
const ask = (request, given) => engine.chat.completions.create({ max_tokens: 1 + below(40), ignore_eos: true, ...request }, given);
const said = (content = "word ".repeat(below(60)) + one(QUESTIONS)) => [{ role: "user", content }];
const weather = { type: "function", function: { name: `look_${below(5)}`, description: "Looks", parameters: { type: "object", properties: { place: { type: "string", maxLength: 5 } }, required: ["place"] } } };
let chat = [];

const ACTS = {
  whole: () => ask({ messages: said() }),
  seeded: () => ask({ messages: said(), temperature: 1, seed: below(100), top_p: 0.9, frequency_penalty: 0.5, presence_penalty: 0.2, logit_bias: { [below(100)]: 5 } }),
  probabilities: () => ask({ messages: said(), logprobs: true, top_logprobs: 5 }),
  choices: () => ask({ messages: said(), n: 1 + below(3), temperature: 1 }),
  goes_on: async () => {
    const asked = [...chat, ...said()];
    chat = []; // where it does not fit
    const { choices: [{ message }] } = await ask({ messages: asked });
    if (asked.length < 12) chat = [...asked, { role: "assistant", content: message.content }];
  },
  batch: () => Promise.all(Array.from({ length: 2 + below(6) }, () => ask({ messages: said() }))),
  streamed: async () => {
    for await (const _ of await ask({ messages: said(), stream: true, stream_options: { include_usage: true } }));
  },
  left: async () => { // by its reader
    let left = below(8);
    for await (const _ of await ask({ messages: said(), stream: true })) if (left-- === 0) break;
  },
  aborted: async () => {
    const aborting = new AbortController();
    setTimeout(() => aborting.abort(), below(60));
    await ask({ messages: said(), max_tokens: 200 }, { signal: aborting.signal });
  },
  interrupted: async () => {
    const asked = ask({ messages: said(), max_tokens: 200 });
    setTimeout(() => void engine.interruptGenerate(), below(60));
    await asked;
  },
  tools: () => ask({ messages: said(), tools: [weather], tool_choice: one(["auto", "required"]), max_tokens: 60 }),
  schema: () => {
    const schema = { type: "object", properties: { [`name${below(50)}`]: { type: "string", maxLength: 1 + below(9) } }, additionalProperties: false };
    return ask({ messages: said(), max_tokens: 60, response_format: { type: "json_schema", json_schema: { name: "answer", schema } } });
  },
  json: () => ask({ messages: said(), response_format: { type: "json_object" } }),
  completion: () => engine.completions.create({ prompt: one(QUESTIONS), max_tokens: 1 + below(30) }),
  wrong: () => ask({ messages: [{ role: "nobody", content: 3 }] }),
  too_long: () => ask({ messages: said("word ".repeat(20_000)) }),
  ...(values.sees && { picture: () => {
    const [width, height] = [16 + below(200), 16 + below(200)];
    const url = { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => below(256)) };
    return ask({ messages: said([{ type: "image_url", image_url: { url } }, { type: "text", text: one(QUESTIONS) }]) });
  } }),
};

const answers = async () => JSON.stringify(await Promise.all(QUESTIONS.map(async (content) => {
  const { choices: [{ message }] } = await ask({ messages: [{ role: "user", content }], temperature: 0, max_tokens: 24 });
  return message.content;
})));
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

await engine.reload(site);
const before = await answers();
const [until, done, memory] = [performance.now() + 1000 * Number(values.seconds), new Map(), []];
while (performance.now() < until) {
  for (let i = 0; i < ACTIONS; i++) {
    const name = one(Object.keys(ACTS));
    const end = await ACTS[name]().then(() => name, (error) => `${name}: ${error.name}`);
    done.set(end, (done.get(end) ?? 0) + 1);
  }
  if (memory.length % LOADS === LOADS - 1) await engine.reload(site);
  globalThis.gc();
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  memory.push([heapUsed, external, arrayBuffers, rss]);
  const [heap, out, buffers, held] = memory.at(-1).map((bytes) => (bytes / MB).toFixed(1));
  console.log(`${String(ACTIONS * memory.length).padStart(6)} actions: ${heap} MB of heap, ${out} MB beside it, ${buffers} MB of buffers, ${held} MB in memory`);
  if (values.snapshot !== undefined && (memory.length === 20 || performance.now() >= until)) writeHeapSnapshot(`${values.snapshot}.${memory.length}.heapsnapshot`);
}
const after = await answers();
await engine.unload();
const quarter = Math.max(1, memory.length >> 2);
const levels = [0, 1, 2, 3].every((kind) => {
  const [early, late] = [memory.slice(quarter, 2 * quarter), memory.slice(-quarter)].map((part) => median(part.map((sizes) => sizes[kind])));
  return late <= early * 1.1 || late - early < 16 * MB;
});
console.log(`${JSON.stringify(Object.fromEntries(done))}; answers ${before === after ? "are the same" : `changed: ${before} ${after}`}; memory ${levels ? "levels off" : "grows"}`);
process.exitCode = before === after && levels ? 0 : 1;
