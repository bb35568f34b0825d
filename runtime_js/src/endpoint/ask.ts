/** The service worker's part: finds a page whose model answers, and gives its answer. */

import { MAX_BODY } from "../api/openai/limits.ts";
import { webLocks, whenFree } from "../support/web_locks.ts";
import { CANCEL, asked, isTold, type Asked, type Told } from "./messages.ts";

/** A page that says nothing for so long is of another kind, or asleep. */
const PATIENCE_MS = 1000;
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
 * Hands a request to the first of the pages that takes it.
 * @param path behind the site's address, as "v1/models"
 */
export async function askPages(request: Request, path: string, pages: readonly Page[], site: string): Promise<Response> {
  const body = request.method === "GET" || request.method === "HEAD" ? null : await request.arrayBuffer();
  if (body !== null && body.byteLength > MAX_BODY) {
    return refused(413, "invalid_request_error", "request_too_large", `The request's body has more than ${MAX_BODY} bytes.`);
  }
  const question = asked(request.method, path, request.headers, body);
  for (const page of pages) {
    const answer = await askPage(page, question);
    if (answer !== undefined) return answer;
  }
  return refused(503, "server_error", "model_not_loaded", `No page of this site has its model loaded. Open ${site} in a tab and start it.`);
}

/** The answer; undefined where the page does not take the request, or is closed before it has begun. One that is closed later breaks the answer off. */
function askPage(page: Page, question: Asked): Promise<Response | undefined> {
  const { port1: port, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    const over = new AbortController();
    const leave = (): void => {
      over.abort();
      port.postMessage(CANCEL);
      port.onmessage = null;
      port.close();
      resolve(undefined);
    };
    const timer = setTimeout(leave, PATIENCE_MS + (question.body?.byteLength ?? 0) / BYTES_PER_MS);
    let body: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
    const take = (told: Told): void => {
      clearTimeout(timer);
      switch (told.kind) {
        case "taken":
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
          resolve(new Response(told.status === 204 ? null : stream, { status: told.status, headers: told.headers }));
          break;
        }
        case "bytes":
          body?.enqueue(told.bytes);
          break;
        default:
          over.abort();
          body?.close();
          port.postMessage(CANCEL);
          port.close();
          resolve(undefined);
      }
    };
    port.onmessage = ({ data }: MessageEvent<unknown>) => take(isTold(data) ? data : { kind: "end" });
    page.postMessage(question, [port2]);
  });
}
