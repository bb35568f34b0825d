/** One program for each way to ask: what all engines say is the same, and what has a form says "yes". */

import { createEngine, modelId } from "tiny";
import { createLocal } from "tiny/ai-sdk";
import "tiny/element";
import { createLanguageModel } from "tiny/prompt-api";
import { createEngine as createEngineHere } from "tiny/static";
import { CreateMLCEngine, CreateWebWorkerMLCEngine, prebuiltAppConfig } from "@mlc-ai/web-llm";

const REQUEST = { messages: [{ role: "user", content: "Why is the sky blue?" }], temperature: 0, max_tokens: 8 };
const CONFIG = { device: "cpu", variant: "cpu-f32" };

const ENGINES = {
  "the package's worker": () => createEngine(CONFIG),
  "this thread": () => createEngineHere(CONFIG),
  "WebLLM in this thread": () => CreateMLCEngine(prebuiltAppConfig.model_list[0].model_id, CONFIG),
  "WebLLM in a worker of the program's": () => CreateWebWorkerMLCEngine(
    new Worker(new URL("./worker.js", import.meta.url), { type: "module" }), prebuiltAppConfig.model_list[0].model_id, CONFIG),
};

async function fromEngine(open) {
  const engine = await open();
  const { choices: [{ message }] } = await engine.chat.completions.create(REQUEST);
  await engine.unload();
  return message.content;
}

async function fromAISDK() {
  const engine = await createEngine(CONFIG);
  const prompt = [{ role: "user", content: [{ type: "text", text: REQUEST.messages[0].content }] }];
  const { content } = await createLocal(engine)(modelId).doGenerate({ prompt, temperature: 0, maxOutputTokens: REQUEST.max_tokens });
  engine.terminate();
  return content.map(({ text }) => text).join("");
}

async function fromPromptAPI() {
  const session = await createLanguageModel(CONFIG).create();
  const text = await session.prompt(REQUEST.messages[0].content, { responseConstraint: /yes/ });
  session.destroy();
  return text;
}

async function fromElement() {
  const chat = document.createElement("llm-chat");
  chat.setAttribute("device", "cpu");
  chat.request = { response_format: { type: "regex", regex: "yes" } };
  document.body.append(chat);
  const text = await chat.ask(REQUEST.messages[0].content);
  chat.remove();
  return text;
}

const WAYS = {
  ...Object.fromEntries(Object.entries(ENGINES).map(([way, open]) => [way, () => fromEngine(open)])),
  "the AI SDK": fromAISDK, "the Prompt API": fromPromptAPI, "the element": fromElement,
};

export async function main() {
  const answers = {};
  for (const [way, ask] of Object.entries(WAYS)) answers[way] = await ask().catch((error) => `${error.name}: ${error.message}`);
  globalThis.answers = answers;
}
