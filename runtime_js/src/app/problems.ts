/** Errors as a person meets them: what happened, what to do, and the button that does it. */

import { MLCEngineError, type ErrorCode } from "../support/errors.ts";

/** start: load the model (again). new-chat: empty the conversation. dismiss: close the message. none: nothing here helps. */
export type ProblemAction = "start" | "new-chat" | "dismiss" | "none";

export interface Problem {
  readonly title: string;
  readonly text: string;
  readonly fix: string;
  readonly action: ProblemAction;
  readonly button: string;
  /** The error's own words. */
  readonly details: string;
  /** Whether the engine is gone and must be started before the next request. */
  readonly fatal: boolean;
}

type Known = Omit<Problem, "details">;

const BROWSERS = "Use a current Chrome or Edge, Safari 26 or newer, or Firefox 141 or newer, with graphics acceleration switched on.";

const KNOWN: Partial<Record<ErrorCode, Known>> = {
  WebGPUNotAvailable: {
    title: "This browser does not offer WebGPU",
    text: "The model runs on this device's GPU, and the browser gives pages no access to it.",
    fix: BROWSERS,
    action: "start",
    button: "Try again",
    fatal: true,
  },
  FeatureSupport: {
    title: "This GPU cannot run the model",
    text: "The browser's WebGPU lacks a feature or a limit that the model needs.",
    fix: "Update the browser and the graphics driver, or use another device.",
    action: "start",
    button: "Try again",
    fatal: true,
  },
  Download: {
    title: "The download stopped",
    text: "A file of the model could not be fetched. What has arrived so far is kept.",
    fix: "Check the connection and try again: it goes on where it stopped.",
    action: "start",
    button: "Try again",
    fatal: true,
  },
  Integrity: {
    title: "A file arrived damaged",
    text: "Its checksum is not the one that belongs to this model, so it was thrown away.",
    fix: "Try again. If it stays, the site was not uploaded completely.",
    action: "start",
    button: "Try again",
    fatal: true,
  },
  Manifest: {
    title: "The model's description cannot be read",
    text: "The site's files do not fit together.",
    fix: "Load the page again. If it stays, the site must be built and uploaded again.",
    action: "start",
    button: "Try again",
    fatal: true,
  },
  DeviceLost: {
    title: "The GPU was lost",
    text: "The graphics driver was reset, or the system took the GPU away. The conversation is kept.",
    fix: "Start the model again. If it happens often, close other pages that use the GPU, or choose a shorter context in the settings.",
    action: "start",
    button: "Start the model again",
    fatal: true,
  },
  GPUExecution: {
    title: "The GPU refused its work",
    text: "The browser reported an error of the graphics driver. The conversation is kept.",
    fix: "Start the model again. If it stays, update the browser and the graphics driver.",
    action: "start",
    button: "Start the model again",
    fatal: true,
  },
  OutOfMemory: {
    title: "The GPU has too little free memory",
    text: "Weights and conversation do not fit. The conversation is kept.",
    fix: "Close other pages and programs that use the GPU, or choose a shorter context in the settings, and start again.",
    action: "start",
    button: "Start the model again",
    fatal: true,
  },
  ContextWindowSizeExceeded: {
    title: "The conversation has become too long",
    text: "It no longer fits into the context that the settings give the model.",
    fix: "Start a new chat, or choose a longer context in the settings.",
    action: "new-chat",
    button: "New chat",
    fatal: false,
  },
  RequestValidation: {
    title: "The model did not accept the request",
    text: "One of the settings does not suit it.",
    fix: "Look at the settings and send the message again.",
    action: "dismiss",
    button: "Close",
    fatal: false,
  },
};

const UNKNOWN: Known = {
  title: "Something went wrong",
  text: "An error came up that this page does not know. The conversation is kept.",
  fix: "Start the model again.",
  action: "start",
  button: "Start the model again",
  fatal: true,
};

/** Says what to do about an error. */
export function describeProblem(error: unknown): Problem {
  const known = error instanceof MLCEngineError ? KNOWN[error.code] : undefined;
  return { ...(known ?? UNKNOWN), details: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

/** For pages served over plain http, where browsers offer neither WebGPU nor storage. */
export const INSECURE_PAGE: Problem = {
  title: "This page must be opened over https",
  text: "Browsers give WebGPU and storage only to pages from a secure address.",
  fix: "Open the same address with https://, or use http://localhost on your own machine.",
  action: "none",
  button: "",
  details: "isSecureContext is false",
  fatal: true,
};
