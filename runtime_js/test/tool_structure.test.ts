/** Calls that are wanted come, and are as the tools' schemas say, from a model that knows nothing: by the real grammar engine. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { AnswerRequest } from "../src/engine/answer.ts";
import { parameterContent } from "../src/engine/structure/parameter_content.ts";
import { structureBehindThought, toolStructure } from "../src/engine/tool_structure.ts";
import type { OutputEvent } from "../src/formats/events.ts";
import { parseChatFormat, type ChatFormat } from "../src/formats/format.ts";
import { OutputParser } from "../src/formats/parser.ts";
import type { JsonObject } from "../src/support/json.ts";
import { RequestValidationError } from "../src/support/errors.ts";
import { fakeTokenizer } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { HERMES, THINK } from "./fakes/formats.ts";
import { goldenFile as file } from "./fakes/golden.ts";
import { grammarsOf } from "./fakes/grammars.ts";
import { randomAnswer, randomNumbers } from "./fakes/random_answer.ts";

const SIZE = 300;
const END = 2;
const tokenizer = fakeTokenizer();
const grammars = grammarsOf(tokenizer, SIZE, [END]);
const words = tokenizer.tokenBytes(SIZE).map((bytes) => new TextDecoder().decode(bytes));

const PARAMETERS = {
  type: "object", required: ["n"], additionalProperties: false,
  properties: { n: { type: "integer" }, on: { type: "boolean" }, unit: { type: "string", enum: ["m", "km"] }, note: { type: "string" } },
};
const ajv = new Ajv2020({ strict: false });
const TOOLS = new Map([["look", PARAMETERS], ["find", PARAMETERS]]);

function asking(more: Partial<AnswerRequest>): AnswerRequest {
  const tools = [...TOOLS].map(([name, parameters]) => ({ type: "function", function: { name, parameters } }));
  return {
    prompt: { kind: "chat", conversation: { messages: [{ role: "user", content: "hi" }], tools } }, sampling: { temperature: 1, topP: 1,
    seed: undefined }, stop: [], ...more,
  };
}

interface Answer {
  readonly text: string;
  readonly calls: { readonly name: string; arguments: string }[];
  readonly isWhole: boolean;
}

async function answer(request: AnswerRequest, format: ChatFormat, seed: number, isThinking = false): Promise<Answer> {
  const structure = toolStructure(request, format, isThinking);
  assert.ok(structure !== undefined);
  const constraint = await grammars.constraint(structure);
  const syntax = format.tools?.syntax;
  const closers = [END, ...(syntax?.kind === "parameters" ? syntax.valueEnd.slice(0, 2) : "\"]}")].map((text) => (typeof text === "string" ? words.indexOf(text) : text));
  const thought = isThinking ? tokenizer.encodePart("Hm.</think>") : [];
  for (const token of thought) constraint.accept(token);
  const tokens = [...thought, ...randomAnswer(constraint, randomNumbers(seed), closers, 1000)];
  const detokenizer = tokenizer.detokenizer();
  const told: Answer = { text: "", calls: [], isWhole: tokens.at(-1) === END };
  let text = "";
  const take = (event: OutputEvent): void => {
    if (event.type === "text") text += event.text;
    else if (event.type === "toolCall") told.calls.push({ name: event.name, arguments: "" });
    else if (event.type === "toolArguments") {
      const call = told.calls[event.index];
      if (call !== undefined) call.arguments += event.text;
    }
  };
  const parser = new OutputParser({ format, tools: TOOLS, parallel: true, isThinking, newId: () => "i", opened: format.tools?.opened ?? "" }, take);
  for (const token of tokens.filter((id) => id !== END)) parser.push(detokenizer.push(token));
  parser.end();
  return { ...told, text };
}

function isWanted(json: string): boolean {
  return ajv.validate(PARAMETERS, JSON.parse(json));
}

/** What the templates of llama.cpp write, each format once. */
const FORMATS = new Map(file("tool_turns").keys().flatMap((name) => {
  const format = parseChatFormat(file("tool_turns").object(name).object("chat"));
  return format.tools === undefined ? [] : [[format.tools.name, format] as const];
}));
/** Their arguments are any text where a call is wanted, and cannot be strict. */
const LOOSE = ["minimax-m3"];

for (const [name, format] of FORMATS) {
  test(`${name}: a call that is required comes, and ${LOOSE.includes(name) ? "cannot be strict" : "fits the schema"}; one by name is that one`, async () => {
    const asked = (more: Partial<AnswerRequest>): AnswerRequest => asking({ ...more, ...(!LOOSE.includes(name) && { strictTools: ["find", "look"] }) });
    let whole = 0;
    for (let seed = 0; seed < 2; seed++) {
      const some = await answer(asked({ toolChoice: { kind: "required" }, parallelToolCalls: seed % 2 === 0 }), format, seed);
      const one = await answer(asked({ toolChoice: { kind: "named", name: "find" } }), format, seed + 100);
      assert.deepEqual(one.calls.map((call) => call.name), ["find"]);
      assert.ok(some.calls.length > 0 && (seed % 2 === 0 || some.calls.length === 1), JSON.stringify(some));
      if (LOOSE.includes(name)) continue;
      if (one.isWhole) assert.equal(one.text, "");
      for (const { calls, isWhole } of [some, one]) { // of one that is cut, all but the last
        assert.ok((isWhole ? calls : calls.slice(0, -1)).every((call) => isWanted(call.arguments)), JSON.stringify(calls));
        whole += Number(isWhole);
      }
    }
    assert.ok(whole > 0 || LOOSE.includes(name));
    if (LOOSE.includes(name)) {
      assert.throws(() => toolStructure(asking({ strictTools: ["look"] }), format, false), fails(RequestValidationError, /cannot be held to a schema/));
    }
  });
}

test("lengths, references and names hold in arguments that are texts between tags, or Python's", async () => {
  const parameters = {
    type: "object", required: ["kind", "size"], $defs: { size: { enum: ["s", "m"] } },
    properties: { kind: { type: "string", const: "a b" }, size: { $ref: "#/$defs/size" }, note: { type: "string", maxLength: 3 } },
  };
  const tools = [{ type: "function", function: { name: "find", parameters } }];
  const prompt = { kind: "chat", conversation: { messages: [{ role: "user", content: "hi" }], tools } } as const;
  const [coder, lfm] = [FORMATS.get("qwen-coder"), FORMATS.get("lfm2")];
  assert.ok(coder !== undefined && lfm !== undefined);
  const strict = toolStructure(asking({ prompt, strictTools: ["find"] }), coder, false);
  assert.ok(strict !== undefined);
  await assert.rejects(grammars.constraint(strict), fails(RequestValidationError, /held to maxLength.*#\/properties\/note\/maxLength/));
  const validate = ajv.compile(parameters);
  for (let seed = 0; seed < 3; seed++) {
    const python = await answer(asking({ prompt, strictTools: ["find"], toolChoice: { kind: "required" }, parallelToolCalls: false }), lfm, seed);
    assert.ok(python.isWhole && python.calls.every((call) => validate(JSON.parse(call.arguments))), JSON.stringify(python));
    const { calls: [call] } = await answer(asking({ prompt, toolChoice: { kind: "required" }, parallelToolCalls: false }), coder, seed);
    assert.match(call?.arguments ?? "", /^\{"kind": "a b", "size": "[sm]"[,}]/); // the note may be cut
  }
});

test("where a call says what kind of value an argument is, it says so of each", () => {
  const call = FORMATS.get("kimi-k3")?.tools?.syntax;
  assert.ok(call?.kind === "parameters");
  const types = { s: "string", i: "integer", n: "number", b: "boolean", l: "array", o: "object" };
  const properties = { ...Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type }])), any: {}, several: { type: ["integer", "null"] } };
  const written = JSON.stringify(parameterContent(call, { type: "object", properties }, false, "tools"));
  const kinds = [...written.matchAll(/argument key=\\"(\w+)\\" type=\\"(\w+)\\"/g)].map(([, name, kind]) => [name, kind]);
  assert.deepEqual(Object.fromEntries(kinds), { ...types, i: "number", any: "object", several: "object" });
});

test("arguments in quotes of their own hold what may be in them", async () => {
  const size = { type: "object", required: ["w"], properties: { w: { type: "integer", minimum: 3, maximum: 12 }, unit: { enum: ["m", "k m"] } } };
  const parameters = {
    type: "object", required: ["kind", "sizes", "maybe"], $defs: { size },
    properties: {
      kind: { const: "a b" }, sizes: { type: "array", items: { $ref: "#/$defs/size" }, minItems: 1, maxItems: 3 },
      maybe: { anyOf: [{ type: "string" }, { type: "null" }] }, any: {}, no: { type: ["boolean", "number"] },
    },
  };
  const ask = (given: JsonObject, strict: readonly string[] = ["find"]): AnswerRequest => {
    const tools = [{ type: "function", function: { name: "find", parameters: given } }];
    return asking({ prompt: { kind: "chat", conversation: { messages: [], tools } }, strictTools: strict, toolChoice: { kind: "required" }, parallelToolCalls: false });
  };
  const gemma = FORMATS.get("gemma");
  assert.ok(gemma !== undefined);
  const validate = ajv.compile(parameters);
  for (let seed = 0; seed < 6; seed++) {
    const { calls, isWhole } = await answer(ask(parameters), gemma, seed);
    assert.ok(!isWhole || calls.every((call) => validate(JSON.parse(call.arguments))), JSON.stringify(calls));
  }
  const wrong = [{ properties: { a: { type: "string", maxLength: 3 } } }, { required: ["b"] }, { properties: { a: { oneOf: [{}] } } }, { minProperties: 1 }, { $ref: "#/$defs/none" }];
  for (const given of wrong) {
    const structure = toolStructure(ask({ type: "object", ...given }), gemma, false);
    assert.ok(structure !== undefined);
    await assert.rejects(grammars.constraint(structure), RequestValidationError, JSON.stringify(given));
  }
  const loose = toolStructure(ask({ type: "object", properties: { a: { type: "string", maxLength: 3 }, b: {} }, required: ["c"] }, []), gemma, false);
  assert.ok(loose !== undefined);
  (await grammars.constraint(loose)).dispose();
});

test("a model may think first where its prompt has begun a thought, and calls behind it; so may one whose answer has a form", async () => {
  const format = { ...HERMES, thinking: THINK.thinking };
  const { calls } = await answer(asking({ toolChoice: { kind: "named", name: "look" } }), format, 3, true);
  assert.deepEqual(calls.map((call) => call.name), ["look"]);
  const structure = structureBehindThought({ kind: "regex", pattern: "[ab]{3}", param: "response_format" }, format, true);
  const constraint = await grammars.constraint(structure);
  for (const token of tokenizer.encodePart("{ok}</think>")) constraint.accept(token);
  const tokens = randomAnswer(constraint, randomNumbers(1), [END], 100);
  assert.match(tokens.slice(0, -1).map((token) => words[token]).join(""), /^[ab]{3}$/);
});

test("the model says itself whether it calls, and a structural tag excludes calls of a certain form", () => {
  assert.equal(toolStructure(asking({}), HERMES, false), undefined);
  const tagged = { structure: { kind: "tags", tags: "{}", isStrict: false, param: "response_format" } } as const;
  assert.equal(toolStructure(asking(tagged), HERMES, false), undefined);
  assert.throws(() => toolStructure(asking({ toolChoice: { kind: "required" }, ...tagged }), HERMES, false), fails(RequestValidationError, /exclude each other/));
});

/** Of several seeds. */
async function answers(request: AnswerRequest, format: ChatFormat, seeds = 12): Promise<Answer[]> {
  const all: Answer[] = [];
  for (let seed = 0; seed < seeds; seed++) all.push(await answer(request, format, seed));
  return all.filter(({ isWhole }) => isWhole);
}

test("an answer whose text has a form calls one tool, or has that form; one that must call has none", async () => {
  const structure = { kind: "regex", pattern: "[ab]{3}", param: "response_format.regex" } as const;
  for (const name of ["hermes", "llama", "mistral-list", "qwen-coder", "lfm2", "gemma", "functionary-v3.2", "harmony", "kimi-k3"]) {
    const format = FORMATS.get(name);
    assert.ok(format !== undefined);
    const all = await answers(asking({ structure }), format);
    const [texts, calls] = [all.filter((one) => one.calls.length === 0), all.filter((one) => one.calls.length > 0)];
    assert.ok(texts.length > 0 && calls.length > 0, `${name}: ${texts.length} texts, ${calls.length} calls`);
    for (const { text } of texts) assert.match(text, /^[ab]{3}$/, name);
    for (const { calls: [call], calls: { length }, text } of calls) assert.ok(length === 1 && text === "" && isWanted(call?.arguments ?? ""), `${name}: ${call?.arguments}`);
    const wanted = await answers(asking({ structure, toolChoice: { kind: "named", name: "find" } }), format, 2);
    assert.ok(wanted.every((one) => one.calls.length === 1), name);
  }
});

test("a tool without parameters takes none, one whose schema names no type an object, and a schema that cannot be used is named", async () => {
  const tool = (name: string, parameters?: JsonObject): JsonObject => ({ type: "function", function: { name, ...(parameters !== undefined && { parameters }) } });
  const asked = (...tools: JsonObject[]): AnswerRequest => (
    asking({ prompt: { kind: "chat", conversation: { messages: [], tools } }, toolChoice: { kind: "named", name: "look" }, strictTools: ["look"] }));
  for (const parameters of [undefined, {}, { type: "object", properties: {} }]) {
    for (const { calls: [call] } of await answers(asked(tool("look", parameters)), HERMES, 2)) assert.equal(call?.arguments, "{}");
  }
  for (const { calls: [call] } of await answers(asked(tool("look", { additionalProperties: { type: "boolean" } })), HERMES, 4)) assert.match(call?.arguments ?? "", /^\{/);
  const wrong = { properties: { at: { $ref: "#/$defs/none" } }, required: ["at"] };
  for (const name of ["hermes", "qwen-coder", "gemma"]) {
    const structure = toolStructure(asked(tool("find"), tool("look", wrong)), FORMATS.get(name) ?? HERMES, false);
    assert.ok(structure !== undefined);
    await assert.rejects(grammars.constraint(structure), (error) => error instanceof RequestValidationError && error.param === "tools[1].function.parameters"
      && /in tools\[1\]\.function\.parameters cannot be used: .*leads nowhere \(at #\/properties\/at\/\$ref\)/.test(error.message), name);
  }
});
