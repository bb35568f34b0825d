/** What a step is told of the tokens that it adds to sequences. */

import { FIRST_WORD, STATE_WORDS } from "./abi.generated.ts";
import type { Place } from "./rope.ts";
import type { CacheView } from "./runner.ts";

/** What one row adds to its sequence: `count` tokens from `position` on; or a text, from `begin` of the sequence on. */
export interface Addition {
  readonly position: number;
  readonly count: number;
  readonly begin?: number | undefined;
  readonly cache: CacheView;
}

/** Tokens of the first sequence of all, in its first page. `position`: 0, or behind the call before it; `turns`: see CacheView. */
export function firstAddition(count: number, position: number, groups: number, turns?: Int32Array): Addition {
  const slots = position === 0 ? { read: -1, write: 0 } : { read: 0, write: 1 };
  return { position, count, cache: { tables: Array.from({ length: groups }, () => Int32Array.of(0)), copies: new Int32Array(), slots, ...(turns !== undefined && { turns }) } };
}

/** A view that stays as it is while its step waits. */
export function kept({ tables, copies, ...more }: CacheView): CacheView {
  return { ...more, tables: tables.map((pages) => pages.slice()), copies: copies.slice() };
}

/** A token as kernels take it: of one of a picture's they see that it is one, whatever its id, which may be smaller than 32 bits hold. */
export function told(token: number): number {
  return Math.max(token, -1);
}

const NOTHING: CacheView = { tables: [], copies: new Int32Array(0) };

/** The texts of a call, which lie in one sequence, each from a page's begin on; `lengths`: of each. What is between them is not computed. */
export function placeTexts(tokens: readonly number[], lengths: readonly number[], cache: CacheView, pageSize: number): { tokens: number[]; additions: Addition[] } {
  let end = 0;
  const additions = lengths.map((count, i): Addition => {
    const begin = Math.ceil(end / pageSize) * pageSize;
    end = begin + count;
    return { position: 0, begin, count, cache: i === 0 ? cache : NOTHING };
  });
  return { tokens: additions.flatMap(({ begin = 0, count }) => tokens.slice(begin, begin + count)), additions };
}

/** Whether a row is the next token of the one before it. A page that a step writes belongs to one sequence alone. */
function isBehindAnother(additions: readonly (Addition | null)[], row: number, pageSize: number): boolean {
  const { position, cache } = additions[row] ?? {};
  if (position === undefined) return false;
  const page = Math.floor((position - 1) / pageSize);
  const found = additions.findIndex((one) => one?.position === position - 1 && one.cache.tables[0]?.[page] === cache?.tables[0]?.[page]);
  if (found >= 0 && found !== row - 1) throw new RangeError("rows of one sequence must be one behind the other");
  return found >= 0;
}

/** The words of the `state` buffer of a step of `n` rows, of which rows null and those beyond `additions` do nothing; `place`: in the history. */
export function stateWords(additions: readonly (Addition | null)[], n: number, place: number, pageSize: number): Int32Array<ArrayBuffer> {
  const state = new Int32Array(n * STATE_WORDS);
  let before = 0; // rows of the same sequence, whose tokens its cache does not hold yet
  let first = 0; // token of the row's text
  for (let row = 0; row < n; row++) {
    const { position = -1, count = 0, begin, cache } = additions[row] ?? {};
    before = isBehindAnother(additions, row, pageSize) ? before + 1 : 0;
    state.set([begin ?? position, count, place + row, cache?.slots?.read ?? -1, cache?.slots?.write ?? -1, before], row * STATE_WORDS);
    if (begin !== undefined) state[row * STATE_WORDS + FIRST_WORD] = first;
    first += count;
  }
  return state;
}

/** Where a model lets the tokens of a picture see each other: the last position that each of a prefill's tokens sees. */
export function endsOf(tokens: readonly number[], position: number): Int32Array<ArrayBuffer> {
  const ends = new Int32Array(tokens.length);
  for (let i = tokens.length - 1; i >= 0; i--) {
    const isBeforeMore = (tokens[i] ?? 0) < 0 && (tokens[i + 1] ?? 0) < 0;
    ends[i] = isBeforeMore ? ends[i + 1] ?? 0 : position + i;
  }
  return ends;
}

function turnsOf({ turns }: CacheView, token: number, count: number): Int32Array | undefined {
  const axes = (turns?.length ?? 0) / count;
  return turns?.subarray(axes * token, axes * (token + 1));
}

/** Of all tokens that are added; a row that does nothing has one, anywhere. */
export function placesOf(additions: readonly (Addition | null)[]): Place[] {
  return additions.flatMap((one): Place[] => (one === null ? [{ position: 0, isLong: false }]
    : Array.from({ length: one.count }, (_, i) => ({ position: one.position + i, isLong: one.cache.isLong === true, turns: turnsOf(one.cache, i, one.count) }))));
}
