/** The package outside of browsers. */

import { openWorkerEngine, Package, startEngine } from "./runtime/node.js";
import { asksForWeights, models } from "./models.js";

export const contents = new Package(models, asksForWeights);

/** As in a browser, with a thread in the worker's place, which no other process shares. */
export async function createEngine(config, chatOptions) {
  const { worker, shared: _, signal, ...more } = config ?? {};
  const [chosen, engineConfig] = contents.choose(more);
  signal?.throwIfAborted();
  const started = worker ?? startEngine(new URL("./runtime/node-worker.js", import.meta.url));
  try {
    return await openWorkerEngine(started, chosen, engineConfig, chatOptions, { signal });
  } catch (error) {
    if (started !== worker) started.terminate();
    throw error;
  }
}
