// Grammars by the real engine: what a request may ask for, and that a model which knows nothing cannot answer otherwise.

import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { schemaGrammar } from "../src/engine/structure/schema.ts";
import type { Structure } from "../src/engine/structure/structure.ts";
import { RequestValidationError } from "../src/support/errors.ts";
import { hasToken } from "../src/engine/token_set.ts";
import * as crossing from "./fakes/crossing_vocabulary.ts";
import { fakeTokenizer } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { grammarsOf } from "./fakes/grammars.ts";
import { randomAnswer, randomNumbers } from "./fakes/random_answer.ts";
import { SCHEMAS } from "./fakes/schemas.ts";

const SIZE = 300;
const END = 2;
const tokenizer = fakeTokenizer();
const grammars = grammarsOf(tokenizer, SIZE, [END]);
const words = tokenizer.tokenBytes(SIZE).map((bytes) => new TextDecoder().decode(bytes));
const closers = [END, ...["\"", "]", "}"].map((text) => words.indexOf(text))];

const schema = (value: unknown): Structure => ({ kind: "schema", schema: JSON.stringify(value), isStrict: true, param: "schema" });
const grammar = (text: string): Structure => ({ kind: "grammar", grammar: text, param: "grammar" });
const regex = (pattern: string): Structure => ({ kind: "regex", pattern, param: "regex" });
const tags = (format: unknown): Structure => ({ kind: "tags", tags: JSON.stringify(format), isStrict: true, param: "tags" });

/** Undefined where it has not ended. */
async function answer(structure: Structure, seed: number, most = 2000): Promise<string | undefined> {
  const tokens = randomAnswer(await grammars.constraint(structure), randomNumbers(seed), closers, most);
  if (tokens.at(-1) !== END) return undefined;
  const detokenizer = tokenizer.detokenizer();
  return tokens.slice(0, -1).map((token) => detokenizer.push(token)).join("");
}

test("every answer under a schema fits it", async () => {
  const ajv = new Ajv2020({ strict: false, ownProperties: true, formats: { date: true } });
  let unfinished = 0;
  const wrong: string[] = [];
  for (const [name, value] of Object.entries(SCHEMAS)) {
    const validate = ajv.compile(typeof value === "object" && value !== null ? value : {});
    for (let seed = 0; seed < 4; seed++) {
      const text = await answer(schema(value), seed);
      if (text === undefined) unfinished++;
      else if (!validate(JSON.parse(text))) wrong.push(`${name}: ${text.slice(0, 300)} ${JSON.stringify(validate.errors)}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.equal(unfinished, 0);
});

test("a schema that no grammar holds is refused with its place, or held as far as it can be", () => {
  const refusals: readonly [unknown, RegExp][] = [
    [{ type: "object", properties: { "a/b": { type: "text" } } }, /a type is one of .*#\/properties\/a~1b\/type/],
    [{ properties: { a: false }, required: ["a"] }, /no value fits.*#\/properties\/a/],
    [{ properties: { me: { $ref: "#" } }, required: ["me"] }, /never comes to an end \(at #\/properties\/me/],
    [{ anyOf: [{ type: "null" }, { type: "array", minItems: 1, items: { $ref: "#/anyOf/1" } }] }, /never comes to an end \(at #\/anyOf\/1/],
    [{ type: "array", minItems: 60_000, items: { const: "a longer text" } }, /at least 1\d{6} characters/],
    [{ $ref: "#/$defs/none" }, /leads nowhere \(at #\/\$ref/],
    [{ $ref: "https://schema.example/" }, /part of the schema itself/],
    [{ $ref: "#" }, /leads to itself/],
    [{ allOf: [{ $ref: "#" }, { type: "object" }] }, /leads to itself/],
    [{ allOf: [{ $ref: "#/$defs/a" }, { type: "object" }], $defs: { a: { allOf: [{ $ref: "#/$defs/a" }, { title: "a" }] } } }, /leads to itself/],
    [{ anyOf: [{ type: "null" }, { $ref: "#" }] }, /leads to itself \(at #\/anyOf\/1/],
    [{ $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } }, /leads to itself/],
    [{ items: { minLength: 5, maxLength: 4 } }, /minLength is greater than maxLength \(at #\/items/],
    [{ type: "integer", minimum: 4.2, maximum: 4.8 }, /no number is between/],
    [{ type: "string", maxLength: "5" }, /must be a number \(at #\/maxLength/],
    [{ type: "string", maxLength: 1e9 }, /integer from 0 to/],
    [{ enum: [] }, /none of its values/],
    [{ type: "object", properties: {}, required: ["a"], additionalProperties: false }, /"a" is required, and may not be there/],
    [Array.from({ length: 100 }).reduce<unknown>((inner) => ({ items: inner }), { type: "null" }), /nested more than/],
    [{ enum: Array.from({ length: 9000 }, (_, i) => i) }, /at most 8192/],
    [{ enum: Array.from({ length: 8000 }, (_, i) => `${i}${"x".repeat(200)}`) }, /too large/],
    [{ anyOf: Array.from({ length: 4097 }, () => ({ type: "null" })) }, /at most 4096/],
    ["no schema", /must be an object/],
  ];
  for (const [value, message] of refusals) {
    for (const isStrict of [true, false]) assert.throws(() => schemaGrammar(value, isStrict), message, JSON.stringify(value)?.slice(0, 200));
  }
  const unheld: readonly [unknown, RegExp][] = [
    [{ type: "array", uniqueItems: true }, /cannot hold uniqueItems here.*#\/uniqueItems/],
    [{ type: "object", properties: { a: { type: "number", multipleOf: 3 } } }, /#\/properties\/a\/multipleOf/],
    [{ not: { type: "string" } }, /#\/not/],
    [{ oneOf: [{ type: "integer" }, { type: "number", minimum: 2 }] }, /may fit several.*#\/oneOf/],
    [{ oneOf: [{ type: "object", required: ["a"] }, { type: "object", required: ["b"] }] }, /may fit several/],
    [{ type: "string", pattern: "^(?=a)b" }, /look ahead.*#\/pattern/],
    [{ type: "string", pattern: "(a{1,900}){2000}" }, /too often/],
    [{ type: "string", pattern: "^ab$", minLength: 4 }, /#\/minLength/],
    [{ allOf: [{ minLength: 1 }, { minLength: 3 }] }, /several schemas at once/],
    [{ allOf: [{ properties: { a: true } }, { additionalProperties: false }] }, /several schemas at once/],
    [{ properties: { a: true }, anyOf: [{ required: ["a"] }, { properties: { a: { type: "null" } } }] }, /#\/properties/],
    [{ type: "object", properties: { a: true, b: true }, minProperties: 1 }, /cannot count properties/],
    [{ properties: {}, additionalProperties: false, minProperties: 1 }, /more properties than there may be.*#\/minProperties/],
    [{ properties: { "": true }, propertyNames: { minLength: 1 } }, /#\/propertyNames/],
    [{ patternProperties: { a: true }, additionalProperties: false, propertyNames: { maxLength: 3 } }, /#\/propertyNames/],
  ];
  for (const [value, message] of unheld) {
    assert.throws(() => schemaGrammar(value, true), message, JSON.stringify(value));
    assert.match(schemaGrammar(value, false), /^root ::= /);
  }
});

test("properties that nobody named are as many as there may be beside those that are named, also where these are left out", async () => {
  const counts = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    const text = await answer(schema({ type: "object", properties: { a: { enum: [1] } }, maxProperties: 3, additionalProperties: { enum: [1] } }), seed);
    if (text !== undefined && !text.includes('"a": 1')) counts.add((text.match(/: 1/g) ?? []).length);
  }
  assert.deepEqual([...counts].toSorted(), [0, 1, 2]);
});

test("a regular expression has flags, of all of it or of a group, and what a grammar cannot say of them is refused", async () => {
  const patterns: readonly [string, string][] = [
    ["yes|no", "i"], ["straße", "iu"], ["[k-m]{4}x", "i"], ["[k-s]{4}", "iu"], ["[^a-y]{6}", "iu"], ["[^k-s]{6}", "iu"], ["\\u00e9\\x61{2}", "i"], ["a.b", "s"], ["^a.b$", "ms"], ["[ß-ÿ]{3}", "iu"], ["[a-z&]-x", "v"],
  ];
  for (const [pattern, flags] of patterns) {
    const fits = new RegExp(`^(?:${pattern.replace(/^\^|\$$/g, "")})$`, flags);
    const answers = new Set<string>();
    for (let seed = 1; seed < 24; seed++) {
      const text = await answer(regex(`(?${flags})${pattern}`), seed) ?? assert.fail(pattern);
      assert.match(text, fits);
      answers.add(text);
    }
    assert.ok(answers.size > 1 || flags === "v", pattern);
  }
  const some = new Set<string>();
  for (let seed = 1; seed < 40; seed++) some.add(await answer(regex("a(?i:b(?-i:c))d"), seed) ?? "");
  assert.deepEqual([...some].sort(), ["aBcd", "abcd"]);
  for (const pattern of ["(?x)a", "(?iL)a", "a(?i)b", "(?u)\\p{L}", "(?v)[a--b]", "(?v)[[a]b]", "(?v)[a&&b]", "(?i=a)"]) {
    await assert.rejects(grammars.constraint(regex(pattern)), { name: "RequestValidationError", message: /regular expression in regex cannot be used: / }, pattern);
  }
});

test("classes of characters beyond ASCII are of characters and not of bytes, in expressions, in grammars and in tags of both", async () => {
  const patterns = ["[à-ü]{3}", "x[\\u4e00-\\u4e8c0-9]{2,5}", "[😀-😏]{2}", "[^é\\n]", "^(?:[ä-öß]|[一-龥]{2})+$", "a|", "[\\w.-]{1,1500}@[α-ω]"];
  const classes = ["[à-ü]{3}", "[a\\u4e00-\\u4e8c]{3}", "[\\U0001F600-\\U0001F60F]{2}", "[é\\-\\]]{2}", '"[é" [б-д]'];
  const inTag = (content: unknown): Structure => tags({ type: "tag", begin: "<", end: ">", content });
  for (let seed = 1; seed < 6; seed++) {
    for (const pattern of patterns) {
      const fits = new RegExp(`^(?:${pattern})$`, "u");
      assert.match(await answer(regex(pattern), seed) ?? "", fits);
      assert.match((await answer(inTag({ type: "regex", pattern }), seed))?.slice(1, -1) ?? "", fits);
    }
    for (const one of classes) {
      const fits = new RegExp(`^${one.replace(/"\[é" /, "\\[é").replace(/\\U000(.{5})/g, "\\u{$1}")}$`, "u");
      assert.match(await answer(grammar(`root ::= ${one} # [à\n`), seed) ?? "", fits);
      assert.match((await answer(inTag({ type: "grammar", grammar: `root ::= ${one}` }), seed))?.slice(1, -1) ?? "", fits);
    }
  }
  assert.equal(await answer(regex("(?<one>a)(?P<two>b)"), 1), "ab");
  for (const pattern of ["\\cA", "[b-a]", "[]", "(?=a)", "\\ud800", "\\p{L}"]) {
    for (const form of [regex(pattern), inTag({ type: "regex", pattern })]) await assert.rejects(grammars.constraint(form), RequestValidationError, pattern);
  }
});

test("what a class leaves open is text in UTF-8, and an answer does not end within a character", async () => {
  const forms = [
    regex("[^a]{4}"), regex(".{3,6}"), regex("\\W{2}\\S+"), grammar("root ::= [^a-z]{5}"), grammar("root ::= [^é]{5}"), schema({ type: "string" }),
    schema({ additionalProperties: { type: "string", pattern: "[^x]$" } }),
  ];
  for (const form of forms) {
    for (let seed = 0; seed < 30; seed++) assert.doesNotMatch(await crossing.randomText(form, seed) ?? "", /\ufffd/, JSON.stringify(form));
  }
  const free = await crossing.grammars.constraint(tags({ type: "triggered_tags", triggers: ["<c>"], tags: [{ type: "tag", begin: "<c>", content: { type: "any_text" }, end: "</c>" }] }));
  const may = (text: string): boolean => hasToken(free.mask() ?? new Uint32Array(), text === "" ? crossing.END : crossing.idOf(text));
  const [lead, next] = [1 + 0xe6, 1 + 0x97]; // tokens of one byte come behind the end
  assert.deepEqual(["", "a", "é"].map(may), [true, true, true]);
  free.accept(lead);
  free.accept(next);
  assert.deepEqual(["", "a", "é"].map(may), [false, false, false]);
  assert.throws(() => free.accept(lead), /does not allow/);
  free.rollback(2);
  assert.deepEqual(["", "a", "é"].map(may), [true, true, true]);
  free.dispose();
});

/** Whether an answer may be this text. */
async function takes(structure: Structure, text: string): Promise<boolean> {
  const constraint = await crossing.grammars.constraint(structure);
  try {
    for (const token of [...[...text].map(crossing.idOf), crossing.END]) constraint.accept(token);
    return true;
  } catch {
    return false;
  } finally {
    constraint.dispose();
  }
}

test("choices that begin alike do not end as others do that end alike", async () => {
  const wordsOf = (most: number): string[] => (most === 0 ? [""] : ["", ...["a", "b", "c", "."].flatMap((letter) => wordsOf(most - 1).map((rest) => letter + rest))]);
  const or = (...elements: readonly object[]): Structure => tags({ type: "or", elements });
  const string = (value: string): object => ({ type: "const_string", value });
  const forms: readonly (readonly [form: Structure, fits: RegExp])[] = [
    [regex("(a|bc|bcc)\\."), /^(a|bc|bcc)\.$/], [regex("(?:a|bc|bcc)*"), /^(a|bc|bcc)*$/], [regex("a\\.|bc\\.|bcc\\."), /^(a|bc|bcc)\.$/],
    [grammar('root ::= "a" "." | "b" "c" "." # [a|b]\n | "b" "c" "c" "." # "\n'), /^(a|bc|bcc)\.$/],
    [grammar('root ::= ("a" | "bc") | [b-c]* "b"? "c" | end_ "." \nend_ ::= "ba" | "bab" | "a" "a"'), /^(a|bc|[bc]*c|(ba|bab|aa)\.)$/],
    [grammar('root ::= "b" | "c" "c" | "a" "a" "b" "a" | "a" "a" "a"'), /^(b|cc|aaba|aaa)$/],
    [or(string("a."), string("bc."), string("bcc.")), /^(a|bc|bcc)\.$/],
    [tags({ type: "regex", pattern: "(a|bc|bcc)\\." }), /^(a|bc|bcc)\.$/],
  ];
  for (const [form, fits] of forms) {
    const wrong = [];
    for (const word of new Set(wordsOf(4))) if ((await takes(form, word)) !== fits.test(word)) wrong.push(word);
    assert.deepEqual(wrong, [], JSON.stringify(form));
  }
  const enumerated = schema({ enum: ["a", "bc", "bcc"] });
  for (const [word, isOne] of [["a", true], ["bcc", true], ["ac", false], ["bccc", false]] as const) assert.equal(await takes(enumerated, `"${word}"`), isOne, word);
  const counted = schema({ exclusiveMinimum: 0, maximum: 1e9 });
  for (const [word, isOne] of [["0.5", true], ["10.5", true], ["043", false], ["043.5", false]] as const) assert.equal(await takes(counted, word), isOne, word);
});

test("a text of a format fits it; a length beside one is refused where it is meant strictly", async () => {
  const url = (text: string): boolean => URL.canParse(text, "https://site.example/");
  const formats: readonly (readonly [format: string, fits: (text: string) => boolean, some: readonly string[], others: readonly string[]])[] = [
    ["ipv6", isIPv6, ["::", "::1", "1::", "fe80::1:2", "2001:db8::8a2e:370:7334", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6::8"], ["1:2:3", ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9"]],
    ["ipv4", isIPv4, ["255.0.10.1"], ["256.0.0.1", "01.2.3.4"]],
    ["duration", (text) => /^P(?!$)((\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?|\d+W)$/.test(text), ["P3D", "P1Y2M", "PT5M30S", "P2W", "P1DT2H"], ["P", "PT", "P1Y2D", "P1W2D", "1D"]],
    ["uri-reference", url, ["", "/a/b", "https://a.example/c"], ["a b"]],
    ["uri-template", (text) => /^([^{}]|\{[a-zA-Z_]\w*\})+$/.test(text), ["/users/{id}", "/a{b}c"], ["/{", "/{}"]],
    ["json-pointer", (text) => /^(\/([^~/]|~[01])*)*$/.test(text), ["", "/a/0", "/a~1b/~0", "/"], ["a", "/~2"]],
    ["relative-json-pointer", (text) => /^(0|[1-9]\d*)(#|(\/([^~/]|~[01])*)*)$/.test(text), ["0", "1/a", "10#"], ["01", "/a", "0#/a"]],
  ];
  for (const [format, fits, some, others] of formats) {
    const form = schema({ type: "string", format });
    for (let seed = 0; seed < 9; seed++) {
      const text: unknown = JSON.parse(await answer(form, seed) ?? "");
      assert.ok(typeof text === "string" && fits(text), `${format}: ${text}`);
    }
    for (const text of some) assert.ok(await takes(form, JSON.stringify(text)), `${format}: ${text}`);
    for (const text of others) assert.ok(!await takes(form, JSON.stringify(text)), `${format}: ${text}`);
    const bounded = { properties: { a: { type: "string", format, maxLength: 20 } } };
    assert.throws(() => schemaGrammar(bounded, true), /a length beside such a pattern or format.*#\/properties\/a\/maxLength/);
    assert.match(schemaGrammar(bounded, false), /^root ::= /);
  }
});

test("grammars, regular expressions and tags are followed, and what is none is refused", async () => {
  assert.match(await answer(grammar('root ::= ("yes" | "no") "!"{2,3}\n'), 1) ?? "", /^(yes|no)!{2,3}$/);
  assert.match(await answer(regex("(foo|b[ar]{2,3}) [0-9]+"), 1) ?? "", /^(foo|b[ar]{2,3}) [0-9]+$/);
  const tag = tags({
    type: "triggered_tags", triggers: ["<call>"], at_least_one: true, stop_after_first: true,
    tags: [{ type: "tag", begin: "<call>", content: { type: "json_schema", json_schema: SCHEMAS["properties, required"] }, end: "</call>" }],
  });
  const call = /^<call>(.*)<\/call>$/s.exec(await answer(tag, 3) ?? "")?.[1] ?? "";
  assert.equal(typeof JSON.parse(call).foo, "number");
  assert.equal(await answer(grammar(String.raw`root ::= "\\ud800"`), 1), String.raw`\ud800`);
  const wrong: readonly Structure[] = [
    regex("a\ud800"), grammar('root ::= "a\udc00"'), grammar(String.raw`root ::= "a\ud83e\udd99"`), grammar(String.raw`root ::= [\ud800-\udfff] | "a"`), grammar(String.raw`root ::= [^\x01-\U0010ffff] | "a"`),
    tags({ type: "const_string", value: "\ud800" }), grammar("root ::= other"), grammar('root ::= "a" root'), grammar('root ::= "b" | "a" endless\nendless ::= "x" endless'), regex("a{2000000}"), grammar("first ::= \"a\""), grammar("root ::= \""), grammar(`root ::= ${"(".repeat(30_000)}"a"${")".repeat(30_000)}`),
    tags({ type: "tag", begin: "<", end: ">", content: { type: "regex", pattern: "a".repeat(70_000) } }),
    regex("(a"), tags({}), tags({ type: "tag", begin: "<", end: ">", content: { type: "json_schema", json_schema: { type: "x" } } }),
    { kind: "tags", tags: "no JSON", isStrict: true, param: "tags" }, schema({ type: "x" }), { kind: "schema", schema: "{", isStrict: true, param: "schema" },
  ];
  const begin = tags({ type: "tag", begin: "\ud800", end: ">", content: { type: "any_text" } });
  await assert.rejects(grammars.constraint(begin), fails(RequestValidationError, /The structural tag in tags cannot be used: it has half of a character/));
  for (const structure of wrong) {
    await assert.rejects(grammars.constraint(structure), RequestValidationError, JSON.stringify(structure).slice(0, 100));
    assert.equal(typeof JSON.parse(await answer(schema({ type: "integer" }), 1) ?? ""), "number", "the engine works on");
  }
});

test("free text takes no control token, and an answer ends only where it is whole", async () => {
  const free = tags({ type: "triggered_tags", triggers: ["<x>"], tags: [{ type: "tag", begin: "<x>", content: { type: "any_text" }, end: "</x>" }] });
  const constraint = await grammars.constraint(free);
  const mask = constraint.mask() ?? new Uint32Array();
  const allows = (token: number): boolean => ((mask[token >> 5] ?? 0) >>> (token & 31) & 1) === 1;
  assert.deepEqual([0, 1, END, 3, words.indexOf("a"), SIZE].map(allows), [false, false, true, false, true, false]);
  constraint.dispose();
  const whole = await grammars.constraint(schema({ type: "object" }));
  for (const token of ["{", "\"", "a", "\"", ":", " ", "1"]) {
    assert.equal(((whole.mask()?.[0] ?? 0) >>> END) & 1, 0);
    whole.accept(words.indexOf(token));
  }
  whole.accept(words.indexOf("}"));
  assert.equal(((whole.mask()?.[0] ?? 0) >>> END) & 1, 1);
  whole.rollback(1);
  assert.equal(((whole.mask()?.[0] ?? 0) >>> END) & 1, 0);
  assert.throws(() => whole.accept(END), /does not allow/);
  whole.dispose();
});

test("a grammar has the rules that its schema leads to and no others, as each of many tools has one", () => {
  const names = (value: unknown): readonly string[] => [...schemaGrammar(value, true).matchAll(/^(json_\w+) ::=/gm)].map(([, name = ""]) => name).sort();
  assert.deepEqual(names({ type: "boolean" }), []);
  assert.deepEqual(names({ type: "array", items: { type: "integer" } }), ["json_integer"]);
  assert.deepEqual(names({ type: "string" }), ["json_escape", "json_hex", "json_rest", "json_string"]);
  assert.deepEqual(names({ type: "array" }).length, 9);
});
