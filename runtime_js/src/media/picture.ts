/** What a picture is to a model: patches for its tower, and the text that stands for it in a prompt. */

/** One run of the tower: a picture, or a tile of one. Patches come block by block (of merge × merge, row by row), and so does all that is told of each. */
export interface Tile {
  /** Rows and columns of patches. */
  readonly grid: readonly [rows: number, columns: number];
  /** Rows that the projector makes of it, but for those that are skipped: one for each block. */
  readonly tokens: number;
  /** How many of the projector's rows, the first ones, are no tokens. */
  readonly skipped?: number;
  /** float32[patches, width]: channel, row, column of a patch, then zeros up to a multiple of 32. */
  readonly patches: Float32Array<ArrayBuffer>;
  /** int32[patches, 2]: row and column of each patch. Before them all there may be one of zeros, which is no patch of the picture (`class` of Table). */
  readonly positions: Int32Array<ArrayBuffer>;
  /** int32 and float32[patches, K]: a patch's learnt position is the sum of table[tap] * factor. Absent where nothing is learnt. */
  readonly taps?: Int32Array<ArrayBuffer>;
  readonly factors?: Float32Array<ArrayBuffer>;
  /** Of a sound, whose frames `patches` has, four of a token: float32[tokens, 2], 1 for each step of the first convolution that is within it. */
  readonly present?: Float32Array<ArrayBuffer>;
  /** Where most layers see windows alone: patches and rows come window by window. */
  readonly windows?: Windows;
}

export interface Windows {
  /** int32[tokens]: which token of the picture, counted row by row, each of the projector's rows is. */
  readonly order: Int32Array<ArrayBuffer>;
  /** int32[windows]: how many patches there are up to the end of each. */
  readonly ends: Int32Array<ArrayBuffer>;
}

export interface Picture {
  /** Equal for equal pixels that were made by equal settings. */
  readonly hash: string;
  /** How often the model's image token stands in `prompt`. */
  readonly tokens: number;
  /** What takes the placeholder's place in the text of the chat template. */
  readonly prompt: string;
  readonly tiles: readonly Tile[];
  /** Where its tokens are others than the rows of its tiles. */
  readonly order?: Order;
}

/** Which of all tiles' rows each token is, or (-1) that one more. */
export interface Order {
  readonly rows: readonly number[];
  readonly newline: Float32Array<ArrayBuffer>;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where the pixels of a tile come from. */
export interface TileLayout {
  /** The picture's sizes on the way, each made of the one before. */
  readonly sizes: readonly Size[];
  /** What of the last one is the tile. It may go beyond, where all is black. */
  readonly crop: Size & { readonly left: number; readonly top: number };
}

/** What becomes of a picture of some size, before anybody looks at its pixels. */
export interface Layout {
  readonly tokens: number;
  readonly prompt: string;
  readonly tiles: readonly TileLayout[];
  /** Bytes of red, green and blue around the picture, which tiles are made of in a square. */
  readonly background?: readonly number[] | undefined;
  /** As Order has them. */
  readonly rows?: readonly number[];
}

/** What a request may ask for: "low" is the whole picture once, without its tiles. */
export type Detail = "low" | "high" | "auto";
