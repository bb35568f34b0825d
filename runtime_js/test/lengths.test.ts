/** Lengths of strings are counted beside the grammar: never too long, never too short, whatever tokens a vocabulary has. By the real grammar engine. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Structure } from "../src/engine/structure/structure.ts";
import { CLOSERS, encode, grammars, idOf, randomText, textOf } from "./fakes/crossing_vocabulary.ts";

const schema = (value: unknown): Structure => ({ kind: "schema", schema: JSON.stringify(value), isStrict: true, param: "schema" });

async function answer(structure: Structure, seed: number, closers: readonly number[]): Promise<string> {
  const said = await randomText(structure, seed, closers);
  assert.ok(said !== undefined && !said.includes("\ufffd"), said);
  return said;
}

const text = (minLength: number, maxLength: number): object => ({ type: "string", minLength, maxLength });
const object = (properties: object): object => ({ type: "object", properties, required: Object.keys(properties), additionalProperties: false });

const CASES: Readonly<Record<string, object>> = {
  "a string": text(0, 7),
  "an empty one": text(0, 0),
  "one character": text(1, 1),
  "several bounds": object({ a: text(3, 3), b: text(0, 2), c: text(5, 40), d: { type: "string", maxLength: 200 } }),
  "beside texts of any length": object({ a: { type: "string", pattern: "^[ab\"é\\\\]*$" }, b: text(2, 4) }),
  "in lists": { type: "array", items: text(1, 5), minItems: 3, maxItems: 3 },
  "optional": { type: "object", properties: { ab: text(0, 3), abc: text(4, 5) }, additionalProperties: false },
  "or nothing": object({ a: { anyOf: [text(2, 3), { type: "null" }] }, b: text(9, 9) }),
  "one of several": { anyOf: [object({ a: text(0, 3), kind: { const: "x" } }), object({ a: text(0, 6), kind: { const: "y" } })] },
  "one of several that share no length": { anyOf: [object({ a: text(0, 3), kind: { const: "x" } }), object({ a: text(5, 6), kind: { const: "y" } })] },
  "one of several that share no length, beside a long one": object({
    a: { anyOf: [object({ b: text(5, 5) }), object({ b: text(2, 2), c: text(0, 30) }), text(0, 30)] }, d: text(0, 30), e: text(1, 4),
  }),
  "names": { type: "object", propertyNames: { minLength: 2, maxLength: 3 }, additionalProperties: { type: "boolean" }, minProperties: 1, maxProperties: 3 },
  "of a class": { type: "string", pattern: "^[a-c\\n\"é😀]{10,12}$" },
  "of a class, with a length": { type: "string", pattern: "^[a-c]+$", minLength: 9, maxLength: 11 },
};

for (const [name, value] of Object.entries(CASES)) {
  test(`strings are as long as they may be: ${name}`, async () => {
    const validate = new Ajv2020({ strict: false }).compile(value);
    for (let seed = 0; seed < 60; seed++) {
      const said = await answer(schema(value), seed, seed % 2 === 0 ? CLOSERS : CLOSERS.slice(0, 1));
      assert.ok(validate(JSON.parse(said)), `${said} ${JSON.stringify(validate.errors)}`);
    }
  });
}

test("every length that is allowed comes", async () => {
  const lengths = new Set<number>();
  for (let seed = 0; seed < 200; seed++) lengths.add([...String(JSON.parse(await answer(schema(text(2, 6)), seed, seed % 2 === 0 ? CLOSERS : [])))].length);
  assert.deepEqual([...lengths].sort(), [2, 3, 4, 5, 6]);
});

test("a text around calls is free, and what is in them is not", async () => {
  const tag = { type: "tag", begin: "<c>", content: { type: "json_schema", json_schema: object({ a: text(2, 3), b: text(0, 4) }) }, end: "</c>" };
  const structure: Structure = {
    kind: "tags", isStrict: true, param: "tags", tags: JSON.stringify({ type: "triggered_tags", triggers: ["<c>"], tags: [tag], at_least_one: false, stop_after_first: false }),
  };
  const constraint = await grammars.constraint(structure);
  for (const piece of encode("he said \"quoted\" and \"a\\")) constraint.accept(piece);
  const allows = (piece: string): boolean => {
    const id = idOf(piece);
    return ((constraint.mask()?.[id >> 5] ?? 0) >>> (id & 31) & 1) === 1;
  };
  assert.deepEqual(["x".repeat(20), "\"", "said \"", "\\", "abc\", \""].map(allows), [true, true, true, true, false]);
  for (const piece of encode("<c>{\"a\": \"")) constraint.accept(piece);
  assert.deepEqual(["a", "ab", "hello ", "\"", "ab\"", "a\"", "\u{1f600}"].map(allows), [true, false, false, false, false, false, true]);
  constraint.accept(idOf("a"));
  constraint.accept(idOf("\u{1f600}"));
  assert.deepEqual(["a", "ab", "\"", "\",", "a\""].map(allows), [true, false, true, true, true]);
  for (const piece of encode("\", \"b\": \"\"}</c> and \"so on\" ")) constraint.accept(piece);
  assert.deepEqual(["x".repeat(20), "\"", "hello "].map(allows), [true, true, true]);
  constraint.dispose();
});

test("tokens that are taken back do not count, and one that is too long is refused", async () => {
  const constraint = await grammars.constraint(schema(object({ a: text(2, 6), b: text(0, 3) })));
  const take = (...pieces: readonly string[]): void => { for (const piece of pieces) constraint.accept(idOf(piece)); };
  const mask = (): string => constraint.mask()?.join() ?? "";
  take("{\"", "a", "\": \"");
  const begun = mask();
  take("ab", "\\u00", "e", "9");
  const later = mask();
  assert.throws(() => take("hello "), /does not allow/);
  assert.equal(mask(), later);
  take("abc");
  assert.deepEqual([...constraint.forced()].map((id) => textOf([id])).join(""), "\", \"b\": \""); // it is full: what follows can be no other
  constraint.rollback(2);
  take("9");
  assert.equal(mask(), later);
  constraint.rollback(4);
  assert.equal(mask(), begun);
  assert.throws(() => take("a\""), /does not allow/);
  assert.equal(mask(), begun);
  constraint.dispose();
});
