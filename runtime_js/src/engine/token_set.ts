/** Sets of tokens as masks have them: bit i of word w is token 32 w + i. */

/** Of a vocabulary of `count` tokens, none. */
export function noTokens(count: number): Uint32Array {
  return new Uint32Array(Math.ceil(count / 32));
}

export function addToken(set: Uint32Array, token: number): void {
  set[token >> 5] = (set[token >> 5] ?? 0) | (1 << (token & 31));
}

export function hasToken(set: Uint32Array, token: number): boolean {
  return ((set[token >> 5] ?? 0) >>> (token & 31) & 1) === 1;
}
