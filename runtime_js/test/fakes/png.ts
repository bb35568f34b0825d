/** PNG files, byte by byte. */

import { crc32, deflateSync } from "node:zlib";

export function chunk(kind: string, data: Uint8Array): Buffer {
  const [body, length, sum] = [Buffer.concat([Buffer.from(kind), data]), Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** rows: each with its filter first. */
export function png(width: number, height: number, bits: number, color: number, rows: readonly (readonly number[])[], more: readonly Buffer[] = [], interlaced = 0): Blob {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([bits, color, 0, 0, interlaced], 8);
  const data = chunk("IDAT", deflateSync(Uint8Array.from(rows.flat())));
  return new Blob([Uint8Array.from(Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), chunk("IHDR", head), ...more, data, chunk("IEND", new Uint8Array())]))]);
}
