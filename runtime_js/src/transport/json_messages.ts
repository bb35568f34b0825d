/** Messages for channels that take JSON alone, as those of browser extensions. */

/** What JSON has no word for. */
const NUMBERS = new Map([["NaN", Number.NaN], ["Infinity", Infinity], ["-Infinity", -Infinity]]);

function isTagged(value: unknown): value is { readonly $number: string } | { readonly $floats: readonly (number | string)[] } {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 1) return false;
  return "$number" in value || ("$floats" in value && Array.isArray(value.$floats));
}

/** Keys that begin with "$" have one more of it, so that none is taken for a tag. */
function escaped(value: object): object {
  const isPlain = Array.isArray(value) || !Object.keys(value).some((key) => key.startsWith("$"));
  return isPlain ? value : Object.fromEntries(Object.entries(value).map(([key, of]) => [key.startsWith("$") ? `$${key}` : key, of]));
}

function unescaped(value: object): object {
  const isPlain = Array.isArray(value) || !Object.keys(value).some((key) => key.startsWith("$$"));
  return isPlain ? value : Object.fromEntries(Object.entries(value).map(([key, of]) => [key.startsWith("$$") ? key.slice(1) : key, of]));
}

/** A message as text: numbers that are none, and arrays of float32, come back as they were. */
export function toText(message: unknown): string {
  return JSON.stringify(message, (_, value: unknown) => {
    if (typeof value === "number" && !Number.isFinite(value)) return { $number: String(value) };
    if (value instanceof Float32Array) return { $floats: Array.from(value, (number) => (Number.isFinite(number) ? number : String(number))) };
    return typeof value === "object" && value !== null ? escaped(value) : value;
  });
}

/** Raises a SyntaxError. */
export function fromText(text: string): unknown {
  const read: unknown = JSON.parse(text, (_, value: unknown) => {
    if (isTagged(value)) return "$number" in value ? NUMBERS.get(value.$number) ?? null : Float32Array.from(value.$floats, Number);
    return typeof value === "object" && value !== null ? unescaped(value) : value;
  });
  return read;
}
