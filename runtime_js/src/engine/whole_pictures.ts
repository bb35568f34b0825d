/** Where the tokens of a picture see each other, it is computed in one piece: nothing begins or ends in its middle. */

function isInside(tokens: readonly number[], place: number): boolean {
  return (tokens[place - 1] ?? 0) < 0 && (tokens[place] ?? 0) < 0;
}

/** The largest length up to this one that cuts no picture. */
export function wholeLength(tokens: readonly number[], length: number): number {
  let whole = length;
  while (isInside(tokens, whole)) whole--;
  return whole;
}

/** Where a chunk from `begin` on ends that would end at `end`: in front of a picture that has no room, unless it begins with that. */
export function wholeEnd(tokens: readonly number[], begin: number, end: number): number {
  const before = wholeLength(tokens, end);
  if (before > begin) return before;
  let behind = end;
  while (isInside(tokens, behind)) behind++;
  return behind;
}
