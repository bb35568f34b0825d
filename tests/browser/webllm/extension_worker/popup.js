/** chrome-extension-webgpu-service-worker: the engine is in the extension's service worker, and all of its pages ask it. */

import * as webllm from "@mlc-ai/web-llm";
import { CONFIG, PHI, say } from "../check.js";
import "../one_package.js";

let lost = 0;
const told = [];
const engine = await webllm.CreateExtensionServiceWorkerMLCEngine(PHI, {
  ...CONFIG, initProgressCallback: ({ progress }) => told.push(progress), onDisconnect: () => { lost++; },
});

/** What the test calls. `rest` goes on with the answer that `begin` began. */
let stream;
Object.assign(globalThis, {
  told: () => ({ loads: told.filter((progress) => progress === 1).length, first: told[0], last: told.at(-1), lost }),
  async begin() {
    stream = await engine.chat.completions.create({ messages: say("Hello there"), temperature: 0, max_tokens: 200, ignore_eos: true, stream: true });
    return (await stream.next()).value.choices[0].delta.content;
  },
  async rest() {
    let text = "";
    for await (const { choices: [choice] } of stream) text += choice?.delta.content ?? "";
    return { text, message: await engine.getMessage() };
  },
});
