/** PNG files that are read here: with alpha or 16 bits, which browsers round differently, and where there is no browser, all. */

import { Bytes } from "./bytes.ts";
import { rgbOf } from "./pixels.ts";
import { upright, type Rgb } from "./rgb.ts";

/** Numbers of a pixel, by the color type. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE = 3;
/** Of a larger one, decoding would take more memory than a browser does. */
const MOST_PIXELS = 2 ** 24;

/** Of how many pixels a pass takes one, in a row and of rows, and which is the first. */
type Pass = readonly [left: number, top: number, right: number, down: number];
const WHOLE: readonly Pass[] = [[0, 0, 1, 1]];
const ADAM7: readonly Pass[] = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

interface Chunks {
  readonly data: Uint8Array<ArrayBuffer>[];
  readonly palette: Uint8Array;
  readonly transparent: Uint8Array;
  /** As EXIF tells it; NaN where it does not. */
  readonly orientation: number;
}

const ORIENTATION = 0x112;

function orientationOf(exif: Bytes): number {
  const number = (at: number, size: 2 | 4): number => (exif.text(0, 2) === "II" ? exif.little(at, size) : exif.big(at, size));
  const first = number(4, 4);
  const count = Math.min(number(first, 2), exif.length / 12);
  for (let i = 0; i < count; i++) if (number(first + 2 + 12 * i, 2) === ORIENTATION) return number(first + 10 + 12 * i, 2);
  return NaN;
}

interface Shape {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly color: number;
}

/** Undefined where the file has what is not read here. */
function chunksOf(bytes: Bytes): Chunks | undefined {
  const data: Uint8Array<ArrayBuffer>[] = [];
  let [palette, transparent, orientation] = [new Uint8Array(), new Uint8Array(), NaN];
  for (let at = 8; at + 12 <= bytes.length; at += 12 + bytes.big(at, 4)) {
    const part = Uint8Array.from(bytes.part(at + 8, at + 8 + bytes.big(at, 4)));
    switch (bytes.text(at + 4, 4)) {
      case "IDAT": data.push(part); break;
      case "PLTE": palette = part; break;
      case "tRNS": transparent = part; break;
      case "eXIf": orientation = orientationOf(new Bytes(part)); break;
      case "IEND": return { data, palette, transparent, orientation };
    }
  }
  return undefined;
}

/** Exactly so many bytes; undefined where there are fewer, or more. */
async function inflated(parts: readonly Uint8Array<ArrayBuffer>[], length: number): Promise<Uint8Array | undefined> {
  const out = new Uint8Array(length);
  const reader = new Blob([...parts]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let at = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (at + next.value.length > length) return undefined;
      out.set(next.value, at);
      at += next.value.length;
    }
  } catch {
    return undefined;
  } finally {
    void reader.cancel().catch(() => undefined);
  }
  return at === length ? out : undefined;
}

/** Each row's bytes are told by their difference from those on the left, above, or both. False for a filter that there is none of. */
function unfilter(rows: Uint8Array, line: number, step: number): boolean {
  for (let begin = 0, above = -1; begin < rows.length; above = begin, begin += line + 1) {
    const kind = rows[begin] ?? 0;
    if (kind > 4) return false;
    for (let i = 1; kind > 0 && i <= line; i++) {
      const left = i > step ? rows[begin + i - step] ?? 0 : 0;
      const up = above < 0 ? 0 : rows[above + i] ?? 0;
      const corner = above < 0 || i <= step ? 0 : rows[above + i - step] ?? 0;
      const guess = kind === 1 ? left : kind === 2 ? up : kind === 3 ? (left + up) >> 1 : paeth(left, up, corner);
      rows[begin + i] = (rows[begin + i] ?? 0) + guess;
    }
  }
  return true;
}

function paeth(left: number, up: number, corner: number): number {
  const [byLeft, byUp, byCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner;
}

/** Whether a pixel has the numbers that mean that nothing is there. `value`: of a channel. */
function isKey(transparent: Uint8Array, channels: number, value: (channel: number) => number): boolean {
  for (let c = 0; c < channels; c++) if (value(c) !== (transparent[2 * c] ?? 0) * 256 + (transparent[2 * c + 1] ?? 0)) return false;
  return transparent.length >= 2 * channels;
}

/** Puts the pixels of a pass where they belong in `out`, uint8[height, width, 4]. Of 16 bits the high byte. */
function place(out: Uint8Array, { width, bits, color }: Shape, [left, top, right, down]: Pass, size: Lines, rows: Uint8Array, { palette, transparent }: Chunks): void {
  const channels = CHANNELS[color] ?? 1;
  const [mask, scale] = [2 ** bits - 1, bits < 8 ? 255 / (2 ** bits - 1) : 1];
  for (let y = 0; y < size.height; y++) {
    for (let x = 0, to = 4 * ((top + y * down) * width + left); x < size.width; x++, to += 4 * right) {
      const at = y * (size.line + 1) + 1 + Math.floor((x * channels * bits) / 8);
      const value = (c: number): number => (bits < 8 ? ((rows[at] ?? 0) >> (8 - bits - ((x * bits) & 7))) & mask : rows[at + (c * bits) / 8] ?? 0);
      for (let c = 0; c < 3; c++) out[to + c] = color === PALETTE ? palette[3 * value(0) + c] ?? 0 : value(channels > 2 ? c : 0) * scale;
      if (channels % 2 === 0) out[to + 3] = value(channels - 1);
      else if (color === PALETTE) out[to + 3] = transparent[value(0)] ?? 255;
      else if (transparent.length > 0 && isKey(transparent, channels, (c) => (bits < 16 ? value(c) : value(c) * 256 + (rows[at + 2 * c + 1] ?? 0)))) out[to + 3] = 0;
    }
  }
}

interface Lines {
  readonly width: number;
  readonly height: number;
  /** Bytes of a row, behind its filter's. */
  readonly line: number;
}

/** What a pass has of a picture: nothing of some that are small. */
function linesOf({ width, height, bits, color }: Shape, [left, top, right, down]: Pass): Lines {
  const columns = Math.ceil((width - left) / right);
  return { width: columns, height: columns > 0 ? Math.max(0, Math.ceil((height - top) / down)) : 0, line: Math.ceil((columns * (CHANNELS[color] ?? 1) * bits) / 8) };
}

/** Its pixels on white; undefined where it is damaged, or not read here. isAll: also those that browsers read exactly. */
export async function readPng(bytes: Bytes, isAll: boolean): Promise<Rgb | undefined> {
  const [width, height, bits, color, interlacing] = [bytes.big(16, 4), bytes.big(20, 4), bytes.big(24, 1), bytes.big(25, 1), bytes.big(28, 1)];
  const channels = CHANNELS[color];
  const chunks = chunksOf(bytes);
  if (channels === undefined || chunks === undefined || interlacing > 1 || width * height > MOST_PIXELS || ![1, 2, 4, 8, 16].includes(bits)) return undefined;
  if (!isAll && bits < 16 && color !== 4 && color !== 6 && chunks.transparent.length === 0) return undefined;
  const shape = { width, height, bits, color };
  const passes = interlacing === 1 ? ADAM7 : WHOLE;
  const lines = passes.map((pass) => linesOf(shape, pass));
  const rows = await inflated(chunks.data, lines.reduce((sum, size) => sum + (size.line + 1) * size.height, 0));
  if (rows === undefined) return undefined;
  const data = new Uint8Array(4 * width * height).fill(255);
  let begin = 0;
  for (const [i, pass] of passes.entries()) {
    const size = lines[i] ?? linesOf(shape, pass);
    const part = rows.subarray(begin, (begin += (size.line + 1) * size.height));
    if (!unfilter(part, size.line, Math.max(1, (channels * bits) >> 3))) return undefined;
    place(data, shape, pass, size, part, chunks);
  }
  return upright(rgbOf({ width, height, data }), chunks.orientation);
}
