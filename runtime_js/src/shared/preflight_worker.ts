/** The site's worker where it only measures, before anything is loaded. */

import type { ModelChoice } from "../engine/choice.ts";
import { preflight, type Preflight } from "../engine/preflight.ts";
import { toWire, type WireError } from "../support/errors.ts";

/** What it is told, and says. Both sides are of one build, so neither checks the other. */
export interface PreflightRequest {
  readonly choice: ModelChoice;
}
export type PreflightReply =
  | { readonly kind: "preflight"; readonly found: Preflight }
  | { readonly kind: "failed"; readonly error: WireError };

/** Until the worker is ended, which stops whatever is under way. */
export function servePreflight(): void {
  const reply = (message: PreflightReply): void => globalThis.postMessage(message);
  globalThis.addEventListener("message", ({ data }: MessageEvent<PreflightRequest>) => {
    preflight(data.choice, new AbortController().signal).then(
      (found) => reply({ kind: "preflight", found }), (error: unknown) => reply({ kind: "failed", error: toWire(error) }));
  });
}
