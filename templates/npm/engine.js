/** The package in a page: an engine in a worker, whose script has all that runs a model. */

import { FeatureSupportError, openWorkerEngine, Package, scriptUrl } from "./runtime/handle.js";
import { asksForWeights, build, models } from "./models.js";

export const contents = new Package(models, asksForWeights);

export async function createEngine(config, chatOptions) {
  const { worker, shared, signal, ...more } = config ?? {};
  const [chosen, engineConfig] = contents.choose(more);
  signal?.throwIfAborted();
  const isGiven = worker !== undefined && worker !== null;
  const started = isGiven ? { worker, forget() {} } : startWorker(shared === true ? contents.sharedWorkerName(build, chosen, engineConfig, chatOptions) : "");
  try {
    return await openWorkerEngine(started.worker, chosen, engineConfig, chatOptions, { signal });
  } catch (error) {
    if (!isGiven) started.worker.terminate();
    throw error;
  } finally {
    started.forget();
  }
}

/** Browsers start scripts of the page's own origin only. Such a script may import one from elsewhere: a CDN, for instance. */
function startWorker(name) {
  if (typeof Worker !== "function") {
    throw new FeatureSupportError("There are no workers here. Import this package anywhere, but call createEngine in a browser's page.");
  }
  const { href } = new URL("./runtime/worker.js", import.meta.url);
  const script = new URL(href, globalThis.location?.href); // Turbopack's has no origin
  if (script.origin === globalThis.origin) return { worker: new Worker(scriptUrl(script.href), { type: "module", name }), forget() {} };
  const blob = URL.createObjectURL(new Blob([`import ${JSON.stringify(script.href)};`], { type: "text/javascript" }));
  return { worker: new Worker(scriptUrl(blob), { type: "module", name }), forget: () => URL.revokeObjectURL(blob) };
}
