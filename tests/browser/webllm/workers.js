/** Engines elsewhere: get-started-web-worker, multi-models, service-worker. */

import * as webllm from "@mlc-ai/web-llm";
import { CONFIG, GEMMA, LLAMA, PHI, all, check, equal, rejects, say, textOf } from "./check.js";

const CALL = { messages: say("Hello there"), temperature: 0, max_tokens: 6 };

async function webWorker() {
  const told = [];
  const worker = new Worker("worker.js", { type: "module" });
  const engine = await webllm.CreateWebWorkerMLCEngine(worker, LLAMA, { ...CONFIG, initProgressCallback: ({ progress }) => told.push(progress) }, { temperature: 0 });
  equal(told.at(-1), 1);
  const chunks = await all(await engine.chat.completions.create({ ...CALL, stream: true }));
  equal([textOf(chunks), (await engine.chatCompletion(CALL)).choices[0].message.content], [await engine.getMessage(), textOf(chunks)]);
  equal((await engine.chatCompletion({ ...CALL, n: 3 })).choices.length, 3);
  await engine.unload();
  worker.terminate();
}

async function multiModels() {
  const worker = new Worker("worker.js", { type: "module" });
  const engine = await webllm.CreateWebWorkerMLCEngine(worker, [PHI, GEMMA], CONFIG);
  const ask = async (model) => all(await engine.chat.completions.create({ ...CALL, model, stream: true }));
  const [first, second] = await Promise.all([ask(PHI), ask(GEMMA)]);
  equal([first[0].model, second[0].model], [PHI, GEMMA]);
  equal([textOf(first), textOf(second)], [await engine.getMessage(PHI), await engine.getMessage(GEMMA)]);
  await rejects(engine.getMessage(), "UnclearModelToUseError");
  await engine.unload();
  worker.terminate();
}

/** Two pages' engines of one service worker, which loads the model once. */
export async function withServiceWorker(script, scope) {
  await navigator.serviceWorker.register(script, { type: "module", scope });
  const engine = await webllm.CreateServiceWorkerMLCEngine(LLAMA, CONFIG);
  const { choices: [choice] } = await engine.chat.completions.create(CALL);
  const told = [];
  const again = await webllm.CreateServiceWorkerMLCEngine(LLAMA, { ...CONFIG, initProgressCallback: (report) => told.push(report) });
  equal(told.map(({ progress }) => progress), [1], "it is loaded already");
  equal(textOf(await all(await again.chat.completions.create({ ...CALL, stream: true }))), choice.message.content);
  check(choice.message.content.length > 0, "no text");
}

async function serviceWorker() {
  await withServiceWorker("service_worker.bundle.js", "./");
}

/** In a page of its own, as a page has one service worker. */
async function staticServiceWorker() {
  const frame = document.createElement("iframe");
  frame.src = "frame.html";
  const told = new Promise((resolve) => { addEventListener("message", ({ data }) => resolve(data), { once: true }); });
  document.body.append(frame);
  equal(await told, "as it should be");
  frame.remove();
}

export default {
  "get-started-web-worker": webWorker, "multi-models": multiModels, "service-worker": serviceWorker, "service worker without import()": staticServiceWorker,
};
