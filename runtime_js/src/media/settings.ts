/** How a model wants its pictures, as its manifest says (`vision.processor`). The builder makes these from the model's own files (source/processor.py). */

import type { Fields } from "../support/fields.ts";
import { FILTERS, type Filter } from "./resample.ts";
import { TABLE_KINDS, type TableKind } from "./table.ts";

const MAX_TEXT = 256;
const MAX_SIDE = 8192;
const MAX_PATCH = 128;
const MAX_TILES = 64;

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
  /** The tower's learnt positions, side × side. */
  readonly table: { readonly kind: TableKind; readonly side: number } | undefined;
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

export type ProcessorSettings = Idefics3;

/** Raises what `fields` raise. */
export function parseProcessor(fields: Fields): ProcessorSettings {
  const text = (key: string): string => fields.string(key, MAX_TEXT);
  const side = (key: string): number => fields.integer(key, 1, MAX_SIDE);
  const three = (key: string, least: number): readonly number[] => {
    const values = fields.array(key, 3, (value) => (typeof value === "number" && value >= least && value <= 255 ? value : NaN));
    if (values.length !== 3 || values.some(Number.isNaN)) throw fields.wrong(key, `three numbers from ${least} to 255`);
    return values;
  };
  const common: Common = {
    placeholder: text("placeholder"), image: text("image"), mean: three("mean", -255), std: three("std", 1e-4), rescale: fields.number("rescale", 1e-6, 1),
    resample: fields.oneOf("resample", FILTERS), patch: fields.integer("patch", 1, MAX_PATCH), merge: fields.integer("merge", 1, 16),
    table: fields.optional("table", (key) => {
      const table = fields.object(key);
      return { kind: table.oneOf("kind", TABLE_KINDS), side: table.integer("side", 1, MAX_SIDE) };
    }),
  };
  const block = common.patch * common.merge;
  switch (fields.oneOf("kind", ["idefics3"])) {
    case "idefics3": {
      const tile = side("tile");
      if (tile % block !== 0) throw fields.wrong("tile", `a multiple of ${block} pixels, which a token has`);
      const longest = side("longest");
      if (longest > 8 * tile) throw fields.wrong("longest", `at most ${8 * tile}: ${MAX_TILES} tiles`);
      return { kind: "idefics3", ...common, tile, longest, split: fields.boolean("split"), around: text("around"), global: text("global") };
    }
  }
}
