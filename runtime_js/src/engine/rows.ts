/** Where the rows of a decode step go. */

/** How many rows are computed where `rows` are wanted, of the numbers that there are kernels for. */
export function rowsComputed(rowCounts: readonly number[], rows: number): number {
  return rowCounts.find((count) => count >= rows) ?? Infinity;
}

/**
 * The rows of a step in their places. One whose token only the GPU knows stays where the step before, of rows `before`, left it; the
 * others fill the gaps, and null what is left. Undefined where tokens must be read first: one lies elsewhere, or the gaps would
 * make the step a larger one than its rows need.
 */
export function placeRows<T>(
  rows: readonly T[], before: readonly (T | null)[], isOnGpu: (row: T) => boolean, rowCounts: readonly number[],
): (T | null)[] | undefined {
  const places: (T | null)[] = [];
  const others: T[] = [];
  for (const row of rows) {
    const place = isOnGpu(row) ? before.lastIndexOf(row) : undefined;
    if (place === -1) return undefined;
    if (place === undefined) others.push(row);
    else places[place] = row;
  }
  for (let place = 0; others.length > 0; place++) places[place] ??= others.shift() ?? null;
  const count = rowsComputed(rowCounts, rows.length);
  return places.length > count ? undefined : Array.from({ length: count }, (_, place) => places[place] ?? null);
}
