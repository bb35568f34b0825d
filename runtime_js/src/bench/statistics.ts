/** Summaries of samples. */

function ranked(samples: readonly number[], rank: number): number {
  const found = [...samples].sort((a, b) => a - b)[rank];
  if (found === undefined) throw new RangeError(`no sample of rank ${rank} among ${samples.length}`);
  return found;
}

/** The smallest sample that at least `share` (0 to 1) of the samples do not exceed: the nearest-rank percentile. */
export function percentile(samples: readonly number[], share: number): number {
  return ranked(samples, Math.max(0, Math.ceil(share * samples.length) - 1));
}

export function median(samples: readonly number[]): number {
  const last = samples.length - 1;
  return (ranked(samples, Math.floor(last / 2)) + ranked(samples, Math.ceil(last / 2))) / 2;
}

/** Differences of neighbours. */
export function intervals(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - (times[i] ?? 0));
}
