/** The vectors that are nearest to another. All have length 1, so that their product is the cosine. */

export interface Nearest {
  readonly index: number;
  readonly cosine: number;
}

/** vectors: float32[n, query.length]. The `most` nearest, best first. */
export function nearest(query: Float32Array, vectors: Float32Array, most: number): Nearest[] {
  const size = query.length;
  const found: Nearest[] = [];
  for (let index = 0; (index + 1) * size <= vectors.length; index++) {
    let cosine = 0;
    for (let i = 0, at = index * size; i < size; i++, at++) cosine += (query[i] ?? 0) * (vectors[at] ?? 0);
    if (found.length === most && cosine <= (found.at(-1)?.cosine ?? -1)) continue;
    const place = found.findIndex((other) => other.cosine < cosine);
    found.splice(place < 0 ? found.length : place, 0, { index, cosine });
    if (found.length > most) found.pop();
  }
  return found;
}
