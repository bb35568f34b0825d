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

/** The same error under the name that WebLLM gives it; most have it already. */
export function named(error: unknown): unknown {
  if (!(error instanceof MLCEngineError)) return error;
  const isAboutF16 = error.code === "FeatureSupport" && error.message.includes("shader-f16");
  return isAboutF16 ? Object.assign(error, { name: "ShaderF16SupportError" }) : error;
}

/** Runs what may fail with one of the engine's errors. */
export async function naming<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw named(error);
  }
}
