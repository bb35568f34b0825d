/** Computes functions of the plan, on as many threads as there are, in slices: between two, whoever else is on this thread gets a turn. */

import { AbortError, InternalError, type MLCEngineError } from "../../support/errors.ts";
import { noAnswer } from "../../support/patience.ts";
import { STEP_WORDS } from "../abi.generated.ts";
import { broken } from "../library.ts";
import type { CpuInstance } from "./instance.ts";
import { layOut, stepWords, type Layout } from "./layout.ts";
import type { CpuLibrary } from "./library.ts";
import type { CpuMemory } from "./memory.ts";
import type { CpuVariant } from "./plan.ts";
import type { Threads } from "./threads.ts";

/** Microseconds: some turns in a tenth of a second, which is what an abort may take. */
const SLICE_US = 16_000;
/** A step in which nothing is done for so long, and at so many looks, will never be done: a browser has ended a thread. A clock alone also runs while a machine sleeps. */
const SILENT_MS = 10_000;
const SILENT_LOOKS = 100;
/** Words of a team that change with its work alone: the step's number, and how much of it is done. */
const PROGRESS = { at: 4, words: 2 };

const UNWANTED = "Nobody waits for this any more.";

/** Lets others have their turn. */
function breath(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

/** Of a function's steps. */
interface Part {
  readonly before?: number;
  readonly steps?: number;
}

export interface MachineParts {
  readonly library: CpuLibrary;
  readonly memory: CpuMemory;
  readonly instance: CpuInstance;
  readonly threads: Threads;
}

export class Machine {
  readonly memory: CpuMemory;
  readonly layout: Layout;
  readonly #parts: MachineParts;
  /** A page's own thread may not sleep. */
  readonly #mayWait = typeof document === "undefined" ? 1 : 0;
  /** Resolves with why it computes no more, where that was not asked for. */
  readonly lost: Promise<MLCEngineError>;
  #tell: (error: MLCEngineError) => void = () => undefined;
  #lastBreath = performance.now();
  #failure: MLCEngineError | null = null;

  constructor(parts: MachineParts, variant: CpuVariant) {
    const { library, memory, instance } = parts;
    this.#parts = parts;
    this.memory = memory;
    this.lost = new Promise((resolve) => { this.#tell = resolve; });
    parts.threads.onFailure = () => this.#fail(new InternalError("A thread of the model failed. Load the model again."));
    const layout = this.layout = layOut(library.plan, variant, memory.fixed, memory.contextLength);
    memory.growTo(layout.growing, 1);
    for (const [name, program] of layout.programs) {
      const words = stepWords(variant, name, program, layout.pointers, instance.firstKernel);
      memory.words(program.steps, words.length).set(words);
    }
  }

  /** Threads that compute, this one too. */
  get threads(): number {
    return 1 + this.#parts.threads.count;
  }

  /**
   * Computes a function, or of its steps those behind the first `before`, up to the first `steps`. Rejects with what ended the machine, and with AbortError where it is wanted no more: it is
   * left behind the step that it is at.
   */
  async run(name: string, n: number, kvLength: number, { before = 0, steps = Infinity }: Part = {}, isWanted: () => boolean = () => true): Promise<void> {
    this.#check();
    const { instance: { exports, steps: loop }, memory: { fixed: { team } } } = this.#parts;
    const program = this.layout.programs.get(name);
    if (program === undefined) throw broken(`it has no function ${name}`);
    const launch = exports[program.launch];
    if (typeof launch !== "function") throw broken(`it has no launch function ${program.launch}`);
    if (!isWanted()) throw new AbortError(UNWANTED);
    launch(n, kvLength, program.units);
    const isAlone = this.threads === 1;
    (isAlone ? loop.steps_begin_alone : loop.steps_begin)(team, program.steps + 4 * STEP_WORDS * before, Math.min(steps, program.count) - before, program.units, n);
    let [seen, since, looks, isLeft] = ["", performance.now(), 0, false];
    const slice = (): number => (isAlone ? loop.steps_alone(team, SLICE_US) : loop.steps_help(team, SLICE_US, this.#mayWait));
    while (this.#guarded(slice) !== 0) {
      await this.#breathe();
      if (!isLeft && !isWanted()) {
        isLeft = true;
        this.memory.words(program.units, program.kernels).fill(0); // steps without units are passed over, whichever thread is to open them
      }
      const now = this.memory.words(team + PROGRESS.at, PROGRESS.words).join();
      if (now !== seen) [seen, since, looks] = [now, performance.now(), 0];
      else if (++looks > SILENT_LOOKS && performance.now() - since > SILENT_MS) this.#fail(noAnswer("a thread of the CPU"));
      this.#check();
    }
    if (performance.now() - this.#lastBreath > SLICE_US / 1000) await this.#breathe();
    this.#check();
    if (isLeft) throw new AbortError(UNWANTED);
  }

  /** A kernel that fails leaves its step as it is, for ever. */
  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) {
        this.#fail(new InternalError(`A kernel of the model fails (${error.message}). Build the model again, or load another variant.`));
      }
      throw error;
    }
  }

  async #breathe(): Promise<void> {
    await breath();
    this.#lastBreath = performance.now();
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #fail(error: MLCEngineError): void {
    this.#end(error);
    this.#tell(error);
  }

  /** Ends its threads; what is under way, and whatever is asked for then, fails. */
  end(): void {
    this.#end(new AbortError("The model was unloaded."));
  }

  #end(error: MLCEngineError): void {
    this.#failure ??= error;
    this.#parts.threads.terminate();
  }
}
