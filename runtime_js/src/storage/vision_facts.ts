/** What a manifest says of a model that sees pictures, or hears sounds. */

import { parseProcessor, type ProcessorSettings } from "../media/settings.ts";
import { parseSoundSettings, type SoundSettings } from "../media/sound/settings.ts";
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

/** Of a model that hears, beside the manifest of what does. */
export interface AudioFacts {
  readonly processor: SoundSettings;
  /** The token that stands in a prompt for each vector of a sound. */
  readonly audioToken: number;
  /** Floats of a vector. */
  readonly width: number;
}

/** Raises the error of the fields. */
export function readAudioFacts(audio: Fields): AudioFacts {
  return {
    processor: parseSoundSettings(audio.object("processor")), audioToken: audio.integer("audio_token", 0, MAX_VOCABULARY - 1),
    width: audio.integer("vectors", 1, MAX_WIDTH),
  };
}

/** Raises the error of the fields. */
export function readVisionFacts(vision: Fields): VisionFacts {
  return {
    processor: parseProcessor(vision.object("processor")), imageToken: vision.integer("image_token", 0, MAX_VOCABULARY - 1),
    width: vision.integer("vectors", 1, MAX_WIDTH),
  };
}
