// Pictures and sounds by way of the interfaces that other programs have: Responses, the AI SDK, the Prompt API and WebLLM's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { generateText, type ModelMessage, type ToolResultPart } from "ai";
import { createLocal } from "../src/adapters/ai_sdk/index.ts";
import { createLanguageModel } from "../src/adapters/prompt_api/index.ts";
import { createFetch } from "../src/api/openai/fetch.ts";
import { postInitAndCheckFieldsChatCompletion } from "../src/webllm/checks.ts";
import { ModelType } from "../src/webllm/constants.ts";
import { CONTEXT, MODEL, type Setup } from "./fakes/engine.ts";
import { checkSeeing, picture } from "./fakes/vision.ts";

const DATA = `data:image/png;base64,${btoa("7: 5 3")}`;

/** What the engine itself answers. */
async function answer({ client }: Setup, content: string | readonly object[], max_tokens = 5): Promise<string> {
  const { choices } = await client.chat.completions.create(JSON.parse(JSON.stringify({ messages: [{ role: "user", content }], max_tokens, temperature: 0 })));
  return choices[0]?.message.content ?? "";
}

const SOUND = btoa("7: 5 3");
const HEARD = [{ type: "text", text: "What is it?" }, { type: "input_audio", input_audio: { data: SOUND, format: "wav" } }];
const SHOWN = [{ type: "text", text: "What is it?" }, { type: "image_url", image_url: { url: DATA } }];

checkSeeing("responses take input_image and input_audio", async (it) => {
  const respond = async (part: object): Promise<Response> => createFetch(it.client)("https://local.example/v1/responses", { method: "POST", body: JSON.stringify({
    input: [{ role: "user", content: [{ type: "input_text", text: "What is it?" }, part] }], max_output_tokens: 5, temperature: 0,
  }) });
  for (const [part, said, sense] of [
    [{ type: "input_image", image_url: DATA, detail: "auto" }, SHOWN, it.vision], [{ type: "input_audio", input_audio: { data: SOUND, format: "wav" } }, HEARD, it.hearing],
  ] as const) {
    const body: { output: readonly { content: readonly { text: string }[] }[] } = await (await respond(part)).json();
    assert.equal(body.output[0]?.content[0]?.text, await answer(it, said));
    assert.deepEqual(sense.encoded, ["7/0", "7/1"]);
  }
  for (const [part, message] of [
    [{ type: "input_image", file_id: "f" }, /file_id is not supported here; nothing is stored/], [{ type: "input_image" }, /image_url must be a string/],
    [{ type: "input_audio", input_audio: { data: SOUND, format: "ogg" } }, /input_audio\.format must be "wav" or "mp3"/], [{ type: "input_audio", input_audio: { data: "§", format: "wav" } }, /input.*must be base64/],
  ] as const) {
    const failed = await respond(part);
    assert.equal(failed.status, 400);
    const { error }: { error: { message: string } } = await failed.json();
    assert.match(error.message, message);
  }
});

checkSeeing("the AI SDK's pictures and sounds, as bytes, base64 and addresses", async (it) => {
  const model = createLocal(it.client)(MODEL);
  for (const [mediaType, content] of [["image/png", SHOWN], ["audio/wav", HEARD], ["audio/mpeg", HEARD]] as const) {
    const expected = await answer(it, content);
    for (const data of [new TextEncoder().encode("7: 5 3"), btoa("7: 5 3"), new URL(DATA)]) {
      const { text } = await generateText({ model, temperature: 0, maxOutputTokens: 5, messages: [
        { role: "user", content: [{ type: "text", text: "What is it?" }, { type: "file", mediaType, data }] }] });
      assert.equal(text, expected, mediaType);
    }
  }
  assert.deepEqual([it.vision.encoded, it.hearing.encoded], [["7/0", "7/1"], ["7/0", "7/1"]]);
  await assert.rejects(generateText({ model, maxRetries: 0, messages: [{ role: "user", content: [{ type: "file", mediaType: "application/pdf", data: new Uint8Array(1) }] }] }),
    /no parts of the type "file \(application\/pdf\)"/);
});

checkSeeing("what a tool of the AI SDK shows, and files of text", async (it) => {
  const model = createLocal(it.client)(MODEL);
  const say = async (...messages: ModelMessage[]): Promise<string> => (await generateText({ model, messages, temperature: 0, maxOutputTokens: 5, maxRetries: 0 })).text;
  const asked = { role: "user" as const, content: "Look." };
  const call = { type: "tool-call" as const, toolCallId: "1", toolName: "look", input: {} };
  const seen = async (...value: Extract<ToolResultPart["output"], { type: "content" }>["value"]): Promise<string> => say(
    asked, { role: "assistant", content: [call] }, { role: "tool", content: [{ type: "tool-result", toolCallId: "1", toolName: "look", output: { type: "content", value } }] });
  const { choices: [choice] } = await it.client.chat.completions.create({ temperature: 0, max_tokens: 5, messages: [
    asked, { role: "assistant", content: "", tool_calls: [{ id: "1", type: "function", function: { name: "look", arguments: "{}" } }] },
    { role: "tool", tool_call_id: "1", content: [{ type: "text", text: "Here." }, { type: "image_url", image_url: { url: DATA } }] }] });
  const file = { type: "file" as const, mediaType: "image/png", data: { type: "data" as const, data: btoa("7: 5 3") } };
  assert.deepEqual([await seen({ type: "text", text: "Here." }, file), it.vision.encoded], [choice?.message.content, ["7/0", "7/1"]]);
  await assert.rejects(seen({ ...file, mediaType: "video/mp4" }), /no parts of the type "file \(video\/mp4\)"/);
  const expected = await answer(it, "What is it?a,b");
  for (const data of [new TextEncoder().encode("a,b"), btoa("a,b"), { type: "text" as const, text: "a,b" }]) {
    assert.equal(await say({ role: "user", content: [{ type: "text", text: "What is it?" }, { type: "file", mediaType: "text/csv", data }] }), expected);
  }
});

checkSeeing("the Prompt API's pictures and sounds, where a session expects them", async (it) => {
  const source = { contextWindow: CONTEXT, open: async () => it.client, isStored: async () => true };
  const blind = createLanguageModel({ ...source, hears: true });
  assert.equal(await blind.availability({ expectedInputs: [{ type: "image" }] }), "unavailable");
  const listens = await blind.create({ expectedInputs: [{ type: "audio" }], topK: 1 });
  const heard = async (value: unknown): Promise<string> => (await listens.clone()).prompt([{ role: "user", content: [{ type: "text", value: "What is it?" }, { type: "audio", value }] }]);
  const told = await heard(new Blob(["7: 5 3"]));
  assert.equal(await heard(new TextEncoder().encode("7: 5 3")), told);
  assert.deepEqual([await heard(new TextEncoder().encode("7: 5 3").buffer), it.hearing.encoded], [told, ["7/0", "7/1"]]);
  for (const value of ["a.wav", 7, null]) await assert.rejects(heard(value), TypeError);
  const LanguageModel = createLanguageModel({ ...source, sees: true });
  assert.equal(await LanguageModel.availability({ expectedInputs: [{ type: "image" }] }), "available");
  assert.equal(await LanguageModel.availability({ expectedInputs: [{ type: "audio" }] }), "unavailable");
  assert.equal(await LanguageModel.availability({ expectedOutputs: [{ type: "image" }] }), "unavailable");
  const shown = { role: "user" as const, content: [{ type: "text" as const, value: "What is it?" }, { type: "image" as const, value: picture("7: 5 3") }] };
  const session = await LanguageModel.create({ expectedInputs: [{ type: "image" }], topK: 1 });
  assert.ok(await session.measureContextUsage([shown]) >= 8);
  const said = await session.prompt([shown]);
  assert.notEqual(said, "");
  assert.deepEqual(it.vision.encoded, ["7/0", "7/1"]);
  const bytes = await (await LanguageModel.create({ expectedInputs: [{ type: "image" }], topK: 1 })).prompt(
    [{ ...shown, content: [shown.content[0] ?? assert.fail(), { type: "image", value: new TextEncoder().encode("7: 5 3") }] }]);
  assert.equal(bytes, said);
  assert.deepEqual(it.vision.encoded, ["7/0", "7/1"], "it is known");
  await assert.rejects(session.prompt([{ role: "user", content: [{ type: "image", value: "a.png" }] }]), TypeError);
  await assert.rejects((await LanguageModel.create()).prompt([shown]), { name: "NotSupportedError" });
});

test("WebLLM's checks take pictures of a model that sees, as WebLLM writes them", () => {
  const request = (image_url: { url: string; detail?: "low" }) => (
    { messages: [{ role: "user" as const, content: [{ type: "text" as const, text: "?" }, { type: "image_url" as const, image_url }] }] });
  postInitAndCheckFieldsChatCompletion(request({ url: DATA }), MODEL, ModelType.VLM);
  assert.throws(() => postInitAndCheckFieldsChatCompletion(request({ url: DATA }), MODEL, ModelType.LLM), { name: "UserMessageContentErrorForNonVLM" });
  assert.throws(() => postInitAndCheckFieldsChatCompletion(request({ url: DATA, detail: "low" }), MODEL, ModelType.VLM), { name: "UnsupportedDetailError" });
  assert.throws(() => postInitAndCheckFieldsChatCompletion(request({ url: "a.png" }), MODEL, ModelType.VLM), { name: "UnsupportedImageURLError" });
});
