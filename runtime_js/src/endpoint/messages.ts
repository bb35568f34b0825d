/** What a site's service worker and its pages say to each other about a request to `v1/`. */

import { isRecord } from "../support/fields.ts";

const ASKED = "webllm-build:ask";

/** A request that the service worker hands to a page; the answer comes through the port that comes with it. */
export interface Asked {
  readonly kind: typeof ASKED;
  readonly method: string;
  /** Behind the site's address, as "v1/chat/completions". */
  readonly path: string;
  readonly headers: [string, string][];
  readonly body: ArrayBuffer | null;
}

/** From a page: that it takes the request or does not, and then the answer in its parts. */
export type Told =
  | { readonly kind: "refused" | "taken" | "end" | "broken" }
  /** lock: held by the page while it answers. */
  | { readonly kind: "alive"; readonly lock: string }
  | { readonly kind: "head"; readonly status: number; readonly headers: [string, string][] }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> };

/** To the page, through the port: nobody waits any more. */
export const CANCEL = "cancel";

export function asked(method: string, path: string, headers: Headers, body: ArrayBuffer | null): Asked {
  return { kind: ASKED, method, path, headers: [...headers], body };
}

export function isAsked(data: unknown): data is Asked {
  return isRecord(data) && data["kind"] === ASKED && typeof data["path"] === "string";
}

/** Both sides are of one origin, and of one build or the next to it: what is not known is an end. */
export function isTold(data: unknown): data is Told {
  return isRecord(data) && ["refused", "taken", "alive", "end", "broken", "head", "bytes"].includes(String(data["kind"]));
}

/** Whether a site's endpoint answers it: a navigation may be a form of another site's, which is to have nothing computed. */
export function mayBeAnswered({ mode, method }: Request): boolean {
  return mode !== "navigate" || method === "GET";
}
