/** A fake runner on a clock of its own: steps take their time one after the other, and results come to the CPU a while later. */

import type { TestContext } from "node:test";
import type { Setup } from "./generations.ts";

export interface Speeds {
  /** Milliseconds of a step, by its rows. */
  readonly steps: Readonly<Record<number, number>>;
  /** From the end of a step to the moment when the CPU hears of it. */
  readonly latency: number;
}

export interface Clock {
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** Lets the runner take that time. */
export function runInVirtualTime(context: TestContext, { runner }: Setup, { steps, latency }: Speeds): Clock {
  let [now, free] = [0, 0];
  const due: { readonly at: number; readonly resolve: () => void }[] = [];
  context.mock.method(performance, "now", () => now);
  const tick = (): void => {
    due.sort((a, b) => a.at - b.at);
    const next = due.shift();
    if (next === undefined) return;
    now = Math.max(now, next.at);
    next.resolve();
  };
  const until = (at: number): Promise<void> => new Promise((resolve) => {
    due.push({ at, resolve });
    setImmediate(tick); // when whoever runs now has nothing more to do
  });
  let cost = steps[1] ?? 1;
  const decode = runner.decode.bind(runner);
  runner.decode = (rows, carried) => {
    cost = steps[runner.shape.rowCounts.find((count) => count >= rows.length) ?? 1] ?? 1;
    return decode(rows, carried);
  };
  runner.delay = () => {
    free = Math.max(free, now) + cost;
    cost = steps[1] ?? 1;
    return until(free + latency);
  };
  return { now: () => now, sleep: (milliseconds) => until(now + milliseconds) };
}
