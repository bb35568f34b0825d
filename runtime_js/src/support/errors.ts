/**
 * The error tree. Every error the engine throws is an MLCEngineError with a stable `code`; it crosses
 * `postMessage` as `{code, message, details}` and has its class again on the other side.
 *
 *     MLCEngineError
 *       WebGPUNotAvailableError          no WebGPU in this browser, or no usable adapter
 *       FeatureSupportError              the adapter lacks a feature or limit that every variant needs
 *       DeviceLostError                  the GPU went away; reload the model
 *       GPUExecutionError                the GPU refused a command or a shader
 *       OutOfMemoryError                 the GPU has no room for the weights or the cache
 *       ModelNotFoundError               the model id is in no model_list and is no URL
 *       ModelNotLoadedError              a request came before a model was loaded
 *       ManifestError                    manifest, plan or tokenizer is malformed or of an unknown version
 *       IntegrityError                   a file's bytes are not those that the manifest names
 *       DownloadError                    a file is missing or could not be fetched
 *       NoAnswerError                    the browser has lost what it was asked for: it neither gives it nor refuses
 *       RequestValidationError           a request has a wrong, unknown or missing field
 *       ContextWindowSizeExceededError   the prompt does not fit into the context window
 *       QueueFullError                   too many requests wait
 *       RemoteError                      a remote model cannot be reached, or does not answer as OpenAI's would
 *       AbortError                       the caller stopped it
 *       ProtocolError                    a malformed message between page and worker
 *       InternalError                    anything else: a bug
 */

export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** What an error is between page and worker. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  RequestValidation: 400, ContextWindowSizeExceeded: 400, ModelNotFound: 404, ModelNotLoaded: 409, QueueFull: 429, OutOfMemory: 507,
};

export class MLCEngineError extends Error {
  constructor(readonly code: ErrorCode, message: string, readonly details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = `${code}Error`; // not the class's own name, which a minifier changes
  }

  /** An error of a site's part, which has classes of its own, is one of these too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    if (!(value instanceof Error) || !("code" in value) || typeof value.code !== "string" || !isErrorCode(value.code)) return false;
    const classes: readonly unknown[] = [MLCEngineError, ERROR_CLASSES[value.code]];
    return value.name === `${value.code}Error` && classes.includes(this);
  }

  /** As the errors of OpenAI's client have it: the status that a server would answer with. */
  get status(): number {
    return STATUS[this.code] ?? 500;
  }

  /** OpenAI's kind of error. */
  get type(): "invalid_request_error" | "rate_limit_error" | "server_error" {
    return this.code === "QueueFull" ? "rate_limit_error" : this.status < 500 ? "invalid_request_error" : "server_error";
  }

  /** The field of the request that is wrong, where it is one. */
  get param(): string | null {
    const { param } = this.details;
    return typeof param === "string" ? param : null;
  }
}

export class WebGPUNotAvailableError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("WebGPUNotAvailable", message, details);
  }
}

export class FeatureSupportError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("FeatureSupport", message, details);
  }
}

export class DeviceLostError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("DeviceLost", message, details);
  }
}

export class GPUExecutionError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("GPUExecution", message, details);
  }
}

export class OutOfMemoryError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("OutOfMemory", message, details);
  }
}

export class ModelNotFoundError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("ModelNotFound", message, details);
  }
}

export class ModelNotLoadedError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("ModelNotLoaded", message, details);
  }
}

export class ManifestError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("Manifest", message, details);
  }
}

export class IntegrityError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("Integrity", message, details);
  }
}

export class DownloadError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails, cause?: unknown) {
    super("Download", message, details, cause);
  }
}

export class NoAnswerError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("NoAnswer", message, details);
  }
}

export class RequestValidationError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("RequestValidation", message, details);
  }
}

export class ContextWindowSizeExceededError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("ContextWindowSizeExceeded", message, details);
  }
}

export class QueueFullError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("QueueFull", message, details);
  }
}

export class RemoteError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails, cause?: unknown) {
    super("Remote", message, details, cause);
  }
}

export class AbortError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails, cause?: unknown) {
    super("Abort", message, details, cause);
  }
}

export class ProtocolError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails) {
    super("Protocol", message, details);
  }
}

export class InternalError extends MLCEngineError {
  constructor(message: string, details?: ErrorDetails, cause?: unknown) {
    super("Internal", message, details, cause);
  }
}

export const ERROR_CLASSES = {
  WebGPUNotAvailable: WebGPUNotAvailableError,
  FeatureSupport: FeatureSupportError,
  DeviceLost: DeviceLostError,
  GPUExecution: GPUExecutionError,
  OutOfMemory: OutOfMemoryError,
  ModelNotFound: ModelNotFoundError,
  ModelNotLoaded: ModelNotLoadedError,
  Manifest: ManifestError,
  Integrity: IntegrityError,
  Download: DownloadError,
  NoAnswer: NoAnswerError,
  RequestValidation: RequestValidationError,
  ContextWindowSizeExceeded: ContextWindowSizeExceededError,
  QueueFull: QueueFullError,
  Remote: RemoteError,
  Abort: AbortError,
  Protocol: ProtocolError,
  Internal: InternalError,
} as const;

export type ErrorCode = keyof typeof ERROR_CLASSES;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CLASSES, code);
}

/** What browsers say where they have no memory, of a RangeError or of Firefox's own InternalError. */
const NO_MEMORY = /allocat|memory/i;

/** Gives anything that was thrown a place in the tree. */
export function asEngineError(thrown: unknown): MLCEngineError {
  if (thrown instanceof MLCEngineError) return thrown;
  if (thrown instanceof Error && thrown.name === "AbortError") return new AbortError(thrown.message);
  if (thrown instanceof Error && /^(Range|Internal)Error$/.test(thrown.name) && NO_MEMORY.test(thrown.message)) {
    return new OutOfMemoryError(`There is no memory left (${thrown.message}). Close other pages, or load with a smaller context window or a smaller model.`);
  }
  return new InternalError(thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown), {}, thrown);
}

export function toWire(thrown: unknown): WireError {
  const { code, message, details } = asEngineError(thrown);
  return { code, message, details };
}

export function fromWire(error: WireError): MLCEngineError {
  return new ERROR_CLASSES[error.code](error.message, error.details);
}
