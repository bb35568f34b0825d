/** What a manifest says of a model that sees pictures. */

import { parseProcessor, type ProcessorSettings } from "../media/settings.ts";
import type { Fields } from "../support/fields.ts";
import { MAX_VOCABULARY } from "../support/limits.generated.ts";

const MAX_WIDTH = 1 << 20;

/** Beside the tower's own manifest. */
export interface VisionFacts {
  /** How pictures are made into what the tower takes. */
  readonly processor: ProcessorSettings;
  /** The token that stands in a prompt for each vector of a picture. */
  readonly imageToken: number;
  /** Floats of a vector. */
  readonly width: number;
}

/** Raises the error of the fields. */
export function readVisionFacts(vision: Fields): VisionFacts {
  return {
    processor: parseProcessor(vision.object("processor")), imageToken: vision.integer("image_token", 0, MAX_VOCABULARY - 1),
    width: vision.integer("vectors", 1, MAX_WIDTH),
  };
}
