/** Lets a worker of its own find out what a model would be like here; the worker's end gives back all that it took. */

import type { ModelChoice } from "../engine/choice.ts";
import type { Preflight } from "../engine/preflight.ts";
import type { PreflightReply, PreflightRequest } from "../shared/preflight_worker.ts";
import { AbortError, NoAnswerError, fromWire } from "../support/errors.ts";
import { preflightName, type SitePart } from "../support/site_parts.ts";
import type { WorkerScript } from "./worker-script.ts";

/** The library comes over the network; measuring takes two seconds. */
const PATIENCE_MS = 20_000;

/** Raises what a load would raise before it fetched weights; AbortError where the signal comes first. */
export async function findPreflight(
  script: WorkerScript, parts: Readonly<Record<SitePart, string>>, choice: ModelChoice, signal: AbortSignal,
): Promise<Preflight> {
  const start = await script.load();
  if (signal.aborted) throw new AbortError("Nobody waits for it any more.");
  const worker = start(preflightName(parts));
  const done = new AbortController();
  try {
    return await new Promise<Preflight>((resolve, reject) => {
      const timer = setTimeout(() => reject(new NoAnswerError("The worker that measures says nothing.")), PATIENCE_MS);
      done.signal.addEventListener("abort", () => clearTimeout(timer));
      signal.addEventListener("abort", () => reject(new AbortError("Nobody waits for it any more.")), { once: true, signal: done.signal });
      worker.onerror = ({ message }) => reject(new NoAnswerError(`The worker that measures failed (${message}).`));
      worker.onmessage = ({ data }: MessageEvent<PreflightReply>) => {
        if (data.kind === "preflight") resolve(data.found);
        else if (data.kind === "failed") reject(fromWire(data.error));
      };
      worker.postMessage({ choice } satisfies PreflightRequest);
    });
  } finally {
    done.abort();
    worker.terminate();
  }
}
