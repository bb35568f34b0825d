/** Cuts a text into overlapping passages at sensible places, by the embedding model's own count of tokens. */

/** Where in a text a page of a PDF, or what stands under a heading, begins. */
export interface Section {
  readonly start: number;
  readonly page: number | null;
  readonly heading: string | null;
}

/** A part of a text, [start, end) in UTF-16 code units, and the section in which it begins. */
export interface Passage extends Section {
  readonly end: number;
}

export type CountTokens = (texts: readonly string[]) => Promise<readonly number[]>;

/** What has more is about several things, and its vector about none of them. all-MiniLM-L6-v2 itself takes twice as many. */
export const MAX_TOKENS = 128;
export const OVERLAP_TOKENS = 24;
export const MAX_PASSAGES = 20_000;
/** A sentence beyond this is none. */
const MAX_SENTENCE = 1000;
const COUNTED_AT_ONCE = 256;

type Opening = "sentence" | "paragraph" | "section";

interface Piece {
  readonly start: number;
  readonly end: number;
  readonly opens: Opening;
  readonly section: Section;
}

interface CountedPiece extends Piece {
  readonly tokens: number;
}

const SENTENCES = new Intl.Segmenter(undefined, { granularity: "sentence" });

export async function splitIntoPassages(
  text: string, sections: readonly Section[], count: CountTokens, signal?: AbortSignal,
): Promise<Passage[]> {
  const pieces = await countedPieces(text, sentences(text, sections), count, signal);
  const passages: Passage[] = [];
  for (let first = 0; first < pieces.length;) {
    const end = endOfPassage(pieces, first);
    const [begin, last] = [pieces[first], pieces[end - 1]];
    if (begin === undefined || last === undefined) break;
    passages.push({ ...begin.section, start: begin.start, end: last.end });
    first = end < pieces.length ? beginOfNext(pieces, first, end) : end;
  }
  return passages;
}

/** The piece behind the last that fits: where a section begins, else a paragraph in the passage's second half, else any sentence. */
function endOfPassage(pieces: readonly CountedPiece[], first: number): number {
  let tokens = 0;
  let paragraph: number | undefined;
  for (let i = first; i < pieces.length; i++) {
    const piece = pieces[i];
    if (piece === undefined || (i > first && piece.opens === "section")) return i;
    if (i > first && piece.opens === "paragraph" && tokens >= MAX_TOKENS / 2) paragraph = i;
    tokens += piece.tokens;
    if (tokens > MAX_TOKENS && i > first) return paragraph ?? i;
  }
  return pieces.length;
}

/** What was said just before belongs to what follows, but for what stands under another heading. */
function beginOfNext(pieces: readonly CountedPiece[], first: number, end: number): number {
  if (pieces[end]?.opens === "section") return end;
  let begin = end;
  for (let tokens = 0; begin - 1 > first; begin--) {
    tokens += pieces[begin - 1]?.tokens ?? 0;
    if (tokens > OVERLAP_TOKENS) break;
  }
  return begin;
}

/** Of a page: whether the next begins with another sentence. */
export function endsSentence(text: string): boolean {
  return /(^|[.!?:…。！？"”’)\]])\s*$/.test(text);
}

function sentences(text: string, sections: readonly Section[]): Piece[] {
  const pieces: Piece[] = [];
  const known = sections.length > 0 ? sections : [{ start: 0, page: null, heading: null }];
  known.forEach((section, i) => {
    const content = text.slice(section.start, known[i + 1]?.start ?? text.length);
    // Where a page ends within a sentence, the next goes on with it.
    const goesOn = i > 0 && section.page !== null && !endsSentence(text.slice(Math.max(0, section.start - 10), section.start));
    let opens: Opening = goesOn ? "sentence" : "section";
    for (const paragraph of content.matchAll(/\S(?:(?!\n[^\S\n]*\n)[^])*/g)) {
      // A line that goes on in small letters is no sentence of its own. The text keeps its length.
      const flowing = paragraph[0].replace(/\n(?=[^\S\n]*\p{Ll})/gu, " ");
      for (const { segment, index } of SENTENCES.segment(flowing)) {
        const start = section.start + paragraph.index + index + (segment.length - segment.trimStart().length);
        const end = start + segment.trim().length;
        if (end > start) {
          pieces.push({ start, end, opens, section });
          opens = "sentence";
        }
      }
      opens = "paragraph";
    }
  });
  return pieces;
}

/** Pieces of at most MAX_TOKENS each: what is longer is halved between words. */
async function countedPieces(text: string, pieces: readonly Piece[], count: CountTokens, signal: AbortSignal | undefined): Promise<CountedPiece[]> {
  const short = pieces.flatMap((piece) => halves(text, piece, (length) => length <= MAX_SENTENCE));
  const counted: CountedPiece[] = [];
  for (let i = 0; i < short.length; i += COUNTED_AT_ONCE) {
    signal?.throwIfAborted();
    const batch = short.slice(i, i + COUNTED_AT_ONCE);
    const tokens = await count(batch.map(({ start, end }) => text.slice(start, end)));
    for (const [j, piece] of batch.entries()) {
      const length = piece.end - piece.start;
      const size = tokens[j] ?? 0;
      if (size <= MAX_TOKENS || length < 2) counted.push({ ...piece, tokens: size });
      else counted.push(...await countedPieces(text, halves(text, piece, (part) => part <= length / 2 + 1), count, signal));
    }
  }
  return counted;
}

function halves(text: string, piece: Piece, isShort: (length: number) => boolean): Piece[] {
  if (isShort(piece.end - piece.start)) return [piece];
  const middle = middleOf(text, piece);
  const behind = /\s/.test(text.charAt(middle)) ? middle + 1 : middle;
  const [left, right] = [{ ...piece, end: middle }, { ...piece, start: behind, opens: "sentence" as const }];
  return [left, right].flatMap((half) => halves(text, half, isShort));
}

/** The blank nearest to the middle, in the middle half, else the middle itself; never within a character. */
function middleOf(text: string, { start, end }: Piece): number {
  const middle = (start + end) >> 1;
  for (let away = 0; away < (end - start) >> 2; away++) {
    for (const at of [middle + away, middle - away]) if (/\s/.test(text.charAt(at))) return at;
  }
  return /[\uDC00-\uDFFF]/.test(text.charAt(middle)) && middle - 1 > start ? middle - 1 : middle;
}
