/** Errors as programs written for WebLLM tell them apart: by `name`. All of them are Errors, with this engine's `code` beside. */

import { MLCEngineError, type ErrorCode } from "../support/errors.ts";

/** An error that WebLLM has a name for. */
export class NamedError extends Error {
  constructor(name: string, message: string, readonly code: ErrorCode = "RequestValidation") {
    super(message);
    this.name = name;
  }
}

/** Bytes that are not those that a digest was made of. */
export class IntegrityError extends Error {
  readonly code: ErrorCode = "Integrity";

  constructor(readonly url: string, readonly expected: string, readonly actual: string) {
    super(`Integrity verification failed for ${url}\n  Expected: ${expected}\n  Actual: ${actual}\nThis may indicate file corruption or tampering.`);
    this.name = "IntegrityError";
  }
}

/** WebLLM's name for what has none of its own here. */
function nameOf({ code, message, param }: MLCEngineError): string | undefined {
  if (code === "FeatureSupport" && message.includes("shader-f16")) return "ShaderF16SupportError";
  if (code === "ContextWindowSizeExceeded" && param === "input") return "EmbeddingExceedContextWindowSizeError";
  if (code !== "RequestValidation" || param === null) return undefined;
  if (param === "tools" && message.includes("has no tools")) return "UnsupportedModelIdError";
  if (/^messages\[[0-9]+\]\.role$/.test(param)) return "UnsupportedRoleError";
  if (/\.input_audio\b/.test(param) || /^messages\S+: (Here only WAV|The (sound|WAV file)) /.test(message)) return "AudioInputError";
  return /^response_format\b/.test(param) ? "GrammarMatcherInitError" : undefined;
}

/** The same error under the name that WebLLM gives it; most have it already. */
export function named(error: unknown): unknown {
  const name = error instanceof MLCEngineError ? nameOf(error) : undefined;
  return error instanceof MLCEngineError && name !== undefined ? Object.assign(error, { name }) : error;
}

/** Runs what may fail with one of the engine's errors. */
export async function naming<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw named(error);
  }
}
