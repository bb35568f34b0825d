// Pictures as models take them, beside what transformers' processors make of the same pixels (tests/golden/make_pictures.py).

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { layout, makePicture, tilePixels } from "../src/media/process.ts";
import { Rgb } from "../src/media/rgb.ts";
import { parseProcessor } from "../src/media/settings.ts";
import { ManifestError } from "../src/support/errors.ts";
import { Fields } from "../src/support/fields.ts";
import golden from "./golden/pictures.json";

/** The picture of make_pictures.py. */
function picture(width: number, height: number): Rgb {
  const data = new Uint8Array(3 * width * height);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        data[at++] = x * (3 + c) + y * (5 - c) + ((x * y) % 17) * 11 + ((Math.trunc(x / 7) + Math.trunc(y / 5)) % 2) * 90;
      }
    }
  }
  return new Rgb(width, height, data);
}

const fail = (message: string): ManifestError => new ManifestError(message);
const counted = (prompt: string, image: string): string =>
  prompt.replace(new RegExp(`(?:${image.replace(/\W/g, "\\$&")})+`, "g"), (run) => `${image}*${run.length / image.length}`);

for (const [name, { settings: written, cases }] of Object.entries(golden)) {
  test(`${name}: the pixels, patches and prompts of transformers`, async () => {
    const settings = parseProcessor(new Fields(written, "processor", fail));
    for (const { size: [width = 0, height = 0], prompt, tiles } of cases) {
      const what = `${width} × ${height}`;
      const source = picture(width, height);
      const plan = layout(settings, source, "auto");
      assert.equal(counted(plan.prompt, settings.image), prompt, what);
      const pixels = tilePixels(source, plan, settings.resample);
      assert.deepEqual(pixels.map(({ data }) => createHash("sha256").update(data).digest("hex")), tiles.map(({ sha256 }) => sha256), what);
      const made = await makePicture(source, settings, "auto");
      assert.deepEqual(made.tiles.map(({ grid }) => grid), tiles.map(({ grid }) => grid), what);
      assert.equal(made.prompt.split(settings.image).length - 1, made.tokens, what);
      made.tiles.forEach((tile, i) => {
        assert.equal(tile.tokens * settings.merge ** 2, tile.grid[0] * tile.grid[1]);
        const values = 3 * settings.patch ** 2;
        const width = tile.patches.length / (tile.grid[0] * tile.grid[1]);
        assert.equal(width % 32, 0);
        const last = tile.patches.subarray(-width); // of the last block, which is the lowest right one
        const step = Math.max(1, Math.trunc(values / 7));
        tiles[i]?.last.forEach((value, j) => assert.ok(Math.abs((last[j * step] ?? NaN) - value) < 1e-5, `${what}: ${last[j * step]} for ${value}`));
        assert.ok(last.subarray(values).every((value) => value === 0));
      });
    }
  });
}
