/**
 * Pictures that a model sees. Their tokens have negative ids, the same for the same picture as long as the model is loaded, so that whoever
 * compares tokens knows pictures. The vectors behind the ids are made when they are first wanted, tile by tile, and kept as far as there is room.
 */

import type { PictureData } from "../media/decode.ts";
import { importPart } from "../media/part.ts";
import type { Detail, Order, Picture, Tile } from "../media/picture.ts";
import type { ProcessorSettings } from "../media/settings.ts";
import { isDrawn, isSendable, isSound, type MediaInput } from "../media/source.ts";
import type { PictureRunner, TokenVectors } from "../executor/runner.ts";
import { canHash, sha256 } from "../support/digest.ts";
import { AbortError, InternalError, RequestValidationError, asEngineError } from "../support/errors.ts";
import type { VectorSource } from "./generation.ts";
import { Recent } from "./recent.ts";

/** Vectors, and what a processor made of pictures. */
const MOST_VECTORS = 1 << 28;
const MOST_TILES = 1 << 27;
/** Files whose pictures are known: a few hundred bytes each. */
const MOST_FILES = 1 << 20;
const BYTES_OF_FILE = 256;
/** Pictures whose ids are known: more than there are in all conversations that can still be gone on with. */
const MOST_IDS = 1 << 13;

/** The first id: -1 means no token elsewhere. */
const FIRST_ID = -2;

/** What of a model sees, or hears. */
export interface Sense {
  readonly settings: Pick<ProcessorSettings, "placeholder" | "image">;
  /** The id in a picture's prompt that stands for each of its vectors. */
  readonly token: number;
  /** Floats of a vector. */
  readonly width: number;
  /** Makes of a picture what the tower takes. */
  read(data: PictureData, detail: Detail): Promise<Picture>;
  /** The tower, which is loaded when it is first asked for. */
  tower(): Promise<PictureRunner>;
}

/** By the kind of what comes. */
export type Senses = (source: MediaInput) => Sense;

/** A picture of a request, or a sound, and the ids of its tokens: `first` and those below it. */
export interface SeenPicture {
  readonly source: MediaInput;
  readonly hash: string;
  readonly first: number;
  readonly tokens: number;
  /** Of its tokens, where they are those of one tile, row by row. */
  readonly grid: readonly [rows: number, columns: number];
  /** What stands in the prompt for it. */
  readonly prompt: string;
}

interface Encoding {
  readonly vectors: Promise<Float32Array<ArrayBuffer>>;
  /** Who waits for it. */
  readonly wanted: Set<() => boolean>;
}

/** Of what comes with a request as bytes, so that it is known when it comes again; undefined where it is drawn. */
async function digestOf(data: PictureData, detail: Detail | "sound" = "auto"): Promise<string | undefined> {
  if (!canHash() || isDrawn(data)) return undefined;
  const bytes = data instanceof Blob ? new Uint8Array(await data.arrayBuffer()) : Uint8Array.from(data.data);
  return `${detail} ${data instanceof Blob ? "" : `${data.width}x${data.height} `}${await sha256(bytes)}`;
}

/** Rows and columns of the first tile's tokens, of which each is a square of patches. */
function gridOf([tile]: readonly Tile[]): SeenPicture["grid"] {
  const [rows, columns] = tile?.grid ?? [1, 1];
  const side = Math.max(1, Math.round(Math.sqrt(rows * columns / Math.max(1, tile?.tokens ?? 1))));
  return [Math.ceil(rows / side), Math.ceil(columns / side)];
}

/** As many tiles a call as it has room for. */
function callsOf(tiles: readonly Tile[], mostFloats: number): Tile[][] {
  const calls: Tile[][] = [];
  let room = 0;
  for (const tile of tiles) {
    const last = calls.at(-1);
    room -= tile.patches.length;
    if (last !== undefined && room >= 0) last.push(tile);
    else {
      calls.push([tile]);
      room = mostFloats - tile.patches.length;
    }
  }
  return calls;
}

/** float32[tokens, width], of the rows of a picture's tiles. */
function inOrder(made: Float32Array, { rows, newline }: Order, width: number): Float32Array<ArrayBuffer> {
  if (newline.length !== width) throw new InternalError(`a row's end of ${newline.length} numbers`);
  const vectors = new Float32Array(rows.length * width);
  rows.forEach((row, i) => vectors.set(row < 0 ? newline : made.subarray(row * width, (row + 1) * width), i * width));
  return vectors;
}

/** The same error, which says of which picture it is. */
function about({ path }: MediaInput, error: unknown): Error {
  const known = asEngineError(error);
  if (!(known instanceof RequestValidationError) || known.param !== null) return known;
  return new RequestValidationError(`${path}: ${known.message}`, { ...known.details, param: path });
}

/** A source with what it has, and that. */
async function looked(source: MediaInput, signal: AbortSignal): Promise<{ readonly source: MediaInput; readonly data: PictureData }> {
  if (isSound(source)) return { source, data: source.data };
  const data = isSendable(source.data) ? source.data : await (await importPart()).pictureData(source, signal);
  return { source: { ...source, data }, data };
}

export class Pictures {
  #next = FIRST_ID;
  /** The first id of each picture, by what a model sees of it. One that is forgotten gets others: then its conversations begin anew. */
  readonly #ids = new Recent<number>(MOST_IDS, () => 1);
  /** What was made of a file, by its digest. */
  readonly #files = new Recent<Omit<SeenPicture, "source">>(MOST_FILES, () => BYTES_OF_FILE);
  readonly #tiles = new Recent<Picture>(MOST_TILES, ({ tiles }) => tiles.reduce((sum, { patches }) => sum + patches.byteLength, 0));
  readonly #vectors = new Recent<Float32Array<ArrayBuffer>>(MOST_VECTORS, ({ byteLength }) => byteLength);
  readonly #encodings = new Map<string, Encoding>();

  /**
   * The pictures' ids, in their order. Rejects with RequestValidationError or DownloadError, which name the part of the request, and with what the
   * signal aborts.
   */
  async see(sources: readonly MediaInput[], senses: Senses, signal: AbortSignal): Promise<SeenPicture[]> {
    const seen: SeenPicture[] = [];
    for (const source of sources) seen.push(await this.#see(source, senses(source), signal)); // one after the other: they are large while they are decoded
    return seen;
  }

  async #see(given: MediaInput, sense: Sense, signal: AbortSignal): Promise<SeenPicture> {
    const { source, data } = await looked(given, signal);
    const file = await digestOf(data, isSound(source) ? "sound" : source.detail);
    const known = file === undefined ? undefined : this.#files.get(file);
    if (known !== undefined) return { ...known, source };
    const { hash, tokens, prompt, tiles } = await this.#read(source, data, sense);
    const grid = gridOf(tiles);
    const first = this.#ids.get(hash) ?? this.#next;
    if (first === this.#next) this.#next -= tokens;
    this.#ids.set(hash, first);
    if (file !== undefined) this.#files.set(file, { hash, first, tokens, grid, prompt });
    return { source, hash, first, tokens, grid, prompt };
  }

  async #read(source: MediaInput, data: PictureData, { read }: Sense): Promise<Picture> {
    const given = isDrawn(data) ? await createImageBitmap(data) : data; // a reader keeps what it is given
    const picture = await read(given, isSound(source) ? "auto" : source.detail ?? "auto").catch((error: unknown) => { throw about(source, error); });
    this.#tiles.set(picture.hash, picture);
    return picture;
  }

  /** Undefined where they are to be encoded. */
  vectorsOf({ hash }: SeenPicture): Float32Array<ArrayBuffer> | undefined {
    return this.#vectors.get(hash);
  }

  /** Makes a picture's vectors, once for all who want them at a time. Rejects with AbortError where nobody does any more. */
  encode(picture: SeenPicture, sense: Sense, isWanted: () => boolean): Promise<Float32Array<ArrayBuffer>> {
    const { hash } = picture;
    const running = this.#encodings.get(hash);
    if (running !== undefined) {
      running.wanted.add(isWanted);
      return running.vectors;
    }
    const wanted = new Set([isWanted]);
    const vectors = this.#encode(picture, sense, () => [...wanted].some((wants) => wants()));
    const encoding = { vectors, wanted };
    this.#encodings.set(hash, encoding);
    const done = (): void => { if (this.#encodings.get(hash) === encoding) this.#encodings.delete(hash); };
    vectors.then(done, done);
    return vectors;
  }

  async #encode(picture: SeenPicture, sense: Sense, isWanted: () => boolean): Promise<Float32Array<ArrayBuffer>> {
    const tower = await sense.tower();
    const { source: { data }, source, hash, tokens } = picture;
    if (!isSendable(data)) throw new InternalError("a picture was not looked at");
    const { tiles, order } = this.#tiles.get(hash) ?? await this.#read(source, data, sense);
    const made = new Float32Array(tiles.reduce((sum, tile) => sum + tile.tokens, 0) * sense.width);
    let at = 0;
    let before: Promise<void> = Promise.resolve();
    for (const some of callsOf(tiles, tower.mostFloats)) {
      if (!isWanted()) {
        this.#encodings.delete(hash); // whoever asks from now on begins anew
        throw new AbortError("Nobody asks about the picture any more.");
      }
      const place = at;
      const done = tower.encode(some).then((own) => made.set(own, place));
      done.catch(() => undefined); // it is awaited below, unless the call before it fails
      at += some.reduce((sum, tile) => sum + tile.tokens, 0) * sense.width;
      await before; // two are under way, so that the tower need not wait for who asks
      before = done;
    }
    await before;
    const vectors = order === undefined ? made : inOrder(made, order, sense.width);
    if (vectors.length !== tokens * sense.width) throw new InternalError(`a picture of ${tokens} tokens has ${vectors.length / sense.width} vectors`);
    this.#tiles.delete(hash);
    this.#vectors.set(hash, vectors);
    return vectors;
  }
}

const WORD: Partial<SeenPicture> & Pick<SeenPicture, "grid"> = { grid: [1, 1] };

/** The vectors of a prompt's pictures. */
export class PromptVectors implements VectorSource {
  readonly #all: Pictures;
  readonly #pictures: readonly SeenPicture[];
  readonly #senses: Senses;
  /** Those of the latest tokens that were asked about: others' may take their room meanwhile. */
  #held = new Map<SeenPicture, Float32Array<ArrayBuffer>>();

  /** Positions by axis, three of each token that was looked at, and the next text's. */
  #turns: number[] = [];
  #next = 0;

  /** `senses`: those of the model as it runs now. */
  constructor(all: Pictures, pictures: readonly SeenPicture[], senses: Senses) {
    [this.#all, this.#pictures, this.#senses] = [all, [...new Map(pictures.map((one) => [one.first, one])).values()], senses];
  }

  of(tokens: readonly number[], isWanted: () => boolean): readonly TokenVectors[] | Promise<void> {
    const shown = this.#pictures.filter(({ first, tokens: count }) => tokens.some((id) => id <= first && id > first - count));
    const known = new Map(shown.map((picture) => [picture, this.#held.get(picture) ?? this.#all.vectorsOf(picture)] as const));
    const held = new Map([...known].flatMap(([picture, vectors]) => (vectors === undefined ? [] : [[picture, vectors] as const])));
    this.#held = held;
    const missing = shown.filter((picture) => !held.has(picture));
    return missing.length === 0 ? this.#runs(tokens) : this.#encode(missing, isWanted);
  }

  /**
   * A text's tokens are at one position on each axis. Those of a picture share the one in time, which is behind the text before it, and go on from there by
   * rows and columns; the text behind it is behind the largest (M-RoPE, arXiv 2409.12191).
   */
  turns(tokens: readonly number[], from: number, count: number): Int32Array {
    if (3 * tokens.length < this.#turns.length) [this.#turns, this.#next] = [[], 0]; // some were left out
    for (let at = this.#turns.length / 3; at < tokens.length; at++) this.#turns.push(...this.#turn(tokens[at] ?? 0));
    return Int32Array.from({ length: 3 * count }, (_, i) => {
      const at = from + Math.floor(i / 3);
      return at < tokens.length ? this.#turns[3 * from + i] ?? 0 : this.#next + at - tokens.length;
    });
  }

  #turn(id: number): readonly [time: number, row: number, column: number] {
    const { first = 0, tokens = 1, grid: [rows, columns] } = this.#pictures.find((one) => id <= one.first && id > one.first - one.tokens) ?? WORD;
    if (id >= 0) return [this.#next, this.#next, this.#next++];
    const [at, base] = [first - id, this.#next];
    if (at === tokens - 1) this.#next += Math.max(rows, columns);
    return [base, base + Math.floor(at / columns), base + at % columns];
  }

  async #encode(missing: readonly SeenPicture[], isWanted: () => boolean): Promise<void> {
    for (const picture of missing) this.#held.set(picture, this.#all.vectorsOf(picture) ?? await this.#all.encode(picture, this.#senses(picture.source), isWanted));
  }

  /** Tokens that follow each other, in the prompt and in their picture. */
  #runs(tokens: readonly number[]): TokenVectors[] {
    const runs: TokenVectors[] = [];
    for (let at = 0; at < tokens.length;) {
      const id = tokens[at] ?? 0;
      let end = at + 1;
      if (id < 0) {
        const [{ first, tokens: count }, vectors] = this.#holding(id);
        const width = vectors.length / count;
        while (tokens[end] === id - (end - at) && first - (tokens[end] ?? 0) < count) end++;
        runs.push({ at, values: vectors.subarray((first - id) * width, (first - id + end - at) * width) });
      }
      at = end;
    }
    return runs;
  }

  #holding(id: number): readonly [SeenPicture, Float32Array<ArrayBuffer>] {
    for (const one of this.#held) if (id <= one[0].first && id > one[0].first - one[0].tokens) return one;
    throw new InternalError(`token ${id} is of no picture`);
  }
}
