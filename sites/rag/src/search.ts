/** How near passages are to a question. */

/**
 * What a passage gains that has all codes of the question. Models of meaning make little of a word such as "E-4711": its passage has a cosine
 * of 0.22 with a question about it, as unrelated ones have.
 */
export const CODES_WORTH = 0.3;

/** vectors: float32[n, query.length], of length 1 as the query is. */
export function cosines(query: Float32Array, vectors: Float32Array): Float32Array {
  const size = query.length;
  return Float32Array.from({ length: Math.floor(vectors.length / size) }, (_, index) => {
    let cosine = 0;
    for (let i = 0, at = index * size; i < size; i++, at++) cosine += (query[i] ?? 0) * (vectors[at] ?? 0);
    return cosine;
  });
}

/** Words with a digit in them: part numbers, paragraphs, years. */
export function codesIn(question: string): string[] {
  return wordsOf(question).filter((word) => /\d/.test(word));
}

/** 0 to 1: how many of the codes stand in a text. */
export function shareOf(codes: readonly string[], text: string): number {
  if (codes.length === 0) return 0;
  const words = new Set(wordsOf(text));
  return codes.filter((code) => words.has(code)).length / codes.length;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+(?:[-./_][\p{L}\p{N}]+)*/gu) ?? [];
}
