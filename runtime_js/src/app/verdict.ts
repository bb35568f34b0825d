/** What a preflight means for a visitor: in words, and for what is offered. */

import type { Preflight } from "../engine/preflight.ts";
import type { SiteModel } from "../page/config.ts";
import { FeatureSupportError, OutOfMemoryError, WebGPUNotAvailableError } from "../support/errors.ts";
import { describeProblem } from "./problems.ts";
import { contextChoices } from "./settings.ts";
import { fill } from "./words/fill.ts";
import { formatBytes, formatNumber, formatPlural } from "./words/format.ts";
import { WORDS } from "./words/words.ts";

/** Tokens a second: about as fast as people read. */
const READING = 6;

const HOPELESS = [WebGPUNotAvailableError, FeatureSupportError, OutOfMemoryError];

export interface Verdict {
  readonly text: string;
  /** The same in few words; undefined where no speed was found. */
  readonly short: string | undefined;
  /** The longest context that there is memory for, where that is less than was asked for. */
  readonly contextLength: number | undefined;
  /** Another model of the site that would do better, where this one is too large or too slow. */
  readonly better: SiteModel | undefined;
}

/** models: of the site, as it offers them. isWithoutGpu: the browser gives the page no GPU. */
export function judge(found: Preflight, model: SiteModel, models: readonly SiteModel[], isWithoutGpu: boolean): Verdict {
  const { computer: { device, tokensPerSecond }, memory, available } = found;
  const words = WORDS.preflight;
  const contextLength = available < memory.total ? contextFor(found, model) : undefined;
  const hasMemory = available >= memory.total || contextLength !== undefined;
  const isSlow = tokensPerSecond !== undefined && tokensPerSecond < READING;
  const better = hasMemory && !isSlow ? undefined : betterOf(found, hasMemory, model, models);
  const speed = tokensPerSecond === undefined ? undefined : { speed: shown(tokensPerSecond) };
  const text = [
    !hasMemory && fill(words.noMemory, { given: formatBytes(available), needed: formatBytes(memory.total) }),
    hasMemory && speed !== undefined && fill(device === "gpu" ? words.onGpu : words.onCpu, speed),
    hasMemory && isSlow && words.slow,
    contextLength !== undefined && fill(words.lessContext, { tokens: formatPlural(WORDS.card.tokens, contextLength) }),
    isWithoutGpu && words.noGpu,
    better !== undefined && fill(words.smaller, { name: better.name }),
  ].filter((part) => part !== false).join(" ");
  return { text, short: speed && fill(words.about, speed), contextLength, better };
}

function shown(speed: number): string {
  return formatNumber(speed, speed < 10 ? 1 : 0);
}

/** The longest of the contexts to choose from whose cache fits, as caches grow with their length. */
function contextFor({ memory, available }: Preflight, { contextLength }: SiteModel): number | undefined {
  const room = available - (memory.total - memory.cache);
  const tokens = memory.contextLength * room / Math.max(1, memory.cache);
  return contextChoices(contextLength).findLast((length) => length <= tokens && length < memory.contextLength);
}

/** The first smaller one that may be expected to fit, and to be as fast as one reads; else the smallest. A step reads all of a model. */
function betterOf({ computer, available }: Preflight, hasMemory: boolean, model: SiteModel, models: readonly SiteModel[]): SiteModel | undefined {
  const speedOf = ({ downloadBytes }: SiteModel): number => (computer.tokensPerSecond ?? Infinity) * model.downloadBytes / downloadBytes;
  const smaller = models.filter(({ downloadBytes, memoryBytes }) => downloadBytes < model.downloadBytes && (hasMemory || memoryBytes <= available));
  return smaller.find((other) => speedOf(other) >= READING) ?? smaller.toSorted((a, b) => a.downloadBytes - b.downloadBytes)[0];
}

/** In the words that a start would have; undefined where that says it better, or can be tried again. */
export function judgeFailure(error: unknown): Verdict | undefined {
  if (!HOPELESS.some((kind) => error instanceof kind)) return undefined;
  const { title, fix } = describeProblem(error, "start");
  return { text: `${title}. ${fix}`, short: undefined, contextLength: undefined, better: undefined };
}
