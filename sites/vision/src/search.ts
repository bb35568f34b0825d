/** Which descriptions a search means: those that have most of its words, or words that begin so. */

const WORDS = /[\p{L}\p{N}]+/gu;

function wordsOf(text: string): string[] {
  return text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "").match(WORDS) ?? [];
}

/** How many of the words a text has, between 0 and 1; 1 for no words at all. */
export function score(search: string, text: string): number {
  const asked = wordsOf(search);
  if (asked.length === 0) return 1;
  const said = wordsOf(text);
  return asked.filter((word) => said.some((other) => other.startsWith(word))).length / asked.length;
}
