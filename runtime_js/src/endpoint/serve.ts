/** OpenAI's server in a program's own service worker: what the pages of its site ask for below an address is answered by an engine there. */

import { createFetch, type ServedEngine } from "../api/openai/fetch.ts";
import { errorResponse } from "../api/openai/http.ts";
import { mayBeAnswered } from "./messages.ts";

/** A request of a page, to its service worker. */
interface FetchEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
  waitUntil(work: Promise<unknown>): void;
}

function isFetchEvent(event: object): event is FetchEvent {
  return "request" in event && "respondWith" in event && "waitUntil" in event;
}

/** The address that a service worker's pages lie below. */
export function scopeHere(): string {
  const registration: unknown = Reflect.get(globalThis, "registration");
  const told: unknown = typeof registration === "object" && registration !== null ? Reflect.get(registration, "scope") : undefined;
  return typeof told === "string" ? told : globalThis.location.href;
}

/** Gives requests below `path`, which is meant from the service worker's scope, to `answer`. */
export function answerBelow(path: string, answer: (request: Request) => Promise<Response>): void {
  const base = new URL(path.endsWith("/") ? path : `${path}/`, scopeHere()).href;
  globalThis.addEventListener("fetch", (event) => {
    if (isFetchEvent(event) && event.request.url.startsWith(base) && mayBeAnswered(event.request)) {
      event.respondWith(answer(event.request).then((response) => kept(response, event)));
    }
  });
}

/** While somebody reads the answer, the browser is to let the service worker live; who leaves ends it. */
function kept(response: Response, event: FetchEvent): Response {
  if (response.body === null) return response;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  event.waitUntil(response.body.pipeTo(writable).catch(() => undefined));
  return new Response(readable, response);
}

/**
 * Called by a service worker's script as it starts. `fetch("/v1/chat/completions", ...)`, and clients of OpenAI's whose `baseURL` is the site's "v1", are
 * then answered in every page of the site, with no import there:
 *
 *     import { createEngine, serveEndpoint } from "package/static";
 *     serveEndpoint(() => createEngine());
 *
 * @param open makes the engine for the first request, again where that failed, and whenever the browser has stopped the service worker meanwhile
 * @param path meant from the service worker's scope
 */
export function serveEndpoint(open: () => ServedEngine | Promise<ServedEngine>, path = "v1/"): void {
  let engine: Promise<ServedEngine> | undefined;
  const opened = async (): Promise<ServedEngine> => open();
  answerBelow(path, async (request) => {
    try {
      return await createFetch(await (engine ??= opened()), true)(request);
    } catch (error) {
      if (request.signal.aborted) throw error;
      engine = undefined;
      return errorResponse(error);
    }
  });
}
