// What the checks refuse, with what words, and what they write into a request: WebLLM's own beside ours.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as theirs from "../node_modules/@mlc-ai/web-llm/lib/index.js";
import * as ours from "../src/webllm/index.ts";

const [LLAMA, HERMES] = ["Llama-3.1-8B-Instruct-q4f32_1-MLC", "Hermes-3-Llama-3.1-8B-q4f16_1-MLC"];
const { LLM, VLM } = ours.ModelType;
const TOOLS = [{ type: "function", function: { name: "price", description: "of a share", parameters: { type: "object", properties: {} } } }];
const MESSAGES = [{ role: "user", content: "hi" }];
const TEXT = { type: "text", text: "hi" };
const asks = (...content) => ({ messages: [{ role: "user", content }] });
const picture = (image_url) => ({ type: "image_url", image_url });
const sound = (data, format, sample_rate) => ({ type: "input_audio", input_audio: { data, format, sample_rate } });

/** The error, or what became of the arguments. */
function outcome(check, values) {
  const given = structuredClone(values);
  try {
    check(...given);
    return given;
  } catch ({ name, message }) {
    return { name, message };
  }
}

function compare(name, requests) {
  for (const values of requests) assert.deepEqual(outcome(ours[name], values), outcome(theirs[name], values), JSON.stringify(values));
}

test("chats are checked in WebLLM's order and words", () => {
  const contents = [
    [TEXT], [TEXT, TEXT], [], [TEXT, picture({ url: "https://a.example/1.png" })], [picture({ url: "https://a.example/1.png", detail: "low" })],
    [picture({ url: "ftp://a.example/1.png" })], [TEXT, TEXT, picture({ url: "ftp:" })], [sound("UklG", "wav")], [sound("https://a.example/1.wav", "wav")],
    [sound("UklG", "pcm_f32", 1)], [sound(new Float32Array(2), "pcm_f32", 0.5)], [{ type: "video_url" }],
  ];
  const kinds = [undefined, new Set(), new Set(["image"]), new Set(["audio"]), new Set(["audio", "image"])];
  compare("postInitAndCheckFieldsChatCompletion", contents.flatMap((content) => (
    [LLM, VLM].flatMap((type) => kinds.map((taken) => [asks(...content), LLAMA, type, taken])))));
  const requests = [
    ...[null, undefined, 5, {}].map((content) => ({ messages: [{ role: "user", content }] })),
    { messages: [...MESSAGES, { role: "system", content: "" }] }, { messages: [...MESSAGES, { role: "assistant", content: "" }] },
    { messages: [...MESSAGES, { role: "tool", content: "", tool_call_id: "0" }] }, { messages: [{ role: "function", content: "" }] },
    ...[{ stream: true, n: 2 }, { n: 2 }, { seed: 0.5 }, { seed: "1" }, { seed: null }, { stream_options: {} }, { stream: false, stream_options: {} }]
      .map((more) => ({ messages: MESSAGES, ...more })),
    ...["text", "json_object", "grammar", "structural_tag", "json_schema", undefined].flatMap((type) => (
      [{}, { schema: "{}" }, { grammar: "" }, { structural_tag: {} }, { schema: null, grammar: "", structural_tag: {} }]
        .map((more) => ({ messages: MESSAGES, response_format: { type, ...more } })))),
    ...[[], TOOLS, null].flatMap((tools) => (
      [{}, { response_format: { type: "text" } }, { stream_options: {} }, { messages: [{ role: "system", content: "" }, ...MESSAGES] }, { seed: 0.5 }]
        .map((more) => ({ messages: MESSAGES, tools, ...more })))),
  ];
  compare("postInitAndCheckFieldsChatCompletion", requests.flatMap((request) => [LLAMA, HERMES].map((id) => [request, id, LLM])));
});

test("so are texts and inputs", () => {
  const more = [
    { suffix: null }, { user: undefined, best_of: 1 }, { stream: true, n: 2 }, { seed: 0.5 }, { stream_options: {} }, { suffix: "", seed: 0.5 },
    ...[null, { enabled: false }].map((resumable) => ({ extra_body: { resumable }, suffix: "" })), { extra_body: null }, { prompt: ["a"] },
  ];
  const texts = more.map((each) => [{ prompt: "a", ...each }, LLAMA]);
  compare("postInitAndCheckFieldsCompletion", texts);
  compare("rejectCompletionResumable", texts);
  const inputs = ["a", "", [], ["a", ""], [1, 2], [[1], []], [[]]];
  const settings = [{}, { dimensions: 3, user: "" }, { encoding_format: "base64" }, { encoding_format: "float", user: undefined }];
  compare("postInitAndCheckFieldsEmbedding", inputs.flatMap((input) => settings.map((each) => [{ input, ...each }, LLAMA])));
});

test("digests are checked in WebLLM's words", async () => {
  const bytes = new TextEncoder().encode("abc").buffer;
  const wrong = `sha384-${"A".repeat(64)}`;
  const told = async ({ verifyIntegrity }) => verifyIntegrity(bytes, wrong, "https://a.example/config.json").catch(({ name, message }) => ({ name, message }));
  assert.deepEqual(await told(ours), await told(theirs));
});

test("the programs that are compiled against both packages' types have every name that WebLLM declares", () => {
  const declared = ["index", "openai_api_protocols/index"].map((name) => readFileSync(`node_modules/@mlc-ai/web-llm/lib/${name}.d.ts`, "utf8")).join("\n");
  const lists = [...declared.matchAll(/^export [{]([^}]*)[}]/gm)].flatMap(([, list]) => list.split(","));
  const names = lists.map((entry) => entry.trim().replace(/^type |^.* as /g, "")).filter((name) => name !== "");
  const programs = ["program", "names"].map((name) => readFileSync(`test/types/webllm/${name}.ts`, "utf8")).join("\n");
  assert.deepEqual([names.filter((name) => !new RegExp(`\\b${name}\\b`).test(programs)), names.length > 90], [[], true]);
});
