/** The service worker's part: finds a page whose model answers, and gives its answer. */

import { readBody } from "../api/openai/body.ts";
import { MAX_BODY } from "../api/openai/limits.ts";
import { inTime } from "../support/patience.ts";
import { webLocks, whenFree } from "../support/web_locks.ts";
import { CANCEL, asked, isTold, type Asked, type Told } from "./messages.ts";

/** A page that says nothing for so long may be busy, asleep or of another kind: the next is asked beside it. */
const SILENCE_MS = 1000;
/** For how long the pages that are left may be too busy to say anything. */
const PATIENCE_MS = 30_000;
/** Of a request, as fast as browsers hand it over and slow devices read which model it names. */
const BYTES_PER_MS = 10_000;

/** A page of the site. */
export interface Page {
  postMessage(message: unknown, transfer: Transferable[]): void;
}

export interface Client extends Page {
  readonly url: string;
}

/** Pages below an address, in a service worker: first those that were looked at last. It need not control them, as it does not control who registered it. */
export async function pagesBelow(site: string): Promise<readonly Client[]> {
  const clients: unknown = Reflect.get(globalThis, "clients");
  if (!isClients(clients)) return [];
  return (await clients.matchAll({ type: "window", includeUncontrolled: true })).filter(({ url }) => url.startsWith(site));
}

function isClients(value: unknown): value is { matchAll(options: object): Promise<readonly Client[]> } {
  return typeof value === "object" && value !== null && "matchAll" in value;
}

/** As OpenAI's server says it. */
function refused(status: number, type: string, code: string, message: string): Response {
  return Response.json({ error: { message, type, param: null, code } }, { status, headers: { "x-should-retry": "false" } });
}

/**
 * Hands a request to the first of the pages that takes it. Rejects where the asker leaves before its answer has begun.
 * @param path behind the site's address, as "v1/models"
 */
export async function askPages(request: Request, path: string, pages: readonly Page[], site: string): Promise<Response> {
  const body = request.method === "GET" || request.method === "HEAD" ? null : await readBody(request, MAX_BODY);
  if (body === undefined) return refused(413, "invalid_request_error", "request_too_large", `The request's body has more than ${MAX_BODY} bytes.`);
  const size = body?.byteLength ?? 0;
  const question = asked(request.method, path, request.headers, body);
  const [waiting, calls] = [[...pages], new Set<Call>()];
  while (waiting.length + calls.size > 0) {
    const page = waiting.shift();
    const newest = page === undefined ? [...calls] : [callPage(page, question, request.signal)];
    for (const call of newest) calls.add(call);
    const patience = (page === undefined ? PATIENCE_MS : SILENCE_MS) + size / BYTES_PER_MS;
    const refusal = (): undefined => undefined;
    const taker = await inTime(Promise.race([firstTaken(newest), firstTaken(calls)]).catch(refusal), patience);
    if (taker === undefined && page !== undefined) continue;
    for (const call of calls) if (call !== taker) call.leave();
    calls.clear();
    const response = await taker?.response;
    request.signal.throwIfAborted();
    if (response !== undefined) return response;
  }
  return refused(503, "server_error", "model_not_loaded", `No page of this site has its model loaded. Open ${site} in a tab and start it.`);
}

/** A page that is asked. */
interface Call {
  /** This, once the page takes the request. Rejects where it does not. */
  readonly taken: Promise<Call>;
  /** Undefined where the page is closed before it has begun. One that is closed later breaks the answer off. */
  readonly response: Promise<Response | undefined>;
  leave(): void;
}

/** Rejects where all refuse. */
function firstTaken(calls: Iterable<Call>): Promise<Call> {
  return Promise.any([...calls].map(({ taken }) => taken));
}

/** @param signal aborts when the asker leaves before the response; a stream is cancelled instead */
function callPage(page: Page, question: Asked, signal: AbortSignal): Call {
  const { port1: port, port2 } = new MessageChannel();
  const over = new AbortController();
  let take = (): void => undefined;
  let refuse = take;
  let respond = (_: Response | undefined): void => undefined;
  const leave = (): void => {
    over.abort();
    port.postMessage(CANCEL);
    port.onmessage = null;
    port.close();
    refuse();
    respond(undefined);
  };
  const call: Call = {
    taken: new Promise<void>((resolve, reject) => { [take, refuse] = [resolve, reject]; }).then(() => call),
    response: new Promise((resolve) => { respond = resolve; }),
    leave,
  };
  let body: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  const hear = (told: Told): void => {
    switch (told.kind) {
      case "taken":
        take();
        break;
      case "alive": {
        const locks = webLocks();
        const isGone = (): void => {
          body?.error(new TypeError("The page that answered was closed."));
          leave();
        };
        if (locks !== undefined) whenFree(locks, told.lock, isGone, over.signal);
        break;
      }
      case "head": {
        const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
          start(controller) { body = controller; },
          cancel() { leave(); },
        });
        respond(new Response(told.status === 204 ? null : stream, { status: told.status, headers: told.headers }));
        break;
      }
      case "broken":
        body?.error(new TypeError("The answer failed. The console of the page that answered says why."));
        leave();
        break;
      case "bytes":
        body?.enqueue(told.bytes);
        break;
      default:
        body?.close();
        leave();
    }
  };
  port.onmessage = ({ data }: MessageEvent<unknown>) => hear(isTold(data) ? data : { kind: "end" });
  signal.addEventListener("abort", () => {
    body?.error(signal.reason);
    leave();
  }, { once: true, signal: over.signal });
  page.postMessage(question, [port2]);
  return call;
}
