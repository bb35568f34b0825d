/** A model that sees and hears: a picture or a sound is a text, which names it and says how many tokens each of its tiles has, as "7: 5 5 2". */

import { test } from "node:test";
import type { PictureRunner } from "../../src/executor/runner.ts";
import type { Sense } from "../../src/engine/pictures.ts";
import { RequestValidationError } from "../../src/support/errors.ts";
import type { Tile } from "../../src/media/picture.ts";
import { MODEL, PLACES, fakeTokenizer, soon, type FakeEngine, type Setup } from "./engine.ts";

const MARKS = ["<image>", "<audio>"] as const;
const TEMPLATE = "{% for m in messages %}[{{ m.role }}]{% if m.content is string %}{{ m.content }}{% else %}{% for part in m.content %}"
  + "{% if part.type == 'image' %}<image>{% elif part.type == 'audio' %}<audio>{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}\n{% endfor %}[assistant]";
/** The ids of these in a fake tokenizer. */
export const IMAGE_TOKEN = 1000;
export const AUDIO_TOKEN = 1001;

export function picture(text: string): Blob {
  return new Blob([text], { type: "image/png" });
}

export class FakeVision implements Sense, PictureRunner {
  readonly settings: Sense["settings"];
  readonly width = 2;
  /** By picture and tile: "7/0". */
  readonly encoded: string[] = [];
  reads = 0;
  loads = 0;
  calls = 0;
  constructor(readonly token: typeof IMAGE_TOKEN | typeof AUDIO_TOKEN = IMAGE_TOKEN) {
    const mark = MARKS[token === IMAGE_TOKEN ? 0 : 1];
    this.settings = { placeholder: mark, image: mark };
  }

  /** What a tile waits for, or fails with. */
  encoding: () => Promise<void> = () => Promise.resolve();

  readonly read: Sense["read"] = async (data) => {
    this.reads++;
    const text = data instanceof Blob ? await data.text() : "";
    const [, name, counts] = /^([0-9]+): ([0-9 ]+)$/.exec(text) ?? [];
    if (name === undefined || counts === undefined) throw new RequestValidationError("This is no picture that can be read. Give a PNG or a JPEG.");
    let begin = 0;
    const tiles = counts.split(" ").map((count, i): Tile => {
      const tile = { grid: [1, 1] as const, patches: Float32Array.of(Number(name), i, begin), positions: new Int32Array(2), tokens: Number(count) };
      begin += tile.tokens;
      return tile;
    });
    return { hash: this.settings.placeholder + text, tokens: begin, prompt: tiles.map((tile, i) => `<${i}>${this.settings.placeholder.repeat(tile.tokens)}`).join(""), tiles };
  };

  readonly tower: Sense["tower"] = async () => {
    this.loads++;
    return this;
  };

  /** Of a tile's patches there are three. */
  mostFloats = 3;

  async encode(tiles: readonly Tile[]): Promise<Float32Array<ArrayBuffer>> {
    await this.encoding();
    this.calls++;
    return Float32Array.from(tiles.flatMap(({ patches: [name = 0, tile = 0, begin = 0], tokens }) => {
      this.encoded.push(`${name}/${tile}`);
      return Array.from({ length: 2 * tokens }, (_, i) => (i % 2 === 0 ? name : begin + (i >> 1)));
    }));
  }
}

/** Lets the models that an engine loads see and hear. */
function letSense(engine: FakeEngine): Senses {
  const senses = { vision: new FakeVision(), hearing: new FakeVision(AUDIO_TOKEN) };
  Object.assign(engine, senses);
  engine.tokenizer = fakeTokenizer({ chat_template: TEMPLATE }, MARKS);
  return senses;
}

interface Senses {
  readonly vision: FakeVision;
  readonly hearing: FakeVision;
}

/** A test of a model that sees and hears, in this thread and in a worker. */
export function checkSeeing(name: string, work: (it: Setup & Senses) => Promise<void>): void {
  for (const [place, make] of Object.entries(PLACES)) {
    test(`${place}: ${name}`, async () => {
      const it = make();
      const senses = letSense(it.engine);
      await it.client.reload(MODEL);
      await soon(work({ ...it, ...senses }), name);
    });
  }
}
