// What this browser makes of a corpus of picture files, and of sounds, for test_pictures.py, which bundles this with the room that reads them.

import { withPixels } from "../../runtime_js/src/media/decode.ts";
import { makePicture } from "../../runtime_js/src/media/process.ts";
import { pictureData, readPicture, readSound } from "../../runtime_js/src/media/reader.ts";
import { Rgb } from "../../runtime_js/src/media/rgb.ts";
import { decodeCompressed } from "../../runtime_js/src/media/sound/compressed.ts";
import { wavOf } from "../../runtime_js/src/media/sound/wav.ts";
import GOLDEN from "../../runtime_js/test/golden/sounds.json";

const fetched = async (name) => new Uint8Array(await (await fetch(`/pictures/${name}`)).arrayBuffer());
const told = ({ name, message }) => ({ error: `${name}: ${message}` });

function mostDifferent(found, wanted) {
  let most = 0;
  found.forEach((value, i) => { most = Math.max(most, Math.abs(value - wanted[i])); });
  return most;
}

/** Of each file: {width, height, most: by which a byte differs from the reference}, or {error}. */
export async function decodeAll(files) {
  const found = {};
  for (const { name, reference } of files) {
    const file = new Blob([await fetched(name)], { type: "image/png" }); // which may be a lie
    found[name] = await withPixels(file, async (source) => {
      const { width, height } = source;
      if (width !== reference?.width || height !== reference.height) return { width, height };
      return { width, height, most: mostDifferent(source.rows(0, height), await fetched(`${name}.rgb`)) };
    }).catch(told);
  }
  return found;
}

/** What is said of a picture of another site that gives it to nobody. */
async function foreign(name) {
  const address = new URL(`/pictures/${name}`, location.href);
  address.hostname = address.hostname === "localhost" ? "127.0.0.1" : "localhost";
  const { type } = await fetch(address, { mode: "no-cors" }); // it is there
  return { type, ...await pictureData({ data: address.href, path: "messages[0].content[1]" }).then(() => ({}), told) };
}

/** A picture in every shape that a page has it in is the same picture, made in a worker; and pages go on meanwhile. */
export async function readAll(settings, name, width, height) {
  const file = new Blob([await fetched(name)]);
  const { hash: wanted } = await makePicture(new Rgb(width, height, await fetched(`${name}.rgb`)), settings, "auto");
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").drawImage(await createImageBitmap(file), 0, 0);
  const shapes = { file, bitmap: await createImageBitmap(file), canvas: canvas.transferToImageBitmap() };
  if (typeof VideoFrame !== "undefined") shapes.frame = new VideoFrame(await createImageBitmap(file), { timestamp: 0 });
  const pictures = await Promise.all(Object.values(shapes).map((data) => readPicture(data, settings, "auto")));
  const different = Object.keys(shapes).filter((_, i) => pictures[i].hash !== wanted);
  const refused = await readPicture(new Blob(["no picture"]), settings, "auto").then(() => "nothing", told);
  const gone = await readPicture(file, settings, "auto", AbortSignal.abort()).then(() => "nothing", told);
  return { different, taken: shapes.bitmap.width === 0, refused, gone, foreign: await foreign(name) };
}

/** By how much what a worker makes of the sound of make_sounds.py differs from what transformers does. */
async function offReference({ length, frames, some }) {
  const values = Float32Array.from({ length }, (_, i) => {
    const t = i / 16_000;
    const noise = (((i * 7919 + ((i * i) % 127) * 31) % 1000) / 500 - 1) * 0.05;
    return 0.4 * Math.sin(2 * Math.PI * (220 + 300 * t) * t) + 0.2 * Math.sin(2 * Math.PI * 1750 * t) + noise;
  });
  const { tiles: [{ patches }] } = await readSound(wavOf({ values, rate: 16_000 }, 32), GOLDEN.settings);
  return mostDifferent(patches.subarray(0, frames * GOLDEN.settings.bins).filter((_, i) => i % GOLDEN.every === 0), some);
}

/** Of a compressed sound, how many samples there are and by how much they differ most; and what is said of one that is none. */
export async function hear(name) {
  const { values } = await decodeCompressed(new Blob([await fetched(name)]), 16_000);
  const wanted = new Int16Array((await fetched(`${name}.pcm`)).buffer);
  const refused = await decodeCompressed(new Blob(["no sound"]), 16_000).then(() => "nothing", told);
  const off = await Promise.all(GOLDEN.cases.map(offReference));
  return { off, length: values.length, most: mostDifferent(values, Float32Array.from(wanted, (value) => value / 2 ** 15)), refused };
}
