/** Which tile of each kernel runs on this adapter: what was measured on it before, what is measured now, or the vendor's default. */

import { infoOf } from "./adapter.ts";
import { calibrate, type CalibrationParts } from "./calibrate.ts";
import type { Calibration } from "./calibration.ts";
import type { ChosenKernels, CompiledKernel } from "./pipelines.ts";
import { MATRICES, firstKernels, type VariantPlan } from "./plan.ts";

/** Small texts that are kept with a model until another build replaces it. */
export interface Notes {
  note(name: string): Promise<string | null>;
  keepNote(name: string, text: string): Promise<void>;
}

/** Whose tiles a CPU takes: SwiftShader's, which computes on the CPU too. Some browsers do not say whose driver it is. */
const CPU = "google";

export class TileChoice {
  /**
   * Of each of the variant's kernels, the tiles to compile at load: none of those that are needed later. Where there are several, `settle`
   * measures; the first is the default.
   */
  readonly wanted: readonly (readonly number[])[];
  /** The tile of each kernel where nothing is measured. */
  readonly usual: readonly number[];
  readonly #keep: (text: string) => Promise<void>;

  private constructor(wanted: readonly (readonly number[])[], usual: readonly number[], keep: (text: string) => Promise<void>) {
    this.wanted = wanted;
    this.usual = usual;
    this.#keep = keep;
  }

  static async open(adapter: GPUAdapter, variant: VariantPlan, calibration: Calibration, notes: Notes): Promise<TileChoice> {
    const { vendor, architecture, device, description, isFallbackAdapter } = infoOf(adapter);
    // With the browser's version, because another compiles the same kernel differently.
    const name = `tiles ${JSON.stringify([variant.name, vendor, architecture, device, description, navigator.userAgent])}`;
    const keep = (text: string): Promise<void> => notes.keepNote(name, text);
    const mayAll = variant.features.includes(MATRICES);
    const usual = variant.kernels.map(({ defaults, tiles }) => {
      const tile = defaults.get(isFallbackAdapter ? CPU : vendor) ?? 0;
      return mayAll || !tiles[tile]?.hasMatrices ? tile : 0;
    });
    const isMeasured = calibration === "auto" && !isFallbackAdapter; // a CPU's times are slow to get and mean little
    const known = isMeasured ? readTiles(await notes.note(name), variant) : usual;
    const needed = firstKernels(variant);
    return new TileChoice(variant.kernels.map(({ tiles }, i) => {
      if (!needed.has(i)) return [];
      const first = (known ?? usual)[i] ?? 0;
      return known === undefined ? [first, ...tiles.flatMap((each, tile) => (tile !== first && (mayAll || !each.hasMatrices) ? [tile] : []))] : [first];
    }), usual, keep);
  }

  get isOpen(): boolean {
    return this.wanted.some((tiles) => tiles.length > 1);
  }

  /** One of each kernel's compiled tiles, which were `wanted`; measured and remembered where that is to be done. */
  async settle(parts: CalibrationParts, kernels: readonly (readonly CompiledKernel[])[], signal: AbortSignal): Promise<ChosenKernels> {
    if (!this.isOpen) return kernels.map(([only]) => only);
    const chosen = await calibrate(parts, kernels, signal);
    if (!signal.aborted) await this.#keep(JSON.stringify(chosen.map((kernel, i) => kernel?.tile ?? this.usual[i])));
    return chosen;
  }
}

/** Tiles that an earlier load kept; undefined where the text is missing or not of this variant. */
function readTiles(text: string | null, variant: VariantPlan): number[] | undefined {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
  if (!Array.isArray(kept) || kept.length !== variant.kernels.length) return undefined;
  const values: readonly unknown[] = kept;
  const found = variant.kernels.map(({ tiles }, i) => tiles.findIndex((_, tile) => tile === values[i]));
  return found.includes(-1) ? undefined : found;
}
