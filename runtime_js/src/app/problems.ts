/** Errors as a person meets them: what happened, what to do, and the buttons that do it. */

import { MLCEngineError, type ErrorCode } from "../support/errors.ts";
import type { Words } from "./words/en.ts";
import { WORDS } from "./words/words.ts";

/**
 * start: load the model (again). reload: load the page again, in its newest build. delete: delete the model (again).
 * new: empty the conversation or the text. leave-out: tell the model less of what came first, and go on.
 * settings: open them. dismiss: close the message.
 */
export type ProblemAction = "start" | "reload" | "delete" | "new" | "leave-out" | "settings" | "dismiss";

/** A button. */
export interface Way {
  readonly action: ProblemAction;
  /** Its words. */
  readonly label: keyof Words["ways"];
}

/** Its words. */
type ProblemName = keyof Words["problems"];

interface Known {
  /** The first is the one to take. None where nothing here helps. */
  readonly ways: readonly Way[];
  /** Whether the engine is gone and must be started before the next request. */
  readonly fatal: boolean;
}

export interface Problem extends Known {
  readonly title: string;
  readonly text: string;
  readonly fix: string;
  /** The error's own words. */
  readonly details: string;
}

const TRY_AGAIN: Way = { action: "start", label: "tryAgain" };
const START_AGAIN: Way = { action: "start", label: "startAgain" };
const LOAD_PAGE: Way = { action: "reload", label: "loadPage" };
const NEW: Way = { action: "new", label: "anew" };
const SETTINGS: Way = { action: "settings", label: "settings" };
const LEAVE_OUT: Way = { action: "leave-out", label: "leaveOut" };
const CLOSE: Way = { action: "dismiss", label: "close" };

const KNOWN: Readonly<Record<ProblemName, Known>> = {
  WebGPUNotAvailable: { ways: [LOAD_PAGE], fatal: true },
  FeatureSupport: { ways: [TRY_AGAIN, SETTINGS], fatal: true },
  Download: { ways: [TRY_AGAIN, LOAD_PAGE], fatal: true },
  NoAnswer: { ways: [TRY_AGAIN, LOAD_PAGE], fatal: true },
  Integrity: { ways: [TRY_AGAIN, LOAD_PAGE], fatal: true },
  Manifest: { ways: [LOAD_PAGE], fatal: true },
  Protocol: { ways: [LOAD_PAGE, START_AGAIN], fatal: true },
  DeviceLost: { ways: [START_AGAIN, SETTINGS], fatal: true },
  GPUExecution: { ways: [START_AGAIN], fatal: true },
  OutOfMemory: { ways: [START_AGAIN, SETTINGS], fatal: true },
  ContextWindowSizeExceeded: { ways: [LEAVE_OUT, NEW, SETTINGS], fatal: false },
  RequestValidation: { ways: [CLOSE, SETTINGS], fatal: false },
  ModelNotFound: { ways: [LOAD_PAGE], fatal: true },
  ModelNotLoaded: { ways: [START_AGAIN], fatal: true },
  QueueFull: { ways: [CLOSE], fatal: false },
  Remote: { ways: [CLOSE], fatal: false },
  Abort: { ways: [START_AGAIN], fatal: true },
  Internal: { ways: [START_AGAIN], fatal: true },
  // The model is as it was: a restart would only end at the same length.
  NoRoomToGrow: { ways: [LEAVE_OUT, NEW, SETTINGS], fatal: false },
  // What came with the start is there; what an answer needs beside (what sees, forms) comes later.
  PartMissing: { ways: [CLOSE], fatal: false },
  Replaced: { ways: [LOAD_PAGE], fatal: true },
  InsecurePage: { ways: [], fatal: true },
  WasmForbidden: { ways: [LOAD_PAGE], fatal: true },
  DeletionFailed: { ways: [{ action: "delete", label: "tryAgain" }, START_AGAIN], fatal: true },
};

function problem(name: ProblemName, details: string, known: Known = KNOWN[name]): Problem {
  return { ...WORDS.problems[name], ...known, details };
}

/** Says what to do about an error. doing: what the engine did when it came. */
export function describeProblem(error: unknown, doing: "start" | "answer"): Problem {
  const name = nameOf(error, doing);
  // A model that did not start is not there.
  const known = doing === "start" && !KNOWN[name].fatal ? { ways: [TRY_AGAIN, LOAD_PAGE], fatal: true } : KNOWN[name];
  return problem(name, error instanceof Error ? `${error.name}: ${error.message}` : String(error), known);
}

function nameOf(error: unknown, doing: "start" | "answer"): ProblemName {
  const code: ErrorCode = error instanceof MLCEngineError ? error.code : "Internal";
  if (code === "OutOfMemory" && doing === "answer") return "NoRoomToGrow";
  if (error instanceof MLCEngineError && error.details["reason"] === "replaced") return "Replaced";
  return doing === "answer" && (code === "Download" || code === "Integrity") ? "PartMissing" : code;
}

/** For pages served over plain http, where browsers offer neither WebGPU nor storage. */
export function insecurePage(): Problem {
  return problem("InsecurePage", "isSecureContext is false");
}

/** For servers whose policy is stricter than the page's own. */
export function wasmForbidden(error: unknown): Problem {
  return problem("WasmForbidden", String(error));
}

export function deletionFailed(error: unknown): Problem {
  return problem("DeletionFailed", String(error));
}
