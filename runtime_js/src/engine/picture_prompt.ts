/** Where pictures and sounds stand in a prompt: in its text, and among its tokens. */

import { isSound } from "../media/source.ts";
import { ManifestError, RequestValidationError } from "../support/errors.ts";
import type { SeenPicture, Senses } from "./pictures.ts";

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The text with each picture's own in the place of what the template wrote for it. Raises RequestValidationError. */
export function withPrompts(rendered: string, pictures: readonly SeenPicture[], senses: Senses): string {
  if (pictures.length === 0) return rendered;
  const placeholders = pictures.map(({ source }) => senses(source).settings.placeholder);
  const parts = rendered.split(new RegExp(`(${[...new Set(placeholders)].map(escaped).join("|")})`)); // every second one is a placeholder
  const found = parts.filter((_, i) => i % 2 === 1);
  if (found.length === placeholders.length && found.every((one, i) => one === placeholders[i])) {
    return parts.map((part, i) => (i % 2 === 1 ? pictures[(i - 1) / 2]?.prompt ?? "" : part)).join("");
  }
  const paths = pictures.map(({ source: { path } }) => path).join(", ");
  const what = pictures.some(({ source }) => isSound(source)) ? "pictures and sounds" : "pictures";
  throw new RequestValidationError(
    `The model's chat template has ${found.length} places for ${pictures.length} ${what} (${paths}): it takes none in such a message. `
    + `Put ${what} into a user's message.`, { param: pictures[0]?.source.path ?? "messages" });
}

/** The tokens with each picture's ids in the place of the model's token for such. Raises ManifestError. */
export function withIds(tokens: readonly number[], pictures: readonly SeenPicture[], senses: Senses): readonly number[] {
  if (pictures.length === 0) return tokens;
  const ids = pictures.flatMap(({ source, first, tokens: count }) => {
    const { token: word } = senses(source);
    return Array.from({ length: count }, (_, i) => ({ word, id: first - i }));
  });
  const words = new Set(ids.map(({ word }) => word));
  let used = 0;
  const placed = tokens.map((token) => {
    if (!words.has(token)) return token;
    const { word, id } = ids[used++] ?? { word: -1, id: 0 };
    if (word !== token) used = Infinity;
    return id;
  });
  if (used === ids.length) return placed;
  throw new ManifestError(`The prompt has not the places for the ${ids.length} tokens of its pictures and sounds. Build the model folder again.`);
}

/** The tokens as the model's own vocabulary has them. */
export function withoutIds(tokens: readonly number[], pictures: readonly SeenPicture[], senses: Senses): readonly number[] {
  if (pictures.length === 0) return tokens;
  const wordOf = (id: number): number => {
    const one = pictures.find(({ first, tokens: count }) => id <= first && id > first - count);
    return one === undefined ? 0 : senses(one.source).token;
  };
  return tokens.map((token) => (token < 0 ? wordOf(token) : token));
}
