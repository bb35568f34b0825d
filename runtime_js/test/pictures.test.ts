// Pictures as models take them, beside what transformers' processors make of the same pixels (tests/golden/make_pictures.py).

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mock, test } from "node:test";
import type { Detail, Tile } from "../src/media/picture.ts";
import { layout, makePicture, tilePixels } from "../src/media/process.ts";
import { Rgb } from "../src/media/rgb.ts";
import { parseProcessor, type ProcessorSettings, type Qwen } from "../src/media/settings.ts";
import { ManifestError } from "../src/support/errors.ts";
import { Fields } from "../src/support/fields.ts";

const golden = new Fields(JSON.parse(readFileSync("test/golden/pictures.json", "utf8")), "", Error);
const fail = (message: string): ManifestError => new ManifestError(message);
const settingsOf = (name: string): ProcessorSettings => parseProcessor(new Fields(golden.object(name).raw("settings"), "processor", fail));

/** The picture of make_pictures.py. */
function picture(width: number, height: number): Rgb {
  const data = new Uint8Array(3 * width * height);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) data[at++] = x * (3 + c) + y * (5 - c) + ((x * y) % 17) * 11 + ((Math.trunc(x / 7) + Math.trunc(y / 5)) % 2) * 90;
    }
  }
  return new Rgb(width, height, data);
}

const counted = (prompt: string, image: string): string =>
  prompt.replace(new RegExp(`(?:${image.replace(/\W/g, "\\$&")})+`, "g"), (run) => `${image}*${run.length / image.length}`);

/** What is compared of many values: every so-manieth. */
const some = (values: ArrayLike<number>): number[] => Array.from(values).filter((_, i) => i % Math.max(1, Math.trunc(values.length / 7)) === 0);

function near(found: readonly number[], wanted: readonly number[], what: string): void {
  assert.equal(found.length, wanted.length, what);
  found.forEach((value, i) => assert.ok(Math.abs(value - (wanted[i] ?? NaN)) < 1e-5, `${what}: ${found.join(" ")} instead of ${wanted.join(" ")}`));
}

/** What each patch takes of the table of make_pictures.py, row by row. */
function learnt({ grid, positions, taps = new Int32Array(), factors = new Float32Array() }: Tile): number[] {
  const count = positions.length / 2;
  const width = taps.length / count;
  const values = new Array<number>(grid[0] * grid[1]).fill(NaN); // what is before them is at the place of the first, and gives way to it
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let k = i * width; k < (i + 1) * width; k++) sum += (factors[k] ?? NaN) * ((((taps[k] ?? NaN) * 37) % 101) / 101);
    values[(positions[2 * i] ?? NaN) * grid[1] + (positions[2 * i + 1] ?? NaN)] = sum;
  }
  return values;
}

/** The lowest right patch, of which a tile has width numbers. */
function lastPatch({ grid, positions, patches }: Tile): Float32Array {
  const width = (2 * patches.length) / positions.length;
  const at = Array.from({ length: positions.length / 2 }, (_, i) => i).findLast((i) => positions[2 * i] === grid[0] - 1 && positions[2 * i + 1] === grid[1] - 1) ?? NaN;
  return patches.subarray(at * width, (at + 1) * width);
}

for (const name of golden.keys()) {
  test(`${name}: pixels, patches and prompts are those of transformers`, async () => {
    const settings = settingsOf(name);
    const cases = golden.object(name).objects("cases", 100, (one) => one);
    for (const one of cases) {
      const [width = 0, height = 0] = one.integers("size", 2, 1, 10_000);
      const what = `${width} × ${height}`;
      const source = picture(width, height);
      const plan = layout(settings, source, "auto");
      assert.equal(counted(plan.prompt, settings.image), one.string("prompt", 10_000), what);
      const wanted = one.objects("tiles", 64, (tile) => tile);
      const pixels = tilePixels(source, plan, settings.resample);
      assert.deepEqual(pixels.map(({ data }) => createHash("sha256").update(data).digest("hex")), wanted.map((tile) => tile.string("sha256", 64)), what);
      const made = await makePicture(source, settings, "auto");
      assert.equal(made.tokens, made.prompt.split(settings.image).length - 1, what);
      assert.deepEqual(made.order?.rows, one.raw("rows"), what);
      assert.equal(made.tokens, made.order?.rows.length ?? made.tiles.reduce((sum, { tokens }) => sum + tokens, 0), what);
      made.tiles.forEach((tile, i) => {
        const reference = wanted[i];
        assert.ok(reference);
        assert.deepEqual(tile.grid, reference.raw("grid"), what);
        assert.equal(tile.tokens * settings.merge ** 2, tile.grid[0] * tile.grid[1]);
        const last = lastPatch(tile);
        const values = 3 * settings.patch ** 2;
        near(some(last.subarray(0, values)), reference.array("last", 20, Number), what);
        assert.equal(last.length % 32, 0);
        assert.ok(last.subarray(values).every((value) => value === 0));
        if (reference.has("learnt")) near(some(learnt(tile)), reference.array("learnt", 20, Number), what);
        assert.deepEqual(tile.windows && { order: Array.from(tile.windows.order), ends: Array.from(tile.windows.ends) }, reference.raw("windows"), what);
      });
    }
  });
}

test("in low detail a picture takes few tokens", () => {
  const tokens = (name: string, detail: Detail): number => layout(settingsOf(name), { width: 640, height: 480 }, detail).tokens;
  assert.deepEqual([tokens("smolvlm", "high"), tokens("smolvlm", "low")], [832, 64]);
  assert.deepEqual([tokens("llava_next", "high"), tokens("llava_next", "low")], [16 + 6 * (8 + 1), 16 + 1]);
  assert.ok(tokens("lfm2_vl", "low") <= 16 && tokens("lfm2_vl", "auto") > 64);
  assert.ok(layout({ ...settingsOf("qwen3_vl"), mostPixels: 2 ** 20 } as Qwen, { width: 4000, height: 3000 }, "low").tokens <= 256);
});

test("a picture whose shape the model does not take is told", () => {
  assert.throws(() => layout(settingsOf("qwen2_5_vl"), { width: 4001, height: 20 }, "auto"), /4001 × 20 pixels.*more than 200 times the other\. Cut it/);
  assert.throws(() => layout(settingsOf("llava_next"), { width: 1, height: 10_000 }, "auto"), /1 × 10000 pixels: so thin a strip this model does not see\. Cut it/);
  assert.throws(() => layout(settingsOf("lfm2_vl"), { width: 60_000, height: 1 }, "auto"), /60000 × 1 pixels: so thin a strip would be \d+ tokens, and this model takes 16 at a time\. Cut it/);
});

test("equal pixels by equal settings have one hash, and others another", async () => {
  const [settings, other] = [settingsOf("gemma3"), settingsOf("lfm2_vl")];
  const hash = async (width: number, by: ProcessorSettings): Promise<string> => (await makePicture(picture(width, 40), by, "auto")).hash;
  assert.equal(await hash(50, settings), await hash(50, settings));
  assert.equal(new Set([await hash(50, settings), await hash(51, settings), await hash(50, other), await hash(50, { ...settings, mean: [0, 0, 0] })]).size, 4);
});

test("of a picture its own pixels are hashed where tiles have more of them, and what becomes of these by its detail", async () => {
  const digest = mock.method(crypto.subtle, "digest");
  const settings = settingsOf("idefics3");
  const made = async (width: number, detail: Detail, change = 0): Promise<readonly [hash: string, bytes: number]> => {
    digest.mock.resetCalls();
    const shown = picture(width, 40);
    shown.data[3] = (shown.data[3] ?? 0) + change;
    const { hash } = await makePicture(shown, settings, detail);
    return [hash, Math.max(...digest.mock.calls.map(({ arguments: [, data] }) => data.byteLength))];
  };
  const [same, again, otherwise, low, large] = [await made(50, "auto"), await made(50, "high"), await made(50, "auto", 1), await made(50, "low"), await made(700, "auto")];
  digest.mock.restore();
  assert.deepEqual([same[1], again, large[1] < 3 * 700 * 40], [3 * 50 * 40, same, true]);
  assert.equal(new Set([same, otherwise, low].map(([hash]) => hash)).size, 3);
});

test("settings beyond their bounds are refused by their names", () => {
  const hostile: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    ["idefics3", { kind: "other" }, /kind must be "idefics3"/], ["idefics3", { patch: 0 }, /patch must be an integer from 1/],
    ["idefics3", { tile: 1e9 }, /tile must be an integer/], ["idefics3", { tile: 24 }, /tile must be whole blocks of 16/],
    ["idefics3", { longest: 1e6 }, /longest must be an integer/], ["idefics3", { mean: [0.5, "x", 0.5] }, /mean must be three numbers/],
    ["idefics3", { std: [0, 1, 1] }, /std must be three numbers/], ["idefics3", { table: { kind: "buckets", side: 1e9, taps: 1 } }, /table\.side must be/],
    ["lfm2_vl", { most_tokens: 1e9 }, /most_tokens must be/], ["lfm2_vl", { least_tokens: 17 }, /least_tokens must be/], ["lfm2_vl", { most_tiles: 1e6 }, /most_tiles must be/], ["lfm2_vl", { tile: 65 }, /tile must be a multiple of 16/],
    ["qwen3_vl", { most_pixels: 2 ** 40 }, /most_pixels must be/], ["gemma3", { image: "" }, /image must be a text that is not empty/],
    ["gemma3", { before: "x".repeat(257) }, /before must be at most 256/], ["gemma4", { resample: "nearest" }, /resample must be "bilinear"/],
  ];
  for (const [name, changes, told] of hostile) {
    const written = { ...Object(golden.object(name).raw("settings")), ...changes };
    assert.throws(() => parseProcessor(new Fields(written, "processor", fail)), (error: unknown) => error instanceof ManifestError && told.test(error.message), `${name} ${JSON.stringify(changes)}`);
  }
});
