/** Broken copies of JSON, of texts and of bytes. */

import { pick, type Random } from "../fakes/schema.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const NUMBERS = [0, 1, -1, 2, 255, 256, 65537, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 1e21, 1e300, -1.5, 0.1, Number.NaN, Number.POSITIVE_INFINITY, -0];
const TEXTS = ["", " ", "0", "x", "\0", "\n", "\ud800", "é", "🙂", "__proto__", "constructor", "../..", "{{", "a".repeat(300), "[", "\\u", "data:image/png;base64,AA=="];
const below = (random: Random, most: number): number => Math.floor(random() * most);
/** How many changes: one mostly. */
const changes = (random: Random): number => 1 + Math.min(8, Math.floor(-Math.log(1 - random()) * 1.4));

/** A copy with one to some changes; what comes in may be of the other documents. */
export function mutatedJson(random: Random, value: unknown, others: readonly unknown[]): Json {
  let copy: Json = JSON.parse(JSON.stringify(value));
  for (let left = changes(random); left > 0; left--) {
    const places = [...placesOf(copy)];
    const place = places[below(random, places.length)];
    if (place === undefined) copy = anything(random, others);
    else change(random, place, others);
  }
  return copy;
}

interface Place {
  readonly of: Json[] | { [key: string]: Json };
  readonly key: string;
}

function* placesOf(value: Json): Generator<Place> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value).slice(0, 200)) {
    yield { of: value, key };
    yield* placesOf(inner);
  }
}

const get = ({ of, key }: Place): Json => Reflect.get(of, key);
/** Also of the key __proto__, as JSON.parse does. */
function set(of: object, key: string, value: Json): void {
  Object.defineProperty(of, key, { value, enumerable: true, configurable: true, writable: true });
}

function change(random: Random, place: Place, others: readonly unknown[]): void {
  const { of, key } = place;
  const kind = below(random, 7);
  if (kind === 0) {
    if (Array.isArray(of)) of.splice(Number(key), 1);
    else Reflect.deleteProperty(of, key);
  } else if (kind === 1) {
    const [name, value] = donated(random, others);
    if (Array.isArray(of)) of.push(value);
    else set(of, name, value);
  } else if (kind === 2) set(of, key, anything(random, others));
  else if (kind === 3) set(of, key, pick<Json>(random, [null, [], {}, [get(place)], { a: get(place) }, true]));
  else set(of, key, near(random, get(place), others));
}

function near(random: Random, value: Json, others: readonly unknown[]): Json {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return pick(random, [value + 1, value - 1, value * 2, -value, value / 2, pick(random, NUMBERS)]);
  if (typeof value === "string") return mutatedText(random, value);
  if (Array.isArray(value)) return pick<Json>(random, [value.slice(1), [...value, ...value], [...value, anything(random, others)], []]);
  return anything(random, others);
}

function anything(random: Random, others: readonly unknown[]): Json {
  return pick<Json>(random, [pick(random, NUMBERS), pick(random, TEXTS), null, true, [], {}, donated(random, others)[1]]);
}

function donated(random: Random, others: readonly unknown[]): [string, Json] {
  const other: Json = others.length === 0 ? {} : JSON.parse(JSON.stringify(pick(random, others)));
  const places = [...placesOf(other)];
  const place = places[below(random, places.length)];
  return place === undefined ? ["x", null] : [place.key, get(place)];
}

/** With parts cut, doubled, put elsewhere and written over. */
export function mutatedText(random: Random, text: string, words: readonly string[] = TEXTS): string {
  let copy = text;
  for (let left = changes(random); left > 0; left--) {
    const [from, at] = [below(random, copy.length + 1), below(random, copy.length + 1)];
    const part = copy.slice(from, from + pick(random, [1, 2, 8, 40, 400]));
    copy = pick(random, [
      () => copy.slice(0, at) + part + copy.slice(at),
      () => copy.slice(0, from) + copy.slice(from + part.length),
      () => copy.slice(0, at) + pick(random, words) + copy.slice(at),
      () => copy.slice(0, from) + pick(random, words) + copy.slice(from + part.length),
      () => (below(random, 10) === 0 ? copy.slice(0, at) : copy.slice(0, at) + pick(random, words).repeat(3) + copy.slice(at)),
    ])();
    if (copy.length > 1 << 20) break;
  }
  return copy;
}

export function mutatedBytes(random: Random, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let copy = Uint8Array.from(bytes);
  for (let left = changes(random); left > 0; left--) {
    const at = below(random, copy.length + 1);
    const [head, tail] = [copy.subarray(0, at), copy.subarray(at)];
    const number = pick(random, [0, 1, 127, 128, 255, 65535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]);
    const written = pick(random, [[number & 255], [number >>> 24, number >>> 16, number >>> 8, number], [number, number >>> 8, number >>> 16, number >>> 24]]);
    copy = Uint8Array.from(pick(random, [
      () => [...head, ...tail.subarray(below(random, 20))],
      () => [...head, ...written, ...tail],
      () => [...head, ...written, ...tail.subarray(written.length)],
      () => [...head, ...tail.subarray(0, 64), ...tail],
      () => [...head, below(random, 256), ...tail.subarray(1)],
      () => [...head, (tail[0] ?? 0) ^ (1 << below(random, 8)), ...tail.subarray(1)],
      () => (below(random, 4) === 0 ? [...head] : [...copy]),
    ])());
  }
  return copy;
}
