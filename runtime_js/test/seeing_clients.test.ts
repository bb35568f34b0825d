// Pictures by way of the interfaces that other programs have: Responses, the AI SDK, the Prompt API and WebLLM's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { generateText } from "ai";
import { createLocal } from "../src/adapters/ai_sdk/index.ts";
import { createLanguageModel } from "../src/adapters/prompt_api/index.ts";
import { createFetch } from "../src/api/openai/fetch.ts";
import { postInitAndCheckFieldsChatCompletion } from "../src/webllm/checks.ts";
import { ModelType } from "../src/webllm/constants.ts";
import { CONTEXT, MODEL, type Setup } from "./fakes/engine.ts";
import { checkSeeing, picture } from "./fakes/vision.ts";

const DATA = `data:image/png;base64,${btoa("7: 5 3")}`;

/** What the engine itself answers. */
async function answer({ client }: Setup, content: string | object[], max_tokens = 5): Promise<string> {
  const { choices } = await client.chat.completions.create(JSON.parse(JSON.stringify({ messages: [{ role: "user", content }], max_tokens, temperature: 0 })));
  return choices[0]?.message.content ?? "";
}

const SHOWN = [{ type: "text", text: "What is it?" }, { type: "image_url", image_url: { url: DATA } }];

checkSeeing("responses take input_image", async (it) => {
  const respond = async (image: object): Promise<Response> => createFetch(it.client)("https://local.example/v1/responses", { method: "POST", body: JSON.stringify({
    input: [{ role: "user", content: [{ type: "input_text", text: "What is it?" }, { type: "input_image", ...image }] }], max_output_tokens: 5, temperature: 0,
  }) });
  const body: { output: readonly { content: readonly { text: string }[] }[] } = await (await respond({ image_url: DATA, detail: "auto" })).json();
  assert.equal(body.output[0]?.content[0]?.text, await answer(it, SHOWN));
  assert.deepEqual(it.vision.encoded, ["7/0", "7/1"]);
  for (const [image, message] of [[{ file_id: "f" }, /file_id is not supported here; nothing is stored/], [{}, /image_url must be a string/]] as const) {
    const failed = await respond(image);
    assert.equal(failed.status, 400);
    const { error }: { error: { message: string } } = await failed.json();
    assert.match(error.message, message);
  }
});

checkSeeing("the AI SDK's pictures, as bytes, base64 and addresses", async (it) => {
  const model = createLocal(it.client)(MODEL);
  const expected = await answer(it, SHOWN);
  for (const data of [new TextEncoder().encode("7: 5 3"), btoa("7: 5 3"), new URL(DATA)]) {
    const { text } = await generateText({ model, temperature: 0, maxOutputTokens: 5, messages: [
      { role: "user", content: [{ type: "text", text: "What is it?" }, { type: "file", mediaType: "image/png", data }] }] });
    assert.equal(text, expected);
  }
  await assert.rejects(generateText({ model, maxRetries: 0, messages: [{ role: "user", content: [{ type: "file", mediaType: "application/pdf", data: new Uint8Array(1) }] }] }),
    /no parts of the type "file \(application\/pdf\)"/);
});

checkSeeing("the Prompt API's pictures, where a session expects them", async (it) => {
  const LanguageModel = createLanguageModel({ contextWindow: CONTEXT, open: async () => it.client, isStored: async () => true, sees: true });
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
