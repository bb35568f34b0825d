/** Where pictures stand in a prompt: in its text, and among its tokens. */

import { ManifestError, RequestValidationError } from "../support/errors.ts";
import type { SeenPicture } from "./pictures.ts";

/** The text with each picture's own in the place of what the template wrote for it. Raises RequestValidationError. */
export function withPrompts(rendered: string, placeholder: string, pictures: readonly SeenPicture[]): string {
  if (pictures.length === 0) return rendered;
  const [begin = "", ...parts] = rendered.split(placeholder);
  if (parts.length === pictures.length) return begin + parts.map((part, i) => `${pictures[i]?.prompt ?? ""}${part}`).join("");
  const paths = pictures.map(({ source: { path } }) => path).join(", ");
  throw new RequestValidationError(
    `The model's chat template has ${parts.length} places for ${pictures.length} pictures (${paths}): it takes none in such a message. `
    + "Put pictures into a user's message.", { param: pictures[0]?.source.path ?? "messages" });
}

/** The tokens with each picture's ids in the place of the model's image token. Raises ManifestError. */
export function withIds(tokens: readonly number[], imageToken: number, pictures: readonly SeenPicture[]): readonly number[] {
  if (pictures.length === 0) return tokens;
  const ids = pictures.flatMap(({ first, tokens: count }) => Array.from({ length: count }, (_, i) => first - i));
  let used = 0;
  const placed = tokens.map((token) => (token === imageToken ? ids[used++] ?? 0 : token));
  if (used === ids.length) return placed;
  throw new ManifestError(`The prompt has ${used} places for the ${ids.length} tokens of its pictures. Build the model folder again.`);
}

/** The tokens as the model's own vocabulary has them. */
export function withoutIds(tokens: readonly number[], imageToken: number): readonly number[] {
  return tokens.some((token) => token < 0) ? tokens.map((token) => (token < 0 ? imageToken : token)) : tokens;
}
