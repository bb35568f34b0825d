/**
 * The engine behind the `fetch` that OpenAI's client takes:
 *
 *     new OpenAI({ fetch: createFetch(engine), apiKey: "-", dangerouslyAllowBrowser: true })
 *
 * The client asks for the last option wherever a page could show a key; here there is none.
 */

import { RequestValidationError, asEngineError, type ErrorCode, type MLCEngineError } from "../../support/errors.ts";
import type { ChatCompletionRequest, ChatCompletions, CompletionRequest, Completions } from "./types.ts";

const STATUS: Partial<Record<ErrorCode, number>> = {
  RequestValidation: 400, ContextWindowSizeExceeded: 400, ModelNotFound: 404, ModelNotLoaded: 409,
};
/** OpenAI's codes, which clients switch on. Other errors have the engine's own. */
const CODE: Partial<Record<ErrorCode, string>> = {
  ContextWindowSizeExceeded: "context_length_exceeded", ModelNotFound: "model_not_found",
};

export interface ServedEngine {
  readonly chat: { readonly completions: ChatCompletions };
  readonly completions: Completions;
}

interface ErrorBody {
  readonly error: { readonly message: string; readonly type: string; readonly param: string | null; readonly code: string };
}

function statusOf({ code }: MLCEngineError): number {
  return STATUS[code] ?? 500;
}

function errorBody(error: MLCEngineError, code = CODE[error.code] ?? error.code): ErrorBody {
  const { param } = error.details;
  return {
    error: {
      message: error.message,
      type: statusOf(error) < 500 ? "invalid_request_error" : "server_error",
      param: typeof param === "string" ? param : null,
      code,
    },
  };
}

/** A second try would fail the same way, after as long. */
const NO_RETRY = { "x-should-retry": "false" };

function errorResponse(thrown: unknown): Response {
  const error = asEngineError(thrown);
  return Response.json(errorBody(error), { status: statusOf(error), headers: NO_RETRY });
}

function notFound(): Response {
  const error = new RequestValidationError("Only POST /chat/completions and POST /completions are served.");
  return Response.json(errorBody(error, "unknown_url"), { status: 404, headers: NO_RETRY });
}

/**
 * Server-sent events, as OpenAI's server writes them. What fails before the `opening` pieces are there has a status of its own; after `signal`
 * has ended the pieces, the body fails as one of fetch itself does.
 */
async function eventStream(pieces: AsyncIterableIterator<object>, opening: number, signal: AbortSignal): Promise<Response> {
  const encoder = new TextEncoder();
  const event = (data: string): Uint8Array => encoder.encode(`data: ${data}\n\n`);
  const first: IteratorResult<object>[] = [];
  while (first.length < opening) first.push(await pieces.next());
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = first.shift() ?? await pieces.next();
        controller.enqueue(event(done ? "[DONE]" : JSON.stringify(value)));
        if (done) controller.close();
      } catch (error) {
        if (signal.aborted) return controller.error(signal.reason);
        controller.enqueue(event(JSON.stringify(errorBody(asEngineError(error)))));
        controller.close();
      }
    },
    async cancel() {
      await pieces.return?.();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

function isStream<W extends object, P>(answer: W | AsyncIterableIterator<P>): answer is AsyncIterableIterator<P> {
  return Symbol.asyncIterator in answer;
}

/** A `fetch` that answers `POST …/chat/completions` and `POST …/completions` with the engine; every other request gets status 404. */
export function createFetch(engine: ServedEngine): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { signal } = request;
    const { pathname } = new URL(request.url);
    if (request.method !== "POST" || !pathname.endsWith("/completions")) return notFound();
    try {
      const body: ChatCompletionRequest & CompletionRequest = await request.json().catch(() => {
        throw new RequestValidationError("The request's body is not JSON.");
      });
      const isChat = pathname.endsWith("/chat/completions");
      const answer = isChat ? await engine.chat.completions.create(body, { signal }) : await engine.completions.create(body, { signal });
      return isStream<object, object>(answer) ? await eventStream(answer, isChat ? 2 : 1, signal) : Response.json(answer);
    } catch (error) {
      if (signal.aborted) throw signal.reason; // what fetch itself throws
      return errorResponse(error);
    }
  };
}
