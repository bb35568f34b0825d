/** Puts values into words. */

/** A text for each kind of number that a language tells apart; `{count}` is the number. */
export type Plural = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>;

/** Of one number: as many forms as a language has. */
export const plural = (forms: Plural): Plural => forms;

/** `text` with each `{name}` replaced by that value. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? values[name] ?? whole : whole));
}
