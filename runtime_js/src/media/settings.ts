/** How a model wants its pictures, as its manifest says (`vision.processor`). The builder makes these from the model's own files (source/processor.py). */

import type { Fields } from "../support/fields.ts";
import { MAX_PATCH, MAX_PICTURE_SIDE, MAX_PICTURE_TAPS, MAX_PICTURE_TEXT, MAX_PICTURE_TILES, MAX_PICTURE_TOKENS } from "../support/limits.generated.ts";

const MAX_NEWLINE = 1 << 20;
const FILTERS = ["bilinear", "bicubic", "lanczos"] as const;
export type Filter = (typeof FILTERS)[number];

/**
 * How a tower's learnt positions become those of a picture's patches. grid: a picture has the table's shape. buckets: the entry at the same place, by float32,
 * as Idefics3 counts it. bilinear: of the four around it, corners on corners. resized: as a picture is, with antialiasing. pair: of two tables, one below the
 * other, the entry of its column and the one of its row. class: as grid, behind a token that is no patch; the table has what that one is, and a block behind it
 * its position and those of the patches.
 */
const TABLE_KINDS = ["grid", "buckets", "bilinear", "resized", "pair", "class"] as const;

/** Learnt positions, side × side. */
export interface Table {
  readonly kind: (typeof TABLE_KINDS)[number];
  readonly side: number;
  /** Entries that a patch takes at most. */
  readonly taps: number;
}

interface Common {
  /** What the chat template writes for a picture. */
  readonly placeholder: string;
  /** The text of the token that stands in a prompt for each row of the tower's. */
  readonly image: string;
  /** Of red, green and blue between 0 and 1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** What bytes are multiplied with. */
  readonly rescale: number;
  readonly resample: Filter;
  /** Pixels a side. */
  readonly patch: number;
  /** Patches a side of the block that becomes a token. */
  readonly merge: number;
  /** The tower's learnt positions. */
  readonly table: Table | undefined;
}

/** Texts before and behind a picture's tokens. */
interface Around {
  readonly before: string;
  readonly after: string;
}

/** Idefics3, SmolVLM: squares of `tile` pixels, row by row, and the whole picture as one more. */
export interface Idefics3 extends Common {
  readonly kind: "idefics3";
  readonly tile: number;
  /** Pixels of the longer side before it is cut up. */
  readonly longest: number;
  readonly split: boolean;
  /** Texts before and behind tiles, and before the whole picture. */
  readonly around: string;
  readonly global: string;
}

/** Gemma 3, LLaVA: every picture has one size. LLaVA-NeXT: so has the whole, and each square of it. */
export interface Siglip extends Common, Around {
  readonly kind: "siglip";
  readonly width: number;
  readonly height: number;
  /** What its shorter side becomes before its middle is cut out; undefined: it becomes that size whatever its shape. */
  readonly shortest: number | undefined;
  /** Bytes of red, green and blue that are put around a picture first, so that it is square; undefined: none are. */
  readonly background: readonly number[] | undefined;
  /** How many of the tower's vectors, the first ones, are left out. */
  readonly skip: number;
  /** Squares of a picture, of which it is filled by the grid that shows most of it. None: it comes as a whole alone. */
  readonly grids: readonly Grid[];
  /** What stands behind each row of the squares' vectors: float32s in base64. */
  readonly newline: string;
}

export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** LFM2-VL: a picture about its own size, of bounded tokens; a larger one as tiles in a grid like its shape, and as a whole. */
export interface Naflex extends Common, Around {
  readonly kind: "naflex";
  readonly leastTokens: number;
  readonly mostTokens: number;
  readonly split: boolean;
  readonly tile: number;
  readonly leastTiles: number;
  readonly mostTiles: number;
  /** How many times mostTokens a picture has before it is cut up. */
  readonly tolerance: number;
  /** Whether the whole comes behind the tiles. */
  readonly thumbnail: boolean;
  /** Before the whole; "" where a prompt says nothing of tiles. */
  readonly whole: string;
}

/** Qwen2-VL and later ones: about its own size, between two numbers of pixels. */
export interface Qwen extends Common, Around {
  readonly kind: "qwen";
  readonly leastPixels: number;
  readonly mostPixels: number;
  /** Tokens a side of the windows that most layers see, where there are such. */
  readonly window: number | undefined;
}

/** Gemma 4: as large as its shape and a number of tokens allow. */
export interface Gemma4 extends Common, Around {
  readonly kind: "gemma4";
  readonly mostTokens: number;
}

export type ProcessorSettings = Idefics3 | Siglip | Naflex | Qwen | Gemma4;

/** Raises what `fields` raise. */
export function parseProcessor(fields: Fields): ProcessorSettings {
  const text = (key: string): string => fields.string(key, MAX_PICTURE_TEXT);
  const three = (key: string, least: number): readonly number[] => {
    const values = fields.array(key, 3, (value) => (typeof value === "number" && value >= least && value <= 255 ? value : NaN));
    if (values.length !== 3 || values.some(Number.isNaN)) throw fields.wrong(key, `three numbers from ${least} to 255`);
    return values;
  };
  const common: Common = {
    placeholder: text("placeholder"), image: text("image"), mean: three("mean", -255), std: three("std", 1e-4), rescale: fields.number("rescale", 1e-6, 1),
    resample: fields.oneOf("resample", FILTERS), patch: fields.integer("patch", 1, MAX_PATCH), merge: fields.integer("merge", 1, MAX_PATCH),
    table: fields.optional("table", (key) => {
      const table = fields.object(key);
      return { kind: table.oneOf("kind", TABLE_KINDS), side: table.integer("side", 1, MAX_PICTURE_SIDE * 2), taps: table.integer("taps", 1, MAX_PICTURE_TAPS) };
    }),
  };
  if (common.placeholder === "" || common.image === "") throw fields.wrong(common.image === "" ? "image" : "placeholder", "a text that is not empty");
  const block = common.patch * common.merge;
  const around = (): Around => ({ before: text("before"), after: text("after") });
  const tokens = (key: string): number => fields.integer(key, 1, MAX_PICTURE_TOKENS);
  /** Pixels whose patches make whole tokens. A tower does not see what is left beyond the last one. */
  const side = (key: string): number => {
    const value = fields.integer(key, common.patch, MAX_PICTURE_SIDE);
    const blocks = Math.floor(value / common.patch) / common.merge;
    if (!Number.isInteger(blocks) || blocks < 1 || blocks ** 2 > MAX_PICTURE_TOKENS) throw fields.wrong(key, `whole blocks of ${block} pixels, at most ${MAX_PICTURE_TOKENS} in a square`);
    return value;
  };
  switch (fields.oneOf("kind", ["idefics3", "siglip", "naflex", "qwen", "gemma4"])) {
    case "idefics3": {
      const tile = side("tile");
      return {
        kind: "idefics3", ...common, tile, longest: fields.integer("longest", 1, tile * Math.sqrt(MAX_PICTURE_TILES)), split: fields.boolean("split"),
        around: text("around"), global: text("global"),
      };
    }
    case "siglip":
      return {
        kind: "siglip", ...common, ...around(), width: side("width"), height: side("height"),
        shortest: fields.optional("shortest", (key) => fields.integer(key, Math.max(side("width"), side("height")), MAX_PICTURE_SIDE)),
        background: fields.optional("background", (key) => three(key, 0)),
        skip: fields.optional("skip", (key) => fields.integer(key, 0, 1)) ?? 0,
        grids: fields.optional("grids", (key) => fields.objects(key, MAX_PICTURE_TILES, (grid) => {
          const rows = grid.integer("rows", 1, MAX_PICTURE_TILES);
          return { rows, columns: grid.integer("columns", 1, MAX_PICTURE_TILES / rows) };
        })) ?? [],
        newline: fields.optional("newline", (key) => fields.string(key, MAX_NEWLINE)) ?? "",
      };
    case "naflex": {
      const most = fields.integer("most_tiles", 2, MAX_PICTURE_TILES);
      const tile = side("tile");
      if (tile % block !== 0) throw fields.wrong("tile", `a multiple of ${block} pixels`);
      return {
        kind: "naflex", ...common, ...around(), mostTokens: tokens("most_tokens"), leastTokens: fields.integer("least_tokens", 1, tokens("most_tokens")),
        split: fields.boolean("split"), tile, mostTiles: most, leastTiles: fields.integer("least_tiles", 2, most),
        tolerance: fields.number("tolerance", 0, 1000), thumbnail: fields.boolean("thumbnail"), whole: text("whole"),
      };
    }
    case "qwen": {
      const most = fields.integer("most_pixels", block * block, MAX_PICTURE_TOKENS * block * block);
      return {
        kind: "qwen", ...common, ...around(), mostPixels: most, leastPixels: fields.integer("least_pixels", 1, most),
        window: fields.optional("window", (key) => fields.integer(key, 1, MAX_PATCH)),
      };
    }
    case "gemma4":
      return { kind: "gemma4", ...common, ...around(), mostTokens: tokens("most_tokens") };
  }
}
