/** What a model would be like on this machine, found out before its weights are fetched: by its own kernels on memory that holds nothing. */

import { SAMPLING_WORDS } from "../executor/abi.generated.ts";
import { INITIAL_TOKENS, type Backend, type InspectableRunner } from "../executor/backend.ts";
import type { Computer } from "../executor/devices.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import type { Row } from "../executor/runner.ts";
import { layerTimeOfStep } from "../executor/self_test.ts";
import type { Notes } from "../executor/tiles.ts";
import { ModelFolder } from "../storage/model_folder.ts";
import { abortError } from "../support/abort.ts";
import { Fields } from "../support/fields.ts";
import { MAX_NAME } from "../support/limits.generated.ts";
import { log } from "../support/log.ts";
import { inTime } from "../support/patience.ts";
import { backendsFor, type Backends } from "./backends.ts";
import type { ModelChoice } from "./choice.ts";

export interface Preflight {
  /** What would compute it, and how fast, where that could be measured. */
  readonly computer: Computer;
  readonly memory: MemoryEstimate;
  /** Bytes of `memory.total` that the machine gives. */
  readonly available: number;
}

/** For all that computes, from the moment that the library is there. */
const BUDGET_MS = 1800;
/** The first of two leaves the second some of it. */
const SHARE = 0.6;
/** A GPU that is as fast need not be compared with the CPU. */
const FAST = 30;
/** Tokens in the cache, as behind a question and half an answer. */
const TOKENS = 128;
/** Steps under way, as the engine's loop has them. */
const AHEAD = 4;
/** Steps that take so long together are long beside the errors of a clock. */
const ENOUGH_MS = 120;
/** Half a second is over when the half begins that counts: what is hot is compiled once more beside the first steps. */
const ROUNDS = 8;
const MOST_STEPS = 512;

/** Measures on what "auto" may take, of which the faster is told. Raises what a load would raise before it fetched weights. */
export async function preflight(choice: ModelChoice, signal: AbortSignal): Promise<Preflight> {
  const folder = await ModelFolder.open(choice.source, signal);
  const candidates = await backendsFor(choice, Promise.resolve(folder.manifest));
  const firsts = candidates.filter(({ device }, i) => candidates.findIndex((other) => other.device === device) === i);
  const found: Preflight[] = [];
  let failure: unknown;
  for (const [i, backend] of firsts.entries()) {
    const budget = BUDGET_MS * (firsts.length === 1 ? 1 : i === 0 ? SHARE : 1 - SHARE);
    try {
      const one = await look(backend, folder, choice, budget, signal);
      found.push(one);
      if (fits(one) && (backend.device === "cpu" || speedOf(one) >= FAST)) break; // a GPU behind the CPU is one in disguise
    } catch (error) {
      if (signal.aborted) throw abortError(signal, "Nobody waits for it any more.");
      log.info(`No preflight on ${backend.name}: ${String(error)}`);
      failure ??= error;
    }
  }
  const [best] = found.toSorted((a, b) => Number(fits(b)) - Number(fits(a)) || speedOf(b) - speedOf(a));
  if (best === undefined) throw failure;
  return best;
}

function speedOf({ computer }: Pick<Preflight, "computer">): number {
  return computer.tokensPerSecond ?? 0;
}

function fits({ memory, available }: Preflight): boolean {
  return available >= memory.total;
}

async function look(backend: Backend, folder: ModelFolder, choice: ModelChoice, budget: number, signal: AbortSignal): Promise<Preflight> {
  const library = await folder.read(backend.library, signal);
  const model = await backend.fit(library, folder.manifest.tensors, { ...choice, calibrate: "off" });
  const { memory } = model;
  const kept = readNote(await folder.note(noteName(backend)), backend);
  if (kept !== undefined && (memory.total <= kept.available || kept.available < kept.total)) {
    return { computer: kept.computer, memory, available: Math.min(kept.available, memory.total) };
  }
  const deadline = performance.now() + budget;
  const left = (): number => (signal.aborted ? 0 : deadline - performance.now());
  const rehearsal = await model.rehearse(folder);
  try {
    const nothing = (): void => undefined;
    const starting = rehearsal.start({ notes: folder, probe: undefined, weights: Promise.resolve(), ranges: { read: nothing }, onCompiled: nothing, signal });
    const running = await inTime(starting, left());
    const tokensPerSecond = running && await paceOf(running.runner, left);
    const computer: Computer = {
      ...(running?.computer ?? { device: backend.device, vendor: "", threads: 1 }), ...(tokensPerSecond !== undefined && { tokensPerSecond }),
    };
    const { available } = rehearsal;
    if (tokensPerSecond !== undefined) await folder.keepNote(noteName(backend), JSON.stringify({ computer, available, total: memory.total }));
    return { computer, memory, available };
  } finally {
    rehearsal.dispose();
  }
}

/**
 * Tokens a second of one answer, by steps as an answer has them, one behind the other; undefined where there is no time for one. Of several
 * rounds the later half counts: the clocks of an idle machine take their time to rise, and a browser to compile.
 */
export async function paceOf(runner: InspectableRunner, left: () => number): Promise<number | undefined> {
  const layer = await layerTimeOfStep(runner, 0, 1);
  const estimate = layer * runner.layersOfStep;
  if (estimate > left() / 2) return estimate > 0 ? 1000 / estimate : undefined; // a step takes too long: its layers are alike
  await steps(runner, 1); // the first makes what others find
  const times: number[] = [];
  for (let count = 1; times.length < ROUNDS && left() > 0;) {
    const begun = performance.now();
    await steps(runner, count);
    const time = performance.now() - begun;
    if (!(time > 0)) return undefined;
    if (time >= ENOUGH_MS / 2 || left() <= 0) times.push(time / count);
    count = Math.max(1, Math.min(MOST_STEPS, Math.ceil(Math.min(ENOUGH_MS, left() / 2) / (time / count))));
  }
  const last = times.slice(Math.floor(times.length / 2));
  return last.length > 0 ? 1000 * last.length / last.reduce((sum, time) => sum + time, 0) : 1000 / estimate;
}

async function steps(runner: InspectableRunner, count: number): Promise<void> {
  const { pageSize, groups, slots, needsTokens = false, contextLength } = runner.shape;
  const position = Math.min(TOKENS, INITIAL_TOKENS, contextLength) - 1;
  const pages = Math.floor(position / pageSize) + 1;
  const cache = {
    tables: groups.map((group) => Int32Array.from({ length: pages }, (_, page) => page % Math.max(1, group.pages))), copies: new Int32Array(),
    ...(slots > 0 && { slots: { read: 0, write: 1 } }),
  };
  const row = (token: number | undefined): Row => ({ position, cache, sampling: new Uint32Array(SAMPLING_WORDS), token }); // temperature 0
  const open: Promise<unknown>[] = [];
  for (let i = 0; i < count; i++) {
    open.push(runner.decode([row(i === 0 || needsTokens ? 0 : undefined)]));
    if (open.length > (needsTokens ? 0 : AHEAD)) await open.shift();
  }
  await Promise.all(open);
}

/** With the browser's version, because another compiles the same kernel differently. */
function noteName({ key }: Pick<Backend, "key">): string {
  return `preflight ${key} ${globalThis.navigator?.userAgent ?? ""}`;
}

interface Kept extends Pick<Preflight, "computer" | "available"> {
  /** Bytes that were asked for. */
  readonly total: number;
}

/** What an earlier visit found; undefined where none did, or the text is not one. */
function readNote(text: string | null, { device }: Pick<Backend, "device">): Kept | undefined {
  try {
    const note = new Fields(JSON.parse(text ?? "null"), "note", (message) => new Error(message));
    const computer = note.object("computer");
    const bytes = (key: string): number => note.number(key, 0, Number.MAX_SAFE_INTEGER);
    return {
      computer: {
        device, vendor: computer.string("vendor", MAX_NAME), threads: computer.integer("threads", 1, 1 << 12),
        tokensPerSecond: computer.number("tokensPerSecond", 0, Number.MAX_VALUE),
      },
      available: bytes("available"), total: bytes("total"),
    };
  } catch {
    return undefined;
  }
}

/** The backends of "auto" with the CPU first where it was found to be faster. */
export async function fasterFirst(backends: Backends, notes: Pick<Notes, "note">): Promise<Backends> {
  const speed = async (backend: Backend): Promise<number> => {
    const kept = readNote(await notes.note(noteName(backend)).catch(() => null), backend);
    return kept?.computer.tokensPerSecond ?? NaN;
  };
  const [first] = backends;
  const other = backends.find(({ device }) => device !== first.device);
  if (other === undefined || !(await speed(other) > await speed(first))) return backends;
  return [other, ...backends.filter((one) => one !== other && one.device === other.device), ...backends.filter(({ device }) => device !== other.device)];
}
