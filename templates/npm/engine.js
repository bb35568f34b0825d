/** The package in a page: an engine in a worker, whose script has all that runs a model. */

import { FeatureSupportError, openWorkerEngine, Package, scriptUrl } from "./runtime/handle.js";
import { asksForWeights, build, models } from "./models.js";

export const contents = new Package(models, asksForWeights, { build, start: startWorker });

export async function createEngine(config, chatOptions) {
  const { worker, shared, signal, ...more } = config ?? {};
  const [chosen, engineConfig] = contents.choose(more);
  signal?.throwIfAborted();
  const started = worker ?? startWorker(shared === true ? contents.sharedWorkerName(chosen, engineConfig, chatOptions) : "");
  try {
    return await openWorkerEngine(started, chosen, engineConfig, chatOptions, { signal });
  } catch (error) {
    if (started !== worker) started.terminate();
    throw error;
  }
}

/** Browsers start scripts of the page's own origin only. Such a script may import one from elsewhere: a CDN, for instance. */
function startWorker(name) {
  if (typeof Worker !== "function") {
    throw new FeatureSupportError("There are no workers here. Import this package anywhere, but call createEngine in a browser's page.");
  }
  const { href } = new URL("./runtime/worker.js", import.meta.url);
  const script = new URL(href, globalThis.location?.href); // Turbopack's has no origin
  if (script.origin === globalThis.origin) return new Worker(scriptUrl(script.href), { type: "module", name });
  const blob = URL.createObjectURL(new Blob([`import ${JSON.stringify(script.href)};`], { type: "text/javascript" }));
  const worker = new Worker(scriptUrl(blob), { type: "module", name });
  for (const type of ["message", "error"]) worker.addEventListener(type, () => URL.revokeObjectURL(blob), { once: true });
  return worker;
}
