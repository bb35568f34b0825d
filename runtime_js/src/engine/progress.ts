/** Counts what a load has done and reports it. */

import { elapsed } from "../support/elapsed.ts";
import type { Computer } from "../executor/devices.ts";
import type { SenseName } from "../media/source.ts";
import type { FileEntry } from "../storage/manifest.ts";
import type { MLCEngineError } from "../support/errors.ts";
import type { Wait } from "../support/waiting.ts";
import { formatBytes } from "../support/format.ts";
import { PATIENCE_TICKS, everyTick, noAnswer } from "../support/patience.ts";

/** What loading does now: reads the description, moves weights to the GPU while kernels compile, or is done. */
export const INIT_PHASES = ["config", "weights", "kernels", "ready"] as const;
export const WARNINGS = ["storage", "context"] as const;
export type InitPhase = (typeof INIT_PHASES)[number];

/** The parts of a load, in seconds from its begin to the end of each. They run side by side. */
export interface LoadTimes {
  /** The adapter is chosen and the manifest is read. */
  readonly manifest: number;
  /** The device and its buffers are made. */
  readonly device: number;
  readonly tokenizer: number;
  readonly kernels: number;
  /** All weights are verified and on the GPU. */
  readonly weights: number;
}

export interface InitProgressReport {
  /** 0 to 1. */
  readonly progress: number;
  /** Seconds since the load began. */
  readonly timeElapsed: number;
  readonly text: string;
  readonly phase: InitPhase;
  /** Weight bytes that have come. */
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Set while nothing comes, with the reason: a pause between attempts, no network, another tab's download, or who keeps silent. */
  readonly waiting?: string | undefined;
  /** Set with it. */
  readonly waitingKind?: Wait["kind"] | undefined;
  /** Set where the model runs but something the user may want to know is wrong, as storage that is full. */
  readonly warning?: string | undefined;
  /** Set with it. storage: the model will be downloaded again next time. context: it is shorter than was asked for. */
  readonly warningKind?: (typeof WARNINGS)[number] | undefined;
  /** Of a load of what sees pictures alone, or hears sounds, for the first of them. */
  readonly sense?: SenseName | undefined;
  /** Set when the phase is "ready". */
  readonly times?: LoadTimes | undefined;
  /** What the model runs on; set when the phase is "ready". */
  readonly computer?: Computer | undefined;
}

export type InitProgressCallback = (report: InitProgressReport) => void;

/** Nothing at all for so long, without a reason that is known, is the end. Kernels that a slow driver compiles have taken a minute. */
const QUIET_TICKS = 5 * PATIENCE_TICKS;

/** The report of a load that has not begun yet. */
export function waitingToBegin({ kind, text }: Wait): InitProgressReport {
  return { progress: 0, timeElapsed: 0, text, phase: "config", bytesDone: 0, bytesTotal: 0, waiting: text, waitingKind: kind };
}

/** The report of a load that finds its models loaded. */
export function loadedAlready(computer: Computer | undefined): InitProgressReport {
  return { progress: 1, timeElapsed: 0, text: "The model is loaded already", phase: "ready", bytesDone: 0, bytesTotal: 0, computer };
}

/** Share of the bar that weights take; kernels take the rest. They run side by side. */
const WEIGHTS_SHARE = 0.9;

export class LoadProgress {
  readonly #started = performance.now();
  readonly #report: (report: InitProgressReport) => void;
  readonly #received = new Map<string, number>();
  readonly #times = { manifest: 0, device: 0, tokenizer: 0, kernels: 0, weights: 0 };
  #phase: InitPhase = "config";
  #bytesDone = 0;
  #bytesTotal = 0;
  #kernels = { done: 0, total: 0 };
  #warning: Pick<InitProgressReport, "warning" | "warningKind"> = {};
  #computer: Computer | undefined;
  #waiting: Wait | undefined;
  /** What was begun and is not done, in that order, and whether it may wait for a network. */
  readonly #open = new Map<string, boolean>();
  #quietTicks = 0;
  readonly #stop: () => void;

  /** onStalled: nothing has come for so long that nothing will. */
  constructor(report: (report: InitProgressReport) => void, onStalled: (error: MLCEngineError) => void = () => undefined) {
    this.#report = report;
    this.#send("Reading the model's description");
    this.#stop = everyTick(() => this.#tick(onStalled));
  }

  /** Ends the watch over silence. */
  close(): void {
    this.#stop();
  }

  #tick(onStalled: (error: MLCEngineError) => void): void {
    const [first] = this.#open.keys();
    if (first === undefined || this.#waiting !== undefined) return;
    const ticks = this.#quietTicks + 1;
    if (ticks === 2) this.#send(`Waiting for ${first}`, { kind: "browser", text: `Waiting for ${first}` }); // the last report came before the tick before
    if (ticks === QUIET_TICKS && !this.#isFetching) onStalled(noAnswer(first));
    this.#quietTicks = ticks;
  }

  get #isFetching(): boolean {
    return [...this.#open.values()].includes(true);
  }

  /** Names what `work` gives, for as long as it takes. isFetched: it may wait for a network, and knows for how long. */
  async during<T>(what: string, work: Promise<T>, isFetched = false): Promise<T> {
    this.#open.set(what, isFetched);
    try {
      return await work;
    } finally {
      this.#open.delete(what);
      this.#quietTicks = 0;
      if (!this.#isFetching) this.#waiting = undefined;
    }
  }

  weightsBegin(bytesTotal: number): void {
    this.#waiting = undefined;
    this.#phase = "weights";
    this.#bytesTotal = bytesTotal;
    this.#sendState();
  }

  received(file: FileEntry, bytes: number): void {
    this.#waiting = undefined;
    this.#bytesDone += bytes - (this.#received.get(file.file) ?? 0);
    this.#received.set(file.file, bytes);
    this.#sendState();
  }

  /** Says why nothing comes, until something does. */
  waiting(reason: Wait): void {
    this.#waiting = reason;
    this.#send(reason.text);
  }

  compiled(done: number, total: number): void {
    this.#kernels = { done, total };
    if (done === total) this.#times.kernels = this.#elapsed;
    this.#sendState();
  }

  warn(kind: (typeof WARNINGS)[number], warning: string | undefined): void {
    if (warning !== undefined) this.#warning = { warning, warningKind: kind };
  }

  /** Notes when a part of the load is done. */
  async timed<T>(part: keyof LoadTimes, work: Promise<T>): Promise<T> {
    const result = await work;
    this.#times[part] = this.#elapsed;
    return result;
  }

  ready(text: string, computer: Computer): void {
    this.#phase = "ready";
    this.#computer = computer;
    this.#send(text);
  }

  get #elapsed(): number {
    return elapsed(this.#started) / 1000;
  }

  #sendState(): void {
    if (this.#bytesDone < this.#bytesTotal) {
      this.#phase = "weights"; // again, where a file that was whole is spoilt
      this.#send(this.#waiting?.text ?? `Loading weights: ${formatBytes(this.#bytesDone)} of ${formatBytes(this.#bytesTotal)}`);
    } else {
      this.#phase = "kernels";
      this.#waiting = undefined;
      const { done, total } = this.#kernels;
      this.#send(total <= 1 ? "Getting ready" : `Compiling kernels: ${done} of ${total}`);
    }
  }

  /** silent: who says nothing just now. */
  #send(text: string, silent?: Wait): void {
    const waiting = this.#waiting ?? silent;
    this.#quietTicks = 0;
    const { done, total } = this.#kernels;
    const isReady = this.#phase === "ready";
    const weights = this.#bytesTotal > 0 ? this.#bytesDone / this.#bytesTotal : 0;
    const kernels = total > 0 ? done / total : 0;
    this.#report({
      progress: isReady ? 1 : Math.min(0.999, WEIGHTS_SHARE * weights + (1 - WEIGHTS_SHARE) * kernels),
      timeElapsed: this.#elapsed,
      text,
      phase: this.#phase,
      bytesDone: Math.min(this.#bytesDone, this.#bytesTotal),
      bytesTotal: this.#bytesTotal,
      ...(waiting !== undefined && !isReady && { waiting: waiting.text, waitingKind: waiting.kind }),
      ...this.#warning,
      ...(isReady && { times: this.#times, computer: this.#computer }),
    });
  }
}
