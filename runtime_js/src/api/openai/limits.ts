/** Bytes of a request: a context of a million tokens, spelled out, or some photographs. */
export const MAX_BODY = 1 << 27;
