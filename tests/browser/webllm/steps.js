/** Single steps, in the page and in a worker: logit-processor. */

import * as webllm from "@mlc-ai/web-llm";
import { CONFIG, PHI_2, check, equal } from "./check.js";
import { Forcing } from "./forcing.js";

/** Tokens that come one behind the other, then again after a reset that nobody waits for. */
async function step(engine) {
  for (let round = 0; round < 2; round++) {
    const tokens = [await engine.forwardTokensAndSample([5, 6, 7], true)];
    while (tokens.length < 4) tokens.push(await engine.forwardTokensAndSample(tokens.slice(-1), false));
    equal(tokens, [40, 41, 42, 43]);
    check(!(await engine.runtimeStatsText()).includes(" 0.0000"), await engine.runtimeStatsText());
    engine.resetChat();
  }
}

async function logitProcessor() {
  const forcing = new Forcing();
  const here = await webllm.CreateMLCEngine(PHI_2, { ...CONFIG, logitProcessorRegistry: new Map([[PHI_2, forcing]]) });
  await step(here);
  equal(forcing.resets, 2);
  await here.unload();
  const worker = new Worker("steps_worker.js", { type: "module" });
  const there = await webllm.CreateWebWorkerMLCEngine(worker, PHI_2, CONFIG);
  await step(there);
  const resets = new Promise((resolve) => { worker.addEventListener("message", ({ data }) => { if (data.uuid === "resets") resolve(data.content); }); });
  worker.postMessage("resets");
  equal(await resets, 2);
  worker.terminate();
}

export default { "logit-processor": logitProcessor };
