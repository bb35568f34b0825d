/** What to measure, from the page's query string. */

import type { Calibration } from "../api/types.ts";

const MAX_TOKENS = 1 << 20;
const MAX_RUNS = 1000;
const MAX_CONTEXTS = 16;

export interface BenchOptions {
  /** Id of one of the site's models; undefined takes the first. */
  readonly model: string | undefined;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Measured answers, after one to warm up; 0 loads no model, for a kernel profile alone. */
  readonly runs: number;
  /** Tokens in the cache behind which decoding is measured too. */
  readonly contexts: readonly number[];
  /** Whether to profile the kernels. */
  readonly kernels: boolean;
  /** Undefined takes the one that the engine would choose. */
  readonly variant: string | undefined;
  readonly calibrate: Calibration;
}

const DEFAULTS = {
  "prompt-tokens": "512", "output-tokens": "256", runs: "5", context: "", kernels: "0", variant: "", calibrate: "auto", model: "",
};
type Name = keyof typeof DEFAULTS;

function integer(name: Name, text: string, min: number, max: number): number {
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw new RangeError(`${name} must be an integer from ${min} to ${max}, not "${text}"`);
  return value;
}

function calibration(text: string): Calibration {
  if (text !== "auto" && text !== "off") throw new RangeError(`calibrate must be auto or off, not "${text}"`);
  return text;
}

/** Reads `?prompt-tokens=512&output-tokens=256&runs=5&context=4096,32768&kernels=1&variant=f16`. Raises RangeError for what it does not know. */
export function parseOptions(query: string): BenchOptions {
  const given = new URLSearchParams(query);
  const unknown = [...given.keys()].find((key) => !Object.hasOwn(DEFAULTS, key));
  if (unknown !== undefined) throw new RangeError(`there is no option ${unknown}; there are ${Object.keys(DEFAULTS).join(", ")}`);
  const text = (name: Name): string => given.get(name) ?? DEFAULTS[name];
  const contexts = text("context").split(",").filter((part) => part !== "");
  if (contexts.length > MAX_CONTEXTS) throw new RangeError(`context may name at most ${MAX_CONTEXTS} lengths`);
  const options = {
    model: text("model") || undefined,
    promptTokens: integer("prompt-tokens", text("prompt-tokens"), 1, MAX_TOKENS),
    outputTokens: integer("output-tokens", text("output-tokens"), 2, MAX_TOKENS),
    runs: integer("runs", text("runs"), 0, MAX_RUNS),
    contexts: contexts.map((part) => integer("context", part, 1, MAX_TOKENS)),
    kernels: integer("kernels", text("kernels"), 0, 1) === 1,
    variant: text("variant") || undefined,
    calibrate: calibration(text("calibrate")),
  };
  if (options.runs === 0 && !options.kernels) throw new RangeError("runs=0 leaves nothing to measure without kernels=1");
  return options;
}
