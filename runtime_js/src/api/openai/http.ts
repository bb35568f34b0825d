/** What HTTP adds to an answer: statuses, error bodies, bodies that are bounded, and server-sent events. */

import { log } from "../../support/log.ts";
import { AbortError, RequestValidationError, asEngineError, type ErrorCode, type MLCEngineError } from "../../support/errors.ts";
import { readBody } from "./body.ts";

/** OpenAI's codes, which clients switch on. Other errors have the engine's own. */
const CODE: Partial<Record<ErrorCode, string>> = {
  RequestValidation: "invalid_value", ContextWindowSizeExceeded: "context_length_exceeded", ModelNotFound: "model_not_found",
  ModelNotLoaded: "model_not_loaded", QueueFull: "rate_limit_exceeded",
};

export interface OpenAIError {
  readonly message: string;
  readonly type: MLCEngineError["type"];
  readonly param: string | null;
  readonly code: string;
}

/** An error of the request itself, before an engine has seen it. */
export class HttpError extends RequestValidationError {
  readonly #status: number;

  constructor(status: number, readonly openAICode: string, message: string, readonly headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.#status = status;
  }

  override get status(): number {
    return this.#status;
  }
}

export function openAIError(thrown: unknown): OpenAIError {
  const error = asEngineError(thrown);
  return {
    message: error.message, type: error.type, param: error.param,
    code: error instanceof HttpError ? error.openAICode : CODE[error.code] ?? error.code,
  };
}

export function errorResponse(thrown: unknown): Response {
  const error = asEngineError(thrown);
  // But for a full queue, a second try would fail the same way, after as long.
  const retry = error.code === "QueueFull" ? { "x-should-retry": "true", "retry-after": "1" } : { "x-should-retry": "false" };
  const headers = { ...retry, ...(error instanceof HttpError && error.headers) };
  return Response.json({ error: openAIError(error) }, { status: error.status, headers });
}

/** The body as JSON of at most `limit` bytes, for whoever reads it field by field. Raises HttpError. */
export async function readJson<T>(request: Request, limit: number): Promise<T> {
  const body = await readBody(request, limit);
  if (body === undefined) throw new HttpError(413, "request_too_large", `The request's body has more than ${limit} bytes.`);
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw new HttpError(400, "invalid_json", "The request's body is not JSON.");
  }
}

/** One event of a stream: its name, where it has one, and its data. */
export interface ServerEvent {
  readonly name?: string | undefined;
  readonly data: object | "[DONE]";
}

/** What a stream's pieces become. */
export interface EventWriter<P> {
  piece(piece: P): readonly ServerEvent[];
  end(): readonly ServerEvent[];
  fail(error: unknown): readonly ServerEvent[];
}

/** Pieces as they are, as OpenAI's server writes chunks. */
export const CHUNKS: EventWriter<object> = {
  piece: (data) => [{ data }],
  end: () => [{ data: "[DONE]" }],
  fail: (error) => [{ data: { error: openAIError(error) } }],
};

/** The response to a request that is accepted. What fails now breaks the body off. leave: called where nobody waits for it any more. */
export function laterJson(answer: Promise<object>, leave: () => void): Response {
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      try {
        controller.enqueue(new TextEncoder().encode(JSON.stringify(await answer)));
        controller.close();
      } catch (error) {
        if (!(error instanceof AbortError)) log.warn(`The answer to a request failed: ${String(error)}`);
        controller.error(error);
      }
    },
    cancel: leave,
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

/**
 * Server-sent events of an answer. What fails before the first piece rejects, and so has a status of its own, unless the response is to begin
 * at once. After `signal` has ended the pieces, the body fails as one of fetch itself does.
 */
export async function eventStream<P extends object>(
  pieces: AsyncIterableIterator<P>, writer: EventWriter<P>, signal: AbortSignal, atOnce = false,
): Promise<Response> {
  const encoder = new TextEncoder();
  const encode = ({ name, data }: ServerEvent): Uint8Array => encoder.encode(
    `${name === undefined ? "" : `event: ${name}\n`}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
  const first = atOnce ? [] : [await pieces.next()];
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const send = (events: readonly ServerEvent[]): void => events.forEach((event) => controller.enqueue(encode(event)));
      try {
        for (let sent = 0; sent === 0;) {
          const { done, value } = first.shift() ?? await pieces.next();
          const events = done ? writer.end() : writer.piece(value);
          send(events);
          if (done) return controller.close();
          sent = events.length;
        }
      } catch (error) {
        if (signal.aborted) return controller.error(signal.reason);
        send(writer.fail(error));
        controller.close();
      }
    },
    async cancel() {
      await pieces.return?.();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
}
