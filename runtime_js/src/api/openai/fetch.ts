/**
 * The engine behind the `fetch` that OpenAI's client takes:
 *
 *     new OpenAI({ fetch: createFetch(engine), apiKey: "-", dangerouslyAllowBrowser: true })
 *
 * The client asks for the last option wherever a page could show a key; here there is none.
 */

import { hearing } from "../accepted.ts";
import { childController } from "../../support/abort.ts";
import { isRecord } from "../../support/fields.ts";
import { CHUNKS, HttpError, errorResponse, eventStream, laterJson, readJson } from "./http.ts";
import { MAX_BODY } from "./limits.ts";
import { parseResponseRequest, type ResponseRequest } from "./responses/request.ts";
import { renamed } from "./responses/renamed.ts";
import { ResponseWriter } from "./responses/writer.ts";
import type { ChatCompletionRequest, ChatCompletions, CompletionRequest, Completions, EmbeddingRequest, Embeddings, Models, RequestOptions } from "./types.ts";

export interface ServedEngine {
  readonly chat: { readonly completions: ChatCompletions };
  readonly completions: Completions;
  readonly embeddings: Embeddings;
  readonly models: Models;
}

type Answer<P> = object | AsyncIterableIterator<P>;

function isStream<P extends object>(answer: Answer<P>): answer is AsyncIterableIterator<P> {
  return Symbol.asyncIterator in answer;
}

/** body: whatever it is. */
function isStreamed(body: unknown): boolean {
  return isRecord(body) && body["stream"] === true;
}

/** atOnce: whether the response begins as soon as the request is accepted. */
async function answered(
  isStreamed: boolean, ask: (options: RequestOptions) => Promise<Answer<object>>, signal: AbortSignal, atOnce: boolean,
): Promise<Response> {
  const asking = childController(signal);
  let accepted = (): void => undefined;
  const isAccepted = new Promise<undefined>((resolve) => { accepted = () => resolve(undefined); });
  const answer = ask(atOnce && !isStreamed ? hearing({ signal: asking.signal }, accepted) : { signal: asking.signal });
  const first = await Promise.race([answer, isAccepted]);
  if (first === undefined) return laterJson(answer, () => asking.abort());
  return isStream(first) ? eventStream(first, CHUNKS, signal, atOnce) : Response.json(first);
}

/** OpenAI's newer endpoint, by way of a chat: nothing is stored, so that each request carries its conversation. */
async function respond({ chat }: ServedEngine, body: ResponseRequest, signal: AbortSignal, atOnce: boolean): Promise<Response> {
  const request = parseResponseRequest(body);
  const pieces = await chat.completions.create(request.chat, { signal }).catch((error: unknown) => { throw renamed(error); });
  const writer = new ResponseWriter(request);
  if (request.stream) return eventStream(pieces, writer, signal, atOnce);
  const whole = async (): Promise<object> => {
    for await (const piece of pieces) writer.piece(piece);
    writer.end();
    return writer.response;
  };
  return atOnce ? laterJson(whole(), () => void pieces.return?.()) : Response.json(await whole());
}

type Handler = (engine: ServedEngine, request: Request, atOnce: boolean) => Promise<Response>;

const POST: Readonly<Record<string, Handler>> = {
  "/chat/completions": async ({ chat }, request, atOnce) => {
    const body = await readJson<ChatCompletionRequest>(request, MAX_BODY);
    return answered(isStreamed(body), (options) => chat.completions.create(body, options), request.signal, atOnce);
  },
  "/completions": async ({ completions }, request, atOnce) => {
    const body = await readJson<CompletionRequest>(request, MAX_BODY);
    return answered(isStreamed(body), (options) => completions.create(body, options), request.signal, atOnce);
  },
  "/embeddings": async ({ embeddings }, request, atOnce) => {
    const body = await readJson<EmbeddingRequest>(request, MAX_BODY);
    return answered(false, (options) => embeddings.create(body, options), request.signal, atOnce);
  },
  "/responses": async (engine, request, atOnce) => respond(engine, await readJson<ResponseRequest>(request, MAX_BODY), request.signal, atOnce),
};

/** Who answers, with the method that it takes; undefined where nobody does. */
function route(path: string): { readonly method: "GET" | "POST"; readonly handle: Handler } | undefined {
  const [, handle] = Object.entries(POST).find(([end]) => path.endsWith(end)) ?? [];
  if (handle !== undefined) return { method: "POST", handle };
  if (path.endsWith("/models")) return { method: "GET", handle: async ({ models }) => Response.json(await models.list()) };
  const id = /[/]models[/]([^/]+)$/.exec(path)?.[1];
  if (id === undefined) return undefined;
  return { method: "GET", handle: async ({ models }) => Response.json(await models.retrieve(decoded(id))) };
}

/** Raises HttpError. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new HttpError(400, "invalid_url", `The address has a % in "${part.slice(0, 100)}" that begins no character of UTF-8.`);
  }
}

async function serve(engine: ServedEngine, request: Request, atOnce: boolean): Promise<Response> {
  const { pathname } = new URL(request.url);
  const found = route(pathname);
  if (found === undefined) {
    throw new HttpError(404, "unknown_url", `Nothing is served at ${pathname}; POST ${Object.keys(POST).join(", ")} and GET /models are.`);
  }
  const { method, handle } = found;
  const allow = method === "GET" ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  if (request.method !== method && !(request.method === "HEAD" && method === "GET")) {
    throw new HttpError(405, "method_not_allowed", `${pathname} takes ${method}, not ${request.method}.`, { allow });
  }
  return handle(engine, request, atOnce);
}

/** To a HEAD the same answer is given without its body. */
function answerTo({ method }: Request, response: Response): Response {
  return method === "HEAD" ? new Response(null, response) : response;
}

/** A `fetch` that the engine answers: chats, texts, responses and the list of models. What it does not serve gets status 404 or 405. */
export function createFetch(engine: ServedEngine): typeof fetch;
/**
 * @internal atOnce: the response begins as soon as the request is accepted, and what fails later breaks its body off. In a service worker Chromium tells
 * who leaves by that body alone: a request that waits for its response is computed to its end, whoever asked.
 */
export function createFetch(engine: ServedEngine, atOnce: boolean): typeof fetch;
export function createFetch(engine: ServedEngine, atOnce = false): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    try {
      return answerTo(request, await serve(engine, request, atOnce));
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason; // what fetch itself throws
      return answerTo(request, errorResponse(error));
    }
  };
}
