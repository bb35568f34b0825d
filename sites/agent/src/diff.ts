/** What a change does to an item, line by line. */

export interface Line {
  readonly kind: "same" | "removed" | "added";
  readonly text: string;
}

export interface FieldDiff {
  readonly field: string;
  readonly lines: readonly Line[];
}

type Fields = Readonly<Record<string, string>>;

/** Lines beyond this are shown as removed and added as a whole. */
const MAX_LINES = 400;

/** The fields that differ; of an item that comes or goes, those that say something. */
export function fieldDiffs(before: Fields | null, after: Fields | null): FieldDiff[] {
  const names = Object.keys(after ?? before ?? {});
  return names.map((field) => ({ field, lines: lineDiff(before?.[field] ?? "", after?.[field] ?? "") }))
    .filter(({ lines }) => lines.some(({ kind }) => kind !== "same"));
}

/** A shortest one: what both texts have in common in order is the same. */
export function lineDiff(before: string, after: string): Line[] {
  const [old, now] = [split(before), split(after)];
  if (old.length > MAX_LINES || now.length > MAX_LINES) return [...old.map(removed), ...now.map(added)];
  const common = commonLengths(old, now);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const [left, right] = [old[i], now[j]];
    if (left !== undefined && left === right) {
      lines.push({ kind: "same", text: left });
      [i, j] = [i + 1, j + 1];
    } else if (left !== undefined && (right === undefined || (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))) {
      lines.push(removed(left));
      i += 1;
    } else if (right !== undefined) {
      lines.push(added(right));
      j += 1;
    }
  }
  return lines;
}

/** [i][j]: how many lines old[i..] and now[j..] have in common at most. */
function commonLengths(old: readonly string[], now: readonly string[]): number[][] {
  const lengths = Array.from({ length: old.length + 1 }, () => Array.from({ length: now.length + 1 }, () => 0));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      const row = lengths[i];
      if (row === undefined) continue;
      row[j] = old[i] === now[j] ? 1 + (lengths[i + 1]?.[j + 1] ?? 0) : Math.max(lengths[i + 1]?.[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}

function split(text: string): string[] {
  return text === "" ? [] : text.split("\n");
}

function removed(text: string): Line {
  return { kind: "removed", text };
}

function added(text: string): Line {
  return { kind: "added", text };
}
