/** The engine behind the `fetch` that OpenAI's client takes: `new OpenAI({ fetch: createFetch(engine), apiKey: "-" })`. */

import { RequestValidationError, asEngineError } from "../../support/errors.ts";
import { parseChatCompletionRequest } from "./request.ts";
import type { ChatCompletionChunk, ChatCompletions } from "./types.ts";

const STATUS: Readonly<Record<string, number>> = {
  RequestValidation: 400, ContextWindowSizeExceeded: 400, ModelNotFound: 404, ModelNotLoaded: 409,
};

function errorResponse(status: number, message: string, code: string | null): Response {
  const type = status < 500 ? "invalid_request_error" : "server_error";
  return Response.json({ error: { message, type, param: null, code } }, { status });
}

/** Server-sent events, as OpenAI's server writes them. */
function eventStream(chunks: AsyncIterable<ChatCompletionChunk>): Response {
  const encoder = new TextEncoder();
  const iterator = chunks[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await iterator.next();
        controller.enqueue(encoder.encode(done ? "data: [DONE]\n\n" : `data: ${JSON.stringify(value)}\n\n`));
        if (done) controller.close();
      } catch (error) {
        controller.error(asEngineError(error));
      }
    },
    async cancel() {
      await iterator.return?.();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** A `fetch` that answers `POST …/chat/completions` with the engine; every other request gets status 404. */
export function createFetch(engine: { readonly chat: { readonly completions: ChatCompletions } }): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    try {
      if (request.method !== "POST" || !new URL(request.url).pathname.endsWith("/chat/completions")) {
        return errorResponse(404, "Only POST /chat/completions is served.", null);
      }
      const body: unknown = await request.json().catch(() => { throw new RequestValidationError("The request's body is not JSON."); });
      const parsed = parseChatCompletionRequest(body);
      const options = { signal: request.signal };
      if (parsed.stream) return eventStream(await engine.chat.completions.create(parsed, options));
      return Response.json(await engine.chat.completions.create(parsed, options));
    } catch (error) {
      if (request.signal.aborted) throw new DOMException("The request was aborted.", "AbortError"); // what fetch itself throws
      const { code, message } = asEngineError(error);
      return errorResponse(STATUS[code] ?? 500, message, code);
    }
  };
}
