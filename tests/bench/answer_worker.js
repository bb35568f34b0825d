// An engine in a thread of its own, as a site's page has it: a page's own thread may not sleep, and draws.

import { DebugEngine } from "/runtime/debug.js";

const PROMPT = "The history of the region begins with";

/** Told what to load and how much to answer, it posts tokens a second of each answer; the first warms up, and is left out. */
addEventListener("message", async ({ data: { record, device, variant, runs, tokens } }) => {
  try {
    const engine = new DebugEngine({ appConfig: { model_list: [record] }, device, variant });
    await engine.reload(record.model_id);
    const speeds = [];
    for (let i = 0; i <= runs; i++) {
      await engine.resetChat();
      const { times } = await engine.debugTokenIds({ prompt: PROMPT, max_tokens: tokens, temperature: 0, ignore_eos: true, speculation: "off" });
      speeds.push(1000 * (times.length - 1) / (times.at(-1) - times[0]));
    }
    postMessage({ speeds: speeds.slice(1) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
