/** One program for each way to make an engine; what each says is the same. */

import { createEngine } from "tiny";
import { createEngine as createEngineHere } from "tiny/static";
import { CreateMLCEngine, CreateWebWorkerMLCEngine, prebuiltAppConfig } from "@mlc-ai/web-llm";

const REQUEST = { messages: [{ role: "user", content: "Why is the sky blue?" }], temperature: 0, max_tokens: 8 };
const CONFIG = { device: "cpu", variant: "cpu-f32" };

const WAYS = {
  "the package's worker": () => createEngine(CONFIG),
  "this thread": () => createEngineHere(CONFIG),
  "WebLLM in this thread": () => CreateMLCEngine(prebuiltAppConfig.model_list[0].model_id, CONFIG),
  "WebLLM in a worker of the program's": () => CreateWebWorkerMLCEngine(
    new Worker(new URL("./worker.js", import.meta.url), { type: "module" }), prebuiltAppConfig.model_list[0].model_id, CONFIG),
};

export async function main() {
  const answers = {};
  for (const [way, open] of Object.entries(WAYS)) {
    try {
      const engine = await open();
      const { choices: [{ message }] } = await engine.chat.completions.create(REQUEST);
      answers[way] = message.content;
      await engine.unload();
    } catch (error) {
      answers[way] = `${error.name}: ${error.message}`;
    }
  }
  globalThis.answers = answers;
}
