/** Grammars of the numbers between two bounds: none outside, and of fractions those that a few rules can say. */

import { anyOf, literal, repeated } from "./ebnf.ts";

/** What JavaScript holds exactly. */
const LARGEST = Number.MAX_SAFE_INTEGER;
/** Digits of a fraction that lies between two bounds which no integer is between. */
const MOST_DECIMALS = 9;
/** The last digit is not 0, so that the number is greater than its integer. */
const FRACTION = '"." [0-9]{0,14} [1-9]';

function digits(from: number, to: number): string {
  return from === to ? literal(String(from)) : `[${from}-${to}]`;
}

/** Digit strings of one length from `low` to `high`; a point comes before the last `decimals` ones. */
function between(low: string, high: string, decimals: number): string {
  if (low === "") return '""';
  const point = low.length === decimals ? `${literal(".")} ` : "";
  const rest = low.length - 1;
  const follow = (from: string, to: string): string => `${between(from, to, rest < decimals ? -1 : decimals)}`;
  const [a, b] = [Number(low[0]), Number(high[0])];
  const [lowest, highest] = ["0".repeat(rest), "9".repeat(rest)];
  if (a === b) return `${point}${digits(a, b)} ${follow(low.slice(1), high.slice(1))}`;
  const choices: string[] = [];
  const first = low.slice(1) === lowest ? a : a + 1;
  const last = high.slice(1) === highest ? b : b - 1;
  if (first > a) choices.push(`${digits(a, a)} ${follow(low.slice(1), highest)}`);
  if (first <= last) choices.push(`${digits(first, last)} ${free(rest, decimals)}`);
  if (last < b) choices.push(`${digits(b, b)} ${follow(lowest, high.slice(1))}`);
  return `${point}${anyOf(choices)}`;
}

/** Any digits, with the point where it belongs. */
function free(count: number, decimals: number): string {
  if (count < decimals || decimals < 1) return repeated("[0-9]", count, count);
  return `${repeated("[0-9]", count - decimals, count - decimals)} ${literal(".")} ${repeated("[0-9]", decimals, decimals)}`;
}

/** Integers that are not negative, each as it is written. */
function natural(low: number, high: number): string {
  const choices: string[] = [];
  for (let length = String(low).length; length <= String(high).length; length++) {
    const [least, most] = [Math.max(low, length === 1 ? 0 : 10 ** (length - 1)), Math.min(high, 10 ** length - 1)];
    choices.push(between(String(least), String(most), -1));
  }
  return anyOf(choices);
}

/** Both signs of what `of` says of numbers that are not negative; undefined where there are none. */
function signed(low: number, high: number, of: (low: number, high: number) => string): string | undefined {
  if (low > high) return undefined;
  const choices: string[] = [];
  if (high >= 0) choices.push(of(Math.max(low, 0), high));
  if (low < 0) choices.push(`${literal("-")} ${of(Math.max(1, -high), -low)}`);
  return anyOf(choices);
}

export interface Bounds {
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly exclusiveMaximum?: number | undefined;
}

function integersWithin({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Bounds): [number, number] {
  const lows = [-LARGEST, ...(minimum === undefined ? [] : [Math.ceil(minimum)]), ...(exclusiveMinimum === undefined ? [] : [Math.floor(exclusiveMinimum) + 1])];
  const highs = [LARGEST, ...(maximum === undefined ? [] : [Math.floor(maximum)]), ...(exclusiveMaximum === undefined ? [] : [Math.ceil(exclusiveMaximum) - 1])];
  return [Math.max(...lows), Math.min(...highs)];
}

/** The grammar of the integers within bounds; undefined where there are none. */
export function integerRange(bounds: Bounds): string | undefined {
  return signed(...integersWithin(bounds), natural);
}

/** The grammar of numbers within bounds, of which it may lack some fractions beside them; undefined where it finds none. */
export function numberRange(bounds: Bounds): string | undefined {
  const low = Math.max(bounds.minimum ?? -LARGEST, bounds.exclusiveMinimum ?? -LARGEST);
  const high = Math.min(bounds.maximum ?? LARGEST, bounds.exclusiveMaximum ?? LARGEST);
  const choices = [integerRange(bounds)];
  // n.f is between n and n + 1
  const [least, most] = [Math.max(0, Math.ceil(low)), Math.floor(high) - 1];
  if (least <= most) choices.push(`${natural(least, most)} ${FRACTION}`);
  const [negativeLeast, negativeMost] = [Math.max(0, Math.ceil(-high)), Math.floor(-low) - 1];
  if (negativeLeast <= negativeMost) choices.push(`${literal("-")} ${natural(negativeLeast, negativeMost)} ${FRACTION}`);
  const found = choices.filter((choice) => choice !== undefined);
  return found.length > 0 ? anyOf(found) : fractions(bounds);
}

/** Numbers of as many decimals as it takes for some to be within bounds. */
function fractions(bounds: Bounds): string | undefined {
  for (let decimals = 1; decimals <= MOST_DECIMALS; decimals++) {
    const scale = 10 ** decimals;
    const scaled = Object.fromEntries(Object.entries(bounds).map(([key, value]: [string, number | undefined]) => [key, value === undefined ? value : value * scale]));
    const [low, high] = integersWithin(scaled);
    const padded = (value: number): string => String(value).padStart(decimals + 1, "0");
    if (low <= high) {
      return signed(low, high, (from, to) => {
        const length = padded(to).length;
        return between(padded(from).padStart(length, "0"), padded(to), decimals);
      });
    }
  }
  return undefined;
}
