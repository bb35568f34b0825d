/** Errors as a person meets them: what happened, what to do, and the buttons that do it. */

import { MLCEngineError, type ErrorCode } from "../support/errors.ts";

/**
 * start: load the model (again). reload: load the page again, in its newest build. delete: delete the model (again).
 * new: empty the conversation or the text. leave-out: tell the model less of what came first, and go on.
 * settings: open them. dismiss: close the message.
 */
export type ProblemAction = "start" | "reload" | "delete" | "new" | "leave-out" | "settings" | "dismiss";

/** A button. */
export interface Way {
  readonly action: ProblemAction;
  readonly label: string;
}

export interface Problem {
  readonly title: string;
  readonly text: string;
  readonly fix: string;
  /** The first is the one to take. None where nothing here helps. */
  readonly ways: readonly Way[];
  /** The error's own words. */
  readonly details: string;
  /** Whether the engine is gone and must be started before the next request. */
  readonly fatal: boolean;
}

type Known = Omit<Problem, "details">;

const BROWSERS = "Use a current Chrome or Edge, Safari 26 or newer, or Firefox 141 or newer, with graphics acceleration switched on.";
const TRY_AGAIN: Way = { action: "start", label: "Try again" };
const START_AGAIN: Way = { action: "start", label: "Start the model again" };
const LOAD_PAGE: Way = { action: "reload", label: "Load the page again" };
const NEW: Way = { action: "new", label: "Start anew" };
const SETTINGS: Way = { action: "settings", label: "Open the settings" };

const KNOWN: Partial<Record<ErrorCode, Known>> = {
  WebGPUNotAvailable: {
    title: "This browser does not offer WebGPU",
    text: "The model runs on this device's GPU, and the browser gives pages no access to it.",
    fix: BROWSERS,
    ways: [LOAD_PAGE],
    fatal: true,
  },
  FeatureSupport: {
    title: "This device cannot run the model",
    text: "The browser, or the GPU, lacks a feature or a limit that the model needs.",
    fix: "Update the browser and the graphics driver, choose in the settings what computes, or use another device.",
    ways: [TRY_AGAIN, SETTINGS],
    fatal: true,
  },
  Download: {
    title: "The download stopped",
    text: "A file of the model could not be fetched. What has arrived so far is kept.",
    fix: "Check the connection and try again: it goes on where it stopped. If the connection is good, the site may have a newer version: load the page again.",
    ways: [TRY_AGAIN, LOAD_PAGE],
    fatal: true,
  },
  NoAnswer: {
    title: "The browser does not answer",
    text: "It was asked for something that the model needs, and has neither given nor refused it. What was downloaded is kept.",
    fix: "Try again. If it stays, close other pages of this site and load this one again, or restart the browser.",
    ways: [TRY_AGAIN, LOAD_PAGE],
    fatal: true,
  },
  Integrity: {
    title: "A file arrived damaged",
    text: "Its checksum is not the one that belongs to this model, so it was thrown away.",
    fix: "Try again, or load the page again. If it stays, the site was not uploaded completely.",
    ways: [TRY_AGAIN, LOAD_PAGE],
    fatal: true,
  },
  Manifest: {
    title: "The model's description cannot be read",
    text: "The site's files do not fit together.",
    fix: "Load the page again. If it stays, the site must be built and uploaded again.",
    ways: [LOAD_PAGE],
    fatal: true,
  },
  Protocol: {
    title: "The engine could not go on",
    text: "The site may have been updated while this page was open, so that a part of the old version is gone. The conversation is kept.",
    fix: "Load the page again. If it stays, the site must be built and uploaded again.",
    ways: [LOAD_PAGE, START_AGAIN],
    fatal: true,
  },
  DeviceLost: {
    title: "The GPU was lost",
    text: "The graphics driver was reset, or the system took the GPU away. The conversation is kept.",
    fix: "Start the model again. If it happens often, close other pages that use the GPU, or choose a shorter context in the settings.",
    ways: [START_AGAIN, SETTINGS],
    fatal: true,
  },
  GPUExecution: {
    title: "The GPU refused its work",
    text: "The browser reported an error of the graphics driver. The conversation is kept.",
    fix: "Start the model again. If it stays, update the browser and the graphics driver.",
    ways: [START_AGAIN],
    fatal: true,
  },
  OutOfMemory: {
    title: "There is too little free memory",
    text: "Weights and conversation do not fit. The conversation is kept.",
    fix: "Close other pages and programs that take memory or use the GPU, or choose a shorter context in the settings, and start again.",
    ways: [START_AGAIN, SETTINGS],
    fatal: true,
  },
  ContextWindowSizeExceeded: {
    title: "The conversation has become too long",
    text: "It no longer fits into the context that the settings give the model.",
    fix: "Let the model forget the oldest part, start anew, or choose a longer context in the settings.",
    ways: [{ action: "leave-out", label: "Leave out the oldest part" }, NEW, SETTINGS],
    fatal: false,
  },
  RequestValidation: {
    title: "The model did not accept the request",
    text: "One of the settings does not suit it.",
    fix: "Look at the settings and send the message again.",
    ways: [{ action: "dismiss", label: "Close" }, SETTINGS],
    fatal: false,
  },
};

/** Where memory runs out while the conversation grows, the model is as it was: a restart would only end at the same length. */
const NO_ROOM_TO_GROW: Known = {
  title: "There is no room for a longer conversation",
  text: "The model still runs, but its memory cannot grow to hold all of this.",
  fix: "Let the model forget the oldest part, start anew, or choose a shorter context in the settings. Other pages also take room.",
  ways: [{ action: "leave-out", label: "Leave out the oldest part" }, NEW, SETTINGS],
  fatal: false,
};

/** A page that was open while a newer build took the place of the files that it needs. */
const REPLACED: Known = {
  title: "A newer version of this site is there",
  text: "It has taken the place of the model that this page is of. The conversation is kept.",
  fix: "Load the page again.",
  ways: [LOAD_PAGE],
  fatal: true,
};

const UNKNOWN: Known = {
  title: "Something went wrong",
  text: "An error came up that this page does not know. The conversation is kept.",
  fix: "Start the model again.",
  ways: [START_AGAIN],
  fatal: true,
};

/** Says what to do about an error. doing: what the engine did when it came. */
export function describeProblem(error: unknown, doing: "start" | "answer"): Problem {
  return { ...knownProblem(error, doing), details: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

function knownProblem(error: unknown, doing: "start" | "answer"): Known {
  if (!(error instanceof MLCEngineError)) return UNKNOWN;
  if (error.code === "OutOfMemory" && doing === "answer") return NO_ROOM_TO_GROW;
  if (error.details["reason"] === "replaced") return REPLACED;
  const known = KNOWN[error.code] ?? UNKNOWN;
  // A model that did not start is not there.
  return doing === "start" && !known.fatal ? { ...known, ways: [TRY_AGAIN, LOAD_PAGE], fatal: true } : known;
}

/** For pages served over plain http, where browsers offer neither WebGPU nor storage. */
export const INSECURE_PAGE: Problem = {
  title: "This page must be opened over https",
  text: "Browsers give WebGPU and storage only to pages from a secure address.",
  fix: "Open the same address with https://, or use http://localhost on your own machine.",
  ways: [],
  details: "isSecureContext is false",
  fatal: true,
};

/** For servers whose policy is stricter than the page's own. */
export function wasmForbidden(error: unknown): Problem {
  return {
    title: "This site's server forbids WebAssembly",
    text: "A part of the model is WebAssembly, and the server's Content-Security-Policy does not let this page run any.",
    fix: "Whoever runs the site must add 'wasm-unsafe-eval' to script-src of the header Content-Security-Policy.",
    ways: [LOAD_PAGE],
    details: String(error),
    fatal: true,
  };
}

export function deletionFailed(error: unknown): Problem {
  return {
    title: "The model could not be deleted",
    text: "The browser did not let this page remove all of its files.",
    fix: "Close other tabs that show this page, and try again.",
    ways: [{ action: "delete", label: "Try again" }, START_AGAIN],
    details: String(error),
    fatal: true,
  };
}
