/** What a benchmark found: the JSON that the page prints and the command saves. Times are wall-clock, medians where there are several. */

import type { LoadTimes } from "../api/types.ts";

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** Loads from one place: seconds from the begin until each part is done. They run side by side; medians where there are several. */
export interface LoadReport extends LoadTimes {
  /** Where the model's files came from. */
  readonly from: "network" | "storage";
  readonly loads: number;
  /** Until the model can answer. */
  readonly ready: number;
}

export interface AnswerReport {
  readonly prompt_tokens: number;
  readonly output_tokens: number;
  readonly time_to_first_token_ms: number;
  /** Tokens of the prompt over the time to the first token. */
  readonly prefill_tokens_per_s: number;
  /** Tokens after the first over the time from it to the end. */
  readonly decode_tokens_per_s: number;
}

export interface SpeedReport extends AnswerReport {
  readonly runs: readonly AnswerReport[];
}

/** Decoding alone, behind tokens that were put into the cache without being computed. */
export interface DecodeReport {
  readonly context_tokens: number;
  readonly output_tokens: number;
  readonly tokens_per_s: number;
  /** Between a token and the next. */
  readonly token_ms: Percentiles;
}

/** Bytes of the engine's GPU buffers at the end; `peak`: the most that there were at a time. What the browser adds is not seen. */
export interface MemoryReport {
  readonly weights: number;
  readonly kv: number;
  readonly rest: number;
  readonly peak: number;
}

/** What this GPU can do, measured by kernels that do nothing else. */
export interface MachineReport {
  readonly read_gb_per_s: number;
  /** Multiply-adds on vectors, in the variant's widest arithmetic: float16 where it has it. Matrix units may exceed this. */
  readonly tflop_per_s: number;
  /** Of a dispatch that waits for the one before it. */
  readonly dispatch_us: number;
}

export interface KernelReport {
  readonly name: string;
  /** Which of the kernel's tiles ran: the one that the engine takes on this GPU. */
  readonly tile: string;
  /** What it multiplies by, as `qkv`; empty where it reads no packed weight. */
  readonly weights: string;
  readonly dispatches: number;
  /** Of one dispatch, as are bytes, flops and the floor. */
  readonly us: number;
  /** Of the function's kernels together. */
  readonly share: number;
  readonly bytes: number;
  readonly flops: number;
  /** No kernel that does this work can take less, by `MachineReport`. */
  readonly floor_us: number;
}

export interface FunctionReport {
  readonly name: string;
  readonly new_tokens: number;
  readonly context_tokens: number;
  /** All dispatches in one pass, as the engine runs them. */
  readonly us: number;
  readonly kernels: readonly KernelReport[];
}

export interface ProfileReport {
  readonly machine: MachineReport;
  readonly functions: readonly FunctionReport[];
}

export interface Report {
  readonly format: 1;
  /** ISO 8601. */
  readonly date: string;
  readonly model: string;
  readonly quantization: string;
  readonly gpu: string;
  readonly browser: string;
  readonly variant: string;
  /** What was asked for. */
  readonly options: {
    readonly prompt_tokens: number;
    readonly output_tokens: number;
    readonly runs: number;
    readonly contexts: readonly number[];
  };
  readonly loads: readonly LoadReport[];
  readonly speed: SpeedReport | null;
  readonly decode: readonly DecodeReport[];
  readonly memory: MemoryReport | null;
  readonly profile: ProfileReport | null;
}
