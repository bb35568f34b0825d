/** Where the first picture of a GIF is: on a screen, of which it may be a part. */

import type { Bytes } from "./bytes.ts";
import type { Size } from "./picture.ts";

const COLORS = 0x80;
const IMAGE = 0x2c;
const EXTENSION = 0x21;

export interface Frame extends Size {
  readonly left: number;
  readonly top: number;
  /** Where its data begin. */
  readonly data: number;
}

const colors = (flags: number): number => (flags & COLORS ? 3 * 2 ** ((flags & 7) + 1) : 0);

/** Behind blocks of data, which begin with their length, and an empty one. Undefined where they do not end. */
export function behindBlocks(bytes: Bytes, begin: number): number | undefined {
  let at = begin;
  for (let length = bytes.big(at, 1); length !== 0; length = bytes.big(at, 1)) {
    if (Number.isNaN(length)) return undefined;
    at += 1 + length;
  }
  return at + 1;
}

/** Undefined where the file has no picture. */
export function firstFrame(bytes: Bytes): Frame | undefined {
  let at: number | undefined = 13 + colors(bytes.big(10, 1));
  while (at !== undefined && bytes.big(at, 1) === EXTENSION) at = behindBlocks(bytes, at + 2);
  if (at === undefined || bytes.big(at, 1) !== IMAGE) return undefined;
  return {
    left: bytes.little(at + 1, 2), top: bytes.little(at + 3, 2), width: bytes.little(at + 5, 2), height: bytes.little(at + 7, 2),
    data: at + 11 + colors(bytes.big(at + 9, 1)),
  };
}

/** Of the screen, or, where that is smaller, of what the first picture needs. */
export function gifSize(bytes: Bytes): Size {
  const { left, top, width, height } = firstFrame(bytes) ?? { left: 0, top: 0, width: 0, height: 0 };
  return { width: Math.max(bytes.little(6, 2), left + width), height: Math.max(bytes.little(8, 2), top + height) };
}
