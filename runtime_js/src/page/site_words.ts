/** What a site says in its own words. The build checked and bounded it. */

import { Fields } from "../support/fields.ts";

/** A system prompt with a name. */
export interface Preset {
  readonly name: string;
  readonly text: string;
}

/** What the site says in its own words; undefined where the page's hold. */
export interface SiteWords {
  readonly suggestions: readonly string[] | undefined;
  /** That conversations begin with, unless the visitor writes another. */
  readonly systemPrompt: string | undefined;
  readonly presets: readonly Preset[];
}

const MAX_SUGGESTIONS = 8;
const MAX_PRESETS = 20;
const MAX_TEXT = 20000;

export function readSiteWords(fields: Fields): SiteWords {
  return {
    suggestions: fields.optional("suggestions", (key) => fields.array(key, MAX_SUGGESTIONS, (text, path) => new Fields({ text }, path, fields.fail).string("text", MAX_TEXT))),
    systemPrompt: fields.optional("system_prompt", (key) => fields.string(key, MAX_TEXT)),
    presets: fields.objects("presets", MAX_PRESETS, (preset) => ({ name: preset.string("name", 1000), text: preset.string("text", MAX_TEXT) })),
  };
}
