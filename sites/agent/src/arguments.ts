/** Reads what a call says. The grammar of a strict tool holds the model to its schema; other agents may send anything. */

/** What was wrong with a call, in words for the model. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

export type Arguments = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Arguments {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function parseArguments(json: string): Arguments {
  try {
    const value: unknown = JSON.parse(json);
    if (isObject(value)) return value;
  } catch {
    // reported below
  }
  throw new ToolError("The arguments are no JSON object.");
}

export function onlyKeys(given: Arguments, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new ToolError(`There is no argument "${unknown.slice(0, 40)}": known are ${known.join(", ")}.`);
}

/** Undefined where it is absent. */
export function text(given: Arguments, key: string, most: number): string | undefined {
  const value = given[key];
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw new ToolError(`${key} is no text.`);
  if (value.length > most) throw new ToolError(`${key} has more than ${most} characters.`);
  return value.trim();
}

export function required<T>(key: string, value: T | undefined): T {
  if (value === undefined || value === "") throw new ToolError(`${key} is missing.`);
  return value;
}

export function id(given: Arguments): number {
  const value = given["id"];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) throw new ToolError("id is no number of an item.");
  return value;
}

/** A day as "2026-11-27", or a minute as "2026-11-27T15:00", that there is. */
export function moment(given: Arguments, key: string, kind: "day" | "minute"): string | undefined {
  const value = text(given, key, 16);
  if (value === undefined) return undefined;
  const pattern = kind === "day" ? /^\d{4}-\d\d-\d\d$/ : /^\d{4}-\d\d-\d\dT\d\d:\d\d$/;
  const time = Date.parse(kind === "day" ? `${value}T00:00Z` : `${value}Z`);
  // Date moves the 31st of February to March.
  if (!pattern.test(value) || Number.isNaN(time) || !new Date(time).toISOString().startsWith(value)) {
    throw new ToolError(`${key} is no ${kind === "day" ? "day, as 2026-11-27" : "time, as 2026-11-27T15:00"}.`);
  }
  return value;
}
