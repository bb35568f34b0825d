/** What rows ask for beyond a draw by their sampling words: how it reaches whoever computes, and how its results come back. */

import {
  ADJUST_BIAS, ADJUST_MASK, ADJUST_PENALTIES, ADJUST_WORD, CONTROL_WORD, COUNTED_WORD, FREQUENCY_WORD, HISTORY, LOGPROBS_WORD, LOGPROB_WORDS, MAX_TOP_LOGPROBS,
  PRESENCE_WORD, REPETITION_WORD, SAMPLING_WORDS,
} from "./abi.generated.ts";
import type { Controls, Draw, StepResult, TokenLogprobs } from "./runner.ts";

/** A row's draw, and the place of its step's tokens in the `tokens` buffer: how many there are up to its last. */
export interface RowDraw {
  readonly draw: Draw;
  readonly end: number;
  /** How many of them are the answer's, where the draw does not say. */
  readonly counted: number;
}

/** Of a token in `counts`: that it is in the prompt, and each time that it is in the answer. */
const IN_PROMPT = 1;
const IN_ANSWER = 2;
/** Logprobs below it say that there is no such token. */
const NO_TOKEN = -3e38;

/** The sampling words of a row that draws nothing. */
const DRAWS_NOTHING = new Uint32Array(SAMPLING_WORDS);

function hasPenalties({ sampling }: Draw): boolean {
  const floats = new Float32Array(sampling.buffer, sampling.byteOffset, sampling.length);
  return floats[REPETITION_WORD] !== 1 || floats[FREQUENCY_WORD] !== 0 || floats[PRESENCE_WORD] !== 0;
}

/** The functions that rows need beside a forward pass and `sample`. */
export function functionsFor(rows: readonly (RowDraw | null)[]): string[] {
  const has = (asks: (draw: Draw) => boolean): boolean => rows.some((row) => row !== null && asks(row.draw));
  return [
    ...(has(({ controls, mask }) => controls !== undefined || mask !== undefined) ? ["adjust"] : []),
    ...(has(({ topLogprobs }) => topLogprobs !== undefined) ? ["keep", "logprobs"] : []),
  ];
}

/** A row's words in the `sampling` buffer; null: it draws nothing. */
export function wordsOf(row: RowDraw | null, isMasked: boolean): Uint32Array {
  if (row === null) return DRAWS_NOTHING;
  const { draw, end, counted: usual } = row;
  const { sampling, controls, control = 0, counted = usual, topLogprobs } = draw;
  if (controls === undefined && !isMasked && topLogprobs === undefined) return sampling;
  const words = sampling.slice();
  if (controls !== undefined) {
    words[ADJUST_WORD] = (hasPenalties(draw) ? ADJUST_PENALTIES : 0) | (controls.bias.size > 0 ? ADJUST_BIAS : 0);
    words[CONTROL_WORD] = control;
    words.set([end - counted, counted], COUNTED_WORD);
  }
  if (isMasked) words[ADJUST_WORD] = (words[ADJUST_WORD] ?? 0) | ADJUST_MASK;
  words[LOGPROBS_WORD] = Math.min(topLogprobs ?? 0, MAX_TOP_LOGPROBS);
  return words;
}

/** Writes words of an io buffer, from a byte on. */
export type WriteIo = (name: string, offset: number, words: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>) => void;

/** The control slots: what is held beside the model of requests with penalties and biases. */
export class ControlSlots {
  readonly #vocabulary: number;
  readonly #write: WriteIo;
  readonly #held = new Map<number, Controls>();

  constructor(vocabulary: number, write: WriteIo) {
    this.#vocabulary = vocabulary;
    this.#write = write;
  }

  /** Writes a request's slot, where it is not there yet. */
  hold({ draw }: RowDraw): void {
    const { controls, control = 0 } = draw;
    if (controls === undefined || this.#held.get(control) === controls) return;
    this.#held.set(control, controls);
    const at = 4 * control * this.#vocabulary;
    if (hasPenalties(draw)) {
      const counts = new Uint32Array(this.#vocabulary);
      for (const token of controls.prompt) counts[token] = IN_PROMPT;
      for (const token of controls.answer) counts[token] = (counts[token] ?? 0) + IN_ANSWER;
      this.#write("counts", at, counts);
    }
    if (controls.bias.size === 0) return;
    const bias = new Float32Array(this.#vocabulary);
    for (const [token, value] of controls.bias) bias[token] = value;
    this.#write("bias", at, bias);
  }
}

/** Places in the `history` buffer. */
export class HistoryPlaces {
  #taken = 0;

  /** The first of the next `n`, in one piece. */
  take(n: number): number {
    if (this.#taken % HISTORY + n > HISTORY) this.#taken += HISTORY - this.#taken % HISTORY;
    const place = this.#taken % HISTORY;
    this.#taken += n;
    return place;
  }
}

/** What rows have drawn. tokens: by row; logprobs: the words of the `logprobs` buffer, where one asks for them. */
export function resultsOf(
  rows: readonly (RowDraw | null)[], tokens: Int32Array<ArrayBuffer>, logprobs: Int32Array<ArrayBuffer>,
): readonly StepResult[] {
  return rows.map((row, i) => {
    const top = row?.draw.topLogprobs;
    return { token: tokens[i] ?? 0, ...(top !== undefined && { logprobs: readLogprobs(logprobs, i, top) }) };
  });
}

/** A row's part of the `logprobs` buffer. */
function readLogprobs(words: Int32Array<ArrayBuffer>, row: number, top: number): TokenLogprobs {
  const own = words.subarray(row * LOGPROB_WORDS, (row + 1) * LOGPROB_WORDS);
  const floats = new Float32Array(own.buffer, own.byteOffset, own.length);
  const places = Array.from({ length: Math.min(top, MAX_TOP_LOGPROBS) }, (_, i) => 2 + 2 * i);
  return {
    chosen: floats[0] ?? NaN,
    top: places.map((at) => ({ token: own[at] ?? 0, logprob: floats[at + 1] ?? NaN })).filter(({ logprob }) => logprob > NO_TOKEN),
  };
}
