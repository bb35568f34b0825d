/**
 * What a file says of the picture in it: a decoder would take whatever memory the sizes there ask for.
 */

import type { Bytes } from "./bytes.ts";
import { gifSize } from "./gif.ts";
import type { Size } from "./picture.ts";

export type Format = "PNG" | "JPEG" | "WebP" | "GIF" | "BMP" | "AVIF";

/** Formats that are told apart only to be refused by name. */
export type OtherFormat = "SVG" | "TIFF" | "HEIC" | "JPEG XL" | "PDF";

export interface Header extends Partial<Size> {
  readonly format: Format | OtherFormat | undefined;
}

const MARKERS_WITHOUT_LENGTH = new Set([0x01, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8]);

/** Where the first segment is whose marker is wanted, behind whatever metadata; NaN where there is none. */
export function findSegment(bytes: Bytes, isWanted: (marker: number) => boolean): number {
  for (let at = 2; at + 4 <= bytes.length;) {
    if (bytes.big(at, 1) !== 0xff) return NaN;
    const marker = bytes.big(at + 1, 1);
    if (isWanted(marker)) return at;
    if (marker === 0xff) at++;
    else at += 2 + (MARKERS_WITHOUT_LENGTH.has(marker) ? 0 : Math.max(2, bytes.big(at + 2, 2)));
  }
  return NaN;
}

const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

function jpegSize(bytes: Bytes): Partial<Size> {
  const at = findSegment(bytes, isFrame);
  return { height: bytes.big(at + 5, 2), width: bytes.big(at + 7, 2) };
}

function webpSize(bytes: Bytes): Partial<Size> {
  switch (bytes.text(12, 4)) {
    case "VP8 ": return { width: bytes.little(26, 2) & 0x3fff, height: bytes.little(28, 2) & 0x3fff };
    case "VP8X": return { width: bytes.little(24, 3) + 1, height: bytes.little(27, 3) + 1 };
    case "VP8L": {
      const packed = bytes.little(21, 4);
      return { width: (packed % 2 ** 14) + 1, height: (Math.trunc(packed / 2 ** 14) % 2 ** 14) + 1 };
    }
    default: return {};
  }
}

/** The largest that any property of the file's items tells: what is decoded is one of them, or a grid whose size is among them. */
function avifSize(bytes: Bytes): Partial<Size> {
  const text = bytes.text(0, Math.min(bytes.length, 1 << 16));
  let size: Partial<Size> = {};
  for (let at = text.indexOf("ispe"); at >= 0; at = text.indexOf("ispe", at + 4)) {
    const found = { width: bytes.big(at + 8, 4), height: bytes.big(at + 12, 4) };
    if (found.width * found.height > (size.width ?? 0) * (size.height ?? 0)) size = found;
  }
  return size;
}

function bmpSize(bytes: Bytes): Partial<Size> {
  if (bytes.little(14, 4) === 12) return { width: bytes.little(18, 2), height: bytes.little(20, 2) };
  return { width: bytes.little(18, 4), height: Math.abs(bytes.little(22, 4) | 0) };
}

/** A size that the file does not tell is absent or NaN. */
export function readHeader(bytes: Bytes): Header {
  const starts = (text: string, at = 0): boolean => bytes.text(at, text.length) === text;
  if (starts("\x89PNG\r\n\x1a\n")) return { format: "PNG", width: bytes.big(16, 4), height: bytes.big(20, 4) };
  if (starts("\xff\xd8\xff")) return { format: "JPEG", ...jpegSize(bytes) };
  if (starts("RIFF") && starts("WEBP", 8)) return { format: "WebP", ...webpSize(bytes) };
  if (starts("GIF8")) return { format: "GIF", ...gifSize(bytes) };
  if (starts("BM")) return { format: "BMP", ...bmpSize(bytes) };
  if (starts("ftyp", 4)) {
    const brands = bytes.text(8, Math.min(bytes.big(0, 4), 64) - 8);
    if (/avi[fs]/.test(brands)) return { format: "AVIF", ...avifSize(bytes) };
    if (/hei[cxms]|hev[cxms]|mif1/.test(brands)) return { format: "HEIC" };
  }
  if (starts("II*\0") || starts("MM\0*")) return { format: "TIFF" };
  if (starts("\xff\x0a") || starts("JXL ", 4)) return { format: "JPEG XL" };
  if (starts("%PDF")) return { format: "PDF" };
  if (/<svg[\s>]/i.test(bytes.text(0, 4096).replaceAll("\0", ""))) return { format: "SVG" };
  return { format: undefined };
}
