/** A step loop on the fake runner, and requests to it. */

import type { FinishReason, GenerationRequest } from "../../src/engine/generation.ts";
import { Sampler } from "../../src/engine/sampler.ts";
import { Scheduler, type Stop } from "../../src/engine/scheduler.ts";
import { SequenceManager } from "../../src/engine/sequences.ts";
import { pagesOf } from "../../src/executor/groups.ts";
import type { RunnerShape } from "../../src/executor/runner.ts";
import { FakePagedKv } from "./paged_kv.ts";
import { FakeRunner, VOCABULARY } from "./runner.ts";
import { turns } from "./turns.ts";

export const SHAPE = { contextLength: 32, pageSize: 4, prefillChunk: 5, shortestChunk: 16, rowCounts: [1, 2, 4, 8], slots: 0 };
export const NO_EOS: ReadonlySet<number> = new Set();

export interface Setup {
  readonly kv: FakePagedKv;
  readonly runner: FakeRunner;
  readonly sequences: SequenceManager;
  readonly scheduler: Scheduler;
}

interface Room {
  readonly pages: number;
  readonly maxPages: number;
  readonly rows: number;
  /** Of the layers, a group each. */
  readonly windows: readonly (number | null)[];
}

/** With groups of layers that have these windows. */
export function shapeOf(shape: typeof SHAPE & Pick<RunnerShape, "longestAlike" | "needsTokens" | "mostTexts" | "wholePictures">, windows: Room["windows"] = [null]): RunnerShape {
  return { ...shape, pooledFloats: 8, groups: windows.map((window) => ({ window, pages: pagesOf(window, shape.contextLength, shape) })) };
}

/** At most `maxPages` pages of 4 tokens in each group, which begin with `pages` of them. */
export function setup({ pages = 8, maxPages = 8, rows = 1, windows = [null], ...shape }: Partial<typeof SHAPE & Room & Pick<RunnerShape, "longestAlike" | "needsTokens" | "wholePictures">> = {}): Setup {
  const kv = new FakePagedKv();
  const runner = new FakeRunner(shapeOf({ ...SHAPE, ...shape }, windows), pages, maxPages);
  const sequences = new SequenceManager(kv, runner);
  return { kv, runner, sequences, scheduler: new Scheduler(runner, sequences, rows) };
}

export function request(prompt: readonly number[], overrides: Partial<GenerationRequest> = {}): GenerationRequest {
  const sampler = new Sampler({ temperature: 0, topP: 1, seed: 1 }, prompt);
  return { prompt, maxTokens: Infinity, eosTokenIds: NO_EOS, sampler, ...overrides };
}

export function promptOf(length: number, seed: number): number[] {
  return Array.from({ length }, (_, i) => (i * 13 + seed) % VOCABULARY);
}

export interface Outcome {
  readonly ids: number[];
  readonly cached: number;
  readonly finish: FinishReason;
}

/** Runs one generation; `onToken` may end it, or stop it. */
export function generate(
  { scheduler }: Pick<Setup, "scheduler">, asked: GenerationRequest, onToken: (count: number, stop: Stop) => boolean = () => false,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const ids: number[] = [];
    const stop = scheduler.add(asked, {
      begin: () => undefined,
      token: (token) => onToken(ids.push(token), stop),
      end: (finish, cached) => resolve({ ids, cached, finish }),
      fail: reject,
    });
  });
}

export const settle = (): Promise<void> => turns(5);
