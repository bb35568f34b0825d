/** Messages for channels that take JSON alone, as those of browser extensions. */

/** What JSON has no word for. */
const NUMBERS = new Map([["NaN", Number.NaN], ["Infinity", Infinity], ["-Infinity", -Infinity]]);

function isTagged(value: unknown): value is { readonly $number: string } | { readonly $floats: readonly number[] } {
  return typeof value === "object" && value !== null && Object.keys(value).length === 1 && ("$number" in value || "$floats" in value);
}

/** A message as text: numbers that are none, and arrays of float32, come back as they were. */
export function toText(message: unknown): string {
  return JSON.stringify(message, (_, value: unknown) => {
    if (typeof value === "number" && !Number.isFinite(value)) return { $number: String(value) };
    return value instanceof Float32Array ? { $floats: [...value] } : value;
  });
}

/** Raises a SyntaxError. */
export function fromText(text: string): unknown {
  const read: unknown = JSON.parse(text, (_, value: unknown) => {
    if (!isTagged(value)) return value;
    return "$number" in value ? NUMBERS.get(value.$number) ?? null : new Float32Array(value.$floats);
  });
  return read;
}
