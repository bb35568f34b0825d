/** Whether a file is all there. Of these formats, Firefox draws what it has of one that is cut or damaged. (JPEG, WebP and AVIF every browser refuses then.) */

import type { Bytes, Format } from "./header.ts";

const SUMS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
  return sum;
});

function crc32(bytes: Uint8Array): number {
  let sum = ~0;
  for (const byte of bytes) sum = (SUMS[(sum ^ byte) & 255] ?? 0) ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** Chunks with right sums up to the last one. */
function isWholePng(bytes: Bytes): boolean {
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = bytes.big(at, 4);
    const kind = bytes.text(at + 4, 4);
    const end = at + 8 + length;
    if (end + 4 > bytes.length || crc32(bytes.part(at + 4, end)) !== bytes.big(end, 4)) return false;
    if (kind === "IEND") return true;
    at = end + 4;
  }
  return false;
}

const COLORS = 0x80;
const IMAGE = 0x2c;
const EXTENSION = 0x21;

/** Blocks up to the end of the first picture. */
function isWholeGif(bytes: Bytes): boolean {
  const colors = (flags: number): number => (flags & COLORS ? 3 * 2 ** ((flags & 7) + 1) : 0);
  let at = 13 + colors(bytes.big(10, 1));
  for (;;) {
    const kind = bytes.big(at, 1);
    if (kind !== IMAGE && kind !== EXTENSION) return false;
    at += kind === IMAGE ? 11 + colors(bytes.big(at + 9, 1)) : 2;
    for (let length = bytes.big(at, 1); length !== 0; length = bytes.big(at, 1)) {
      if (Number.isNaN(length)) return false;
      at += 1 + length;
    }
    at++;
    if (kind === IMAGE) return at <= bytes.length;
  }
}

/** Rows of whole words, where they are not packed. */
function isWholeBmp(bytes: Bytes): boolean {
  const isOld = bytes.little(14, 4) === 12;
  const packed = isOld ? 0 : bytes.little(30, 4);
  if (packed === 1 || packed === 2) return true;
  const [width, height] = isOld ? [bytes.little(18, 2), bytes.little(20, 2)] : [bytes.little(18, 4), Math.abs(bytes.little(22, 4) | 0)];
  const bits = bytes.little(isOld ? 24 : 28, 2);
  return bytes.little(10, 4) + 4 * Math.ceil((width * bits) / 32) * height <= bytes.length;
}

export function isComplete(format: Format, bytes: Bytes): boolean {
  switch (format) {
    case "PNG": return isWholePng(bytes);
    case "GIF": return isWholeGif(bytes);
    case "BMP": return isWholeBmp(bytes);
    default: return true;
  }
}
