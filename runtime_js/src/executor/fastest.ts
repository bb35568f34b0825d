/** Which of several candidates that do the same is the fastest on this GPU, from times that are noisy. */

/** Milliseconds that `count` repetitions of a candidate take, from 0 on. */
export type Measure = (candidate: number, count: number) => Promise<number>;

export interface Comparison {
  readonly fastest: number;
  /** Milliseconds of one repetition of each candidate. */
  readonly times: readonly number[];
}

const ROUNDS = 5;
const MIN_ROUNDS = 2;
const MAX_COUNT = 4096;
const MAX_GROWTH = 16;
/** How many times as long as the fastest still counts as equally fast. */
const EQUAL = 1.05;

/**
 * Compares candidates 0 to `candidates` - 1, of which 0 is the usual one. A round runs each of them forwards and then backwards, for about
 * `enough` milliseconds together, so that clocks which rise meanwhile favour none; of several rounds a candidate's best counts, because
 * whatever disturbs a measurement makes it longer. The first of those that are about as fast as the fastest is taken: the usual one gives
 * way only to a clear gain, and another comparison finds the same.
 *
 * `left`: milliseconds that may still be spent, which a run or two of one candidate may overstep. Undefined where they are too few, or
 * where the times are no times: GPUs' clocks are set back, stand still or jump.
 */
export async function findFastest(
  candidates: number, measure: Measure, enough: number, left: () => number,
): Promise<Comparison | undefined> {
  const order = Array.from({ length: candidates }, (_, candidate) => candidate);
  const counts: number[] = [];
  let round = 0; // milliseconds of one
  for (const candidate of order) {
    const found = await enoughRepetitions((repetitions) => measure(candidate, repetitions), enough / 2, left);
    if (found === undefined) return undefined;
    counts.push(found.count);
    round += 2 * found.time;
  }
  if (!(MIN_ROUNDS * round <= left())) return undefined;
  const best = order.map(() => Infinity);
  for (let done = 0; done < MIN_ROUNDS || (done < ROUNDS && left() > 0); done++) {
    const times = order.map(() => 0);
    for (const candidate of [...order, ...order.toReversed()]) {
      const count = counts[candidate] ?? NaN;
      times[candidate] = (times[candidate] ?? NaN) + await measure(candidate, count) / (2 * count);
    }
    for (const candidate of order) best[candidate] = Math.min(best[candidate] ?? NaN, times[candidate] ?? NaN);
  }
  if (best.some((time) => !(time > 0))) return undefined;
  const limit = Math.min(...best) * EQUAL;
  return { fastest: best.findIndex((time) => time <= limit), times: best };
}

/**
 * Repetitions that take about `enough` milliseconds, and the time they took; undefined where that is not found before none are left. The
 * first run does not count: it may compile the pipeline. Each try repeats more often than the one before, up to MAX_COUNT.
 */
async function enoughRepetitions(
  measure: (count: number) => Promise<number>, enough: number, left: () => number,
): Promise<{ count: number; time: number } | undefined> {
  if (left() <= 0) return undefined;
  await measure(1);
  for (let count = 1; left() > 0;) {
    const time = await measure(count);
    if (!(time >= 0)) return undefined;
    if (time >= enough / 1.5 || count === MAX_COUNT) return { count, time };
    count = Math.min(MAX_COUNT, Math.ceil(count * Math.min(enough / time, MAX_GROWTH)));
  }
  return undefined;
}
