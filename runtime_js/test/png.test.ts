// PNG files where no browser decodes them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { withPixels } from "../src/media/decode.ts";
import { RequestValidationError } from "../src/support/errors.ts";
import { fails } from "./fakes/expect.ts";
import { chunk, png } from "./fakes/png.ts";

const read = (file: Blob): Promise<number[]> => withPixels(file, async (source) => [...source.rows(0, source.height)]);
const plte = chunk("PLTE", Uint8Array.of(1, 2, 3, 40, 50, 60));
/** Two columns and three rows. */
const turned = (orientation: number): Blob =>
  png(2, 3, 8, 0, [[0, 1, 2], [0, 3, 4], [0, 5, 6]], [chunk("eXIf", Uint8Array.of(77, 77, 0, 42, 0, 0, 0, 8, 0, 1, 1, 18, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0))]);

for (const [name, file, wanted] of [
  ["colors, with every filter", png(2, 5, 8, 2, [
    [0, 1, 2, 3, 4, 5, 6], [1, 1, 2, 3, 3, 3, 3], [2, 1, 1, 1, 1, 1, 1], [3, 10, 10, 10, 10, 10, 10], [4, 1, 1, 1, 1, 1, 1],
  ]), [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 7, 11, 11, 12, 18, 18, 19, 12, 12, 13, 19, 19, 20]],
  ["alpha, on white", png(2, 1, 8, 6, [[0, 10, 20, 30, 0, 0, 100, 255, 51]]), [255, 255, 255, 204, 224, 255]],
  ["16 bits, of which the high ones count", png(1, 1, 16, 2, [[0, 1, 255, 2, 255, 3, 255]]), [1, 2, 3]],
  ["grey with alpha in 16 bits", png(1, 1, 16, 4, [[0, 100, 9, 255, 9]]), [100, 100, 100]],
  ["grey of two bits", png(5, 1, 2, 0, [[0, 0b00011011, 0b01000000]]), [0, 85, 170, 255, 85].flatMap((grey) => [grey, grey, grey])],
  ["a color that is none", png(2, 1, 8, 0, [[0, 7, 8]], [chunk("tRNS", Uint8Array.of(0, 7))]), [255, 255, 255, 8, 8, 8]],
  ["seven passes", png(3, 3, 8, 0, [[0, 1], [0, 3], [0, 7, 9], [0, 2], [2, 6], [0, 4, 5, 6]], [], 1), [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((grey) => [grey, grey, grey])],
  ["passes of less than a byte", png(2, 2, 1, 0, [[0, 128], [0, 0], [0, 64]], [], 1), [255, 0, 0, 255].flatMap((grey) => [grey, grey, grey])],
  ...[[2, [2, 1, 4, 3, 6, 5]], [3, [6, 5, 4, 3, 2, 1]], [4, [5, 6, 3, 4, 1, 2]], [5, [1, 3, 5, 2, 4, 6]], [6, [5, 3, 1, 6, 4, 2]], [7, [6, 4, 2, 5, 3, 1]], [8, [2, 4, 6, 1, 3, 5]], [9, [1, 2, 3, 4, 5, 6]]]
    .map(([orientation, greys]) => [`the orientation ${String(orientation)}`, turned(Number(orientation)), [greys].flat().flatMap((grey) => [grey, grey, grey])] as const),
  ["a palette with a part that is clear", png(3, 1, 1, 3, [[0, 0b01000000]], [plte, chunk("tRNS", Uint8Array.of(0))]), [255, 255, 255, 40, 50, 60, 255, 255, 255]],
] as const) test(`a PNG has ${name}`, async () => assert.deepEqual(await read(file), wanted));

test("what is no such file is refused, and why is said", async () => {
  const whole = png(1, 1, 8, 0, [[0, 1]]);
  for (const [file, told] of [
    [png(2, 1, 8, 0, [[0, 1]], [], 1), /a damaged one/], // a pass is missing
    [png(4, 4, 8, 0, [[0, 1]]), /damaged/], // fewer rows than it says
    [png(1, 1, 8, 0, [[0, 1, 2, 3, 4]]), /damaged/],
    [png(1, 1, 8, 0, [[9, 1]]), /damaged/],
    [png(40_000, 25_000, 8, 0, [[0, 1]]), /1000 megapixels|40000 × 25000/],
    [whole.slice(0, whole.size - 6), /damaged or not whole/],
    [new Blob([Uint8Array.of(0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 1, 0, 1)]), /damaged|one in JPEG/],
  ] as const) await assert.rejects(read(file), fails(RequestValidationError, told));
});
