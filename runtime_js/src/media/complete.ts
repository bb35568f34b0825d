/** Whether a file is all there: Firefox draws what it has of one that is cut or damaged. (An AVIF every browser refuses then.) */

import { behindBlocks, firstFrame } from "./gif.ts";
import type { Bytes } from "./bytes.ts";
import { findSegment, type Format } from "./header.ts";
import type { Size } from "./picture.ts";

const SUMS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
  return sum;
});

function crc32(bytes: Uint8Array): number {
  let sum = ~0;
  for (let at = 0; at < bytes.length; at++) sum = (SUMS[(sum ^ (bytes[at] ?? 0)) & 255] ?? 0) ^ (sum >>> 8); // an iterator takes twice as long
  return ~sum >>> 0;
}

/** A byte becomes so many at most. */
const MOST_INFLATED = 1032;

/** Chunks with right sums up to the last one, and no fewer data than its pixels could be packed into. */
function isWholePng(bytes: Bytes, { width, height }: Size): boolean {
  const pixels = height * Math.ceil((width * bytes.big(24, 1)) / 8);
  let data = 0;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = bytes.big(at, 4);
    const kind = bytes.text(at + 4, 4);
    const end = at + 8 + length;
    if (end + 4 > bytes.length || crc32(bytes.part(at + 4, end)) !== bytes.big(end, 4)) return false;
    if (kind === "IDAT") data += length;
    if (kind === "IEND") return pixels <= data * MOST_INFLATED;
    at = end + 4;
  }
  return false;
}

function isWholeGif(bytes: Bytes): boolean {
  const frame = firstFrame(bytes);
  return frame !== undefined && (behindBlocks(bytes, frame.data) ?? Infinity) <= bytes.length;
}

/** With the marker of its end, which within data has a zero in its middle. */
function isWholeJpeg(bytes: Bytes): boolean {
  const scan = findSegment(bytes, (marker) => marker === 0xda);
  const data = Number.isNaN(scan) ? new Uint8Array() : bytes.part(scan, bytes.length);
  let at = data.indexOf(0xff);
  while (at >= 0 && data[at + 1] !== 0xd9) at = data.indexOf(0xff, at + 1);
  return at >= 0;
}

/** Rows of whole words, where they are not packed. */
function isWholeBmp(bytes: Bytes, { width, height }: Size): boolean {
  const isOld = bytes.little(14, 4) === 12;
  const packed = isOld ? 0 : bytes.little(30, 4);
  if (packed === 1 || packed === 2) return true;
  const bits = bytes.little(isOld ? 24 : 28, 2);
  return bytes.little(10, 4) + 4 * Math.ceil((width * bits) / 32) * height <= bytes.length;
}

/** size: as the file tells it. */
export function isComplete(format: Format, bytes: Bytes, size: Size): boolean {
  switch (format) {
    case "PNG": return isWholePng(bytes, size);
    case "GIF": return isWholeGif(bytes);
    case "BMP": return isWholeBmp(bytes, size);
    case "JPEG": return isWholeJpeg(bytes);
    case "WebP": return 8 + bytes.little(4, 4) <= bytes.length;
    default: return true;
  }
}
