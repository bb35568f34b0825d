/** What a model writes is told apart, however it is cut. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutputEvent } from "../src/formats/events.ts";
import { NO_FORMAT, type ChatFormat } from "../src/formats/format.ts";
import type { JsonObject } from "../src/support/json.ts";
import { OutputParser } from "../src/formats/parser.ts";
import { COMMAND_R_PLUS, DEEPSEEK, FIREFUNCTION, FUNCTION_GEMMA, GLM, HARMONY, HERMES, LFM2, LLAMA, MISTRAL, MISTRAL_NAMED, QWEN_CODER, THINK } from "./fakes/formats.ts";

const SCHEMA = { type: "object", properties: { at: { type: "string" }, n: { type: "integer" } } };
const TOOLS = new Map([["look", SCHEMA], ["find", SCHEMA]]);

interface Reading {
  readonly parallel?: boolean;
  readonly isThinking?: boolean;
  readonly tools?: ReadonlyMap<string, JsonObject>;
  readonly tellsAll?: boolean;
}

/** The events of a text that comes in these pieces, with pieces of one kind joined. */
function read(format: ChatFormat, pieces: readonly string[], { parallel = true, isThinking = false,
  tools = TOOLS, tellsAll = false }: Reading = {}): string[] {
  const events: OutputEvent[] = [];
  let ids = 0;
  const parser = new OutputParser(
    { format, tools, tellsAll, parallel, isThinking, newId: () => `id${ids++}`, opened: "" },
      (event) => events.push(event));
  for (const piece of pieces) parser.push(piece);
  parser.end();
  const said: string[] = [];
  let open = "";
  for (const event of events) {
    const kind = event.type === "toolCall" ? "" : `${event.type}${"index" in event ? event.index : ""}`;
    const text = event.type === "toolCall" ? `call${event.index} ${event.id} ${event.name}` : event.text;
    assert.notEqual(text, "", "an event without text");
    if (kind !== "" && kind === open) said[said.length - 1] += text;
    else said.push(kind === "" ? text : `${kind} ${text}`);
    open = kind;
  }
  return said;
}

const CALL = `<tool_call>\n{"name": "look", "arguments": {"at": "a \\"}] \\u00e9", "n": [1, {}]}}\n</tool_call>`;
const ARGUMENTS = `{"at": "a \\"}] \\u00e9", "n": [1, {}]}`;

const CASES: readonly (readonly [string, ChatFormat, string, readonly string[], Reading?])[] = [
  ["text alone", NO_FORMAT, " <think> a \n <tool_call> ", ["text  <think> a \n <tool_call> "]],
  ["a call", HERMES, CALL, ["call0 id0 look", `toolArguments0 ${ARGUMENTS}`]],
  ["text, two calls, text", HERMES, `Well. \n${CALL}\n<tool_call>{"name":"find","arguments":{}}</tool_call>\n Done. `, [
    "text Well.", "call0 id0 look", `toolArguments0 ${ARGUMENTS}`, "call1 id1 find", "toolArguments1 {}", "text \nDone. "]],
  ["another name for arguments", HERMES, `<tool_call>{"name": "look", "parameters": {"a": 1}}</tool_call>`, ["call0 id0 look", `toolArguments0 {"a": 1}`]],
  ["one call is enough", HERMES, `${CALL}\n${CALL}`, ["call0 id0 look", `toolArguments0 ${ARGUMENTS}`], { parallel: false }],
  ["arguments before the name", HERMES, `<tool_call>{"arguments": {"a": 1}, "id": [1, "}"], "name": "look"}</tool_call>`,
    ["call0 id0 look", `toolArguments0 {"a": 1}`]],
  ["arguments in a string", HERMES, `<tool_call>{"name": "look", "arguments": "{\\"a\\": \\"\\\\n\\"}"}</tool_call>`,
    ["call0 id0 look", `toolArguments0 {"a": "\\n"}`]],
  ["no arguments", HERMES, `<tool_call>{"name": "look"}</tool_call>`, ["call0 id0 look", "toolArguments0 {}"]],
  ["null for arguments", HERMES, `<tool_call>{"name": "look", "arguments": null}</tool_call>`, ["call0 id0 look", "toolArguments0 {}"]],
  ["an empty string for arguments", HERMES, `<tool_call>{"arguments": "", "name": "look"}</tool_call>`, ["call0 id0 look", "toolArguments0 {}"]],
  ["what is no value for arguments", HERMES, `<tool_call>{"name": "look", "arguments": }</tool_call>.`, ["call0 id0 look", "text }</tool_call>."]],
  ["no end tag", HERMES, `<tool_call>{"name": "look", "arguments": {}}`, ["call0 id0 look", "toolArguments0 {}"]],
  ["a call that is cut", HERMES, `<tool_call>{"name": "look", "arguments": {"a": "b`, ["call0 id0 look", `toolArguments0 {"a": "b`]],
  ["a call that is cut before its name", HERMES, `A <tool_call>\n{"na`, [`text A <tool_call>\n{"na`]],
  ["a tool that is not there", HERMES, `<tool_call>{"name": "lookup", "arguments": {}}</tool_call>`,
    [`text <tool_call>{"name": "lookup", "arguments": {}}</tool_call>`]],
  ["no tools at all", HERMES, CALL, [`text ${CALL}`], { tools: new Map() }],
  ["no tools, but calls are told apart", HERMES, CALL, ["call0 id0 look", `toolArguments0 ${ARGUMENTS}`], { tools: new Map(), tellsAll: true }],
  ["no JSON", HERMES, "<tool_call> look() </tool_call>.", ["text <tool_call> look() </tool_call>."]],
  ["what only begins as a tag", HERMES, "a <tool_ca b <tool", ["text a <tool_ca b <tool"]],
  ["a tag inside of a tag", HERMES, `<tool_<tool_call>{"name": "look"}</tool_call>`, ["text <tool_", "call0 id0 look",
    "toolArguments0 {}"]],
  ["a thought", THINK, "<think>\nHm, <b> ok.\n</think>\n\nYes.", ["reasoning Hm, <b> ok.", "text Yes."]],
  ["an open thought", THINK, "Hm.\n</think>\n\nYes.", ["reasoning Hm.", "text Yes."], { isThinking: true }],
  ["an empty thought", THINK, "<think>\n\n</think>\n\nYes.", ["text Yes."]],
  ["a thought that is cut", THINK, "Hm.\n</thi", ["reasoning Hm.\n</thi"], { isThinking: true }],
  ["a thought and a call", { ...HERMES, thinking: THINK.thinking }, `<think>Hm</think>${CALL}`, ["reasoning Hm", "call0 id0 look",
    `toolArguments0 ${ARGUMENTS}`]],
  ["a call in a thought is a thought", { ...HERMES, thinking: THINK.thinking }, `<think><tool_call>{</think>a`, ["reasoning <tool_call>{",
    "text a"]],
  ["a bare call", LLAMA, `{"name": "look", "parameters": {"a": 1}}`, ["call0 id0 look", `toolArguments0 {"a": 1}`]],
  ["bare calls", LLAMA, `{"name": "look", "parameters": {}}; {"name": "find", "parameters": {}}`,
    ["call0 id0 look", "toolArguments0 {}", "call1 id1 find", "toolArguments1 {}"]],
  ["a tagged one", LLAMA, `<|python_tag|>{"type": "function", "name": "look", "parameters": {}}`, ["call0 id0 look", "toolArguments0 {}"]],
  ["JSON that is an answer", LLAMA, `{"name": "Ann", "age": 3}`, [`text {"name": "Ann", "age": 3}`]],
  ["JSON behind text", LLAMA, `It is {"name": "look", "parameters": {}}`, [`text It is {"name": "look", "parameters": {}}`]],
  ["a list", MISTRAL, `[TOOL_CALLS] [{"name": "look", "arguments": {"a": 1}, "id": "x"}, {"name": "find", "arguments": {}}]`,
    ["call0 id0 look", `toolArguments0 {"a": 1}`, "call1 id1 find", "toolArguments1 {}"]],
  ["a list that spoils", MISTRAL, `[TOOL_CALLS][{"name": "look", "arguments": {}}, oh`, ["call0 id0 look", "toolArguments0 {}",
    "text , oh"]],
  ["names and arguments", MISTRAL_NAMED, `Sure.[TOOL_CALLS]look[CALL_ID]123456789[ARGS]{"a": 1}[TOOL_CALLS]find[ARGS]{}`,
    ["text Sure.", "call0 id0 look", `toolArguments0 {"a": 1}`, "call1 id1 find", "toolArguments1 {}"]],
  ["parameters", QWEN_CODER, `Ok.\n<tool_call>\n<function=look>\n<parameter=at>\na "b"\n\n c \n</parameter>\n<parameter=n>\n5\n</parameter>\n<parameter=x>\n[1, true]\n</parameter>\n</function>\n</tool_call>\n<tool_call><function=find></function></tool_call>`,
    ["text Ok.", "call0 id0 look", `toolArguments0 {"at": "a \\"b\\"\\n\\n c ", "n": 5, "x": [1, true]}`, "call1 id1 find",
      "toolArguments1 {}"]],
  ["parameters that are cut", QWEN_CODER, "<tool_call><function=look><parameter=at>a b", ["call0 id0 look", `toolArguments0 {"at": "a b`]],
  ["a parameter's name that has no end", QWEN_CODER, `<tool_call><function=look><parameter=${"a".repeat(257)}bc`, ["call0 id0 look", "toolArguments0 {", "text bc"]],
  ["parameters of no function", QWEN_CODER, "<tool_call>\n<funct look", ["text <tool_call>\n<funct look"]],
  ["keys and values", GLM, `<tool_call>look\n<arg_key>at</arg_key>\n<arg_value>12</arg_value>\n<arg_key>n</arg_key><arg_value>7</arg_value>\n</tool_call>`,
    ["call0 id0 look", `toolArguments0 {"at": "12", "n": 7}`]],
  ["Python's calls", LFM2, `<|tool_call_start|>[look(at='it\\'s "x"\\n', n=-1.5, l=[1, (True, None)], d={'k': {}}), find()]<|tool_call_end|>Well`,
    ["call0 id0 look", `toolArguments0 {"at": "it's \\"x\\"\\n", "n": -1.5, "l": [1, [true, null]], "d": {"k": {}}}`, "call1 id1 find",
      "toolArguments1 {}", "text Well"]],
  ["Python that is no call", LFM2, "<|tool_call_start|>[1, 2]<|tool_call_end|>", ["text <|tool_call_start|>[1, 2]<|tool_call_end|>"]],
  ["fields", FUNCTION_GEMMA, `<start_function_call>call:look{at:<escape>a, "b"}<escape>,n:3,l:[<escape>x<escape>,{k:true}],w:word}<end_function_call><start_function_call>call:find{}<end_function_call>`,
    ["call0 id0 look", `toolArguments0 {"at": "a, \\"b\\"}", "n": 3, "l": ["x", {"k": true}], "w": "word"}`, "call1 id1 find",
      "toolArguments1 {}"]],
  ["a section of calls", DEEPSEEK, `Hm <CALLS><CALL>look<SEP>{"a": 1}</CALL>\n<CALL>find<SEP>{}</CALL></CALLS>`,
    ["text Hm", "call0 id0 look", `toolArguments0 {"a": 1}`, "call1 id1 find", "toolArguments1 {}"]],
  ["channels", HARMONY, `<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>I look.<|end|><|start|>assistant<|channel|>commentary to=functions.look <|constrain|>json<|message|>{"a": 1}<|call|>`,
    ["reasoning Hm.", "text I look.", "call0 id0 look", `toolArguments0 {"a": 1}`]],
  ["the recipient before the channel", HARMONY, `<|start|>assistant to=functions.look<|channel|>commentary json<|message|>{}`,
    ["call0 id0 look", "toolArguments0 {}"]],
  ["the last channel", HARMONY, `<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>`,
    ["reasoning Hm.", "text Yes."]],
  ["functools", FIREFUNCTION, ` functools[{"name": "look", "arguments": {"a": 1}}, {"name": "find", "arguments": {}}]`,
    ["call0 id0 look", `toolArguments0 {"a": 1}`, "call1 id1 find", "toolArguments1 {}"]],
  ["actions in a fence", COMMAND_R_PLUS, "Plan: look.\nAction: ```json\n[\n    {\n        \"tool_name\": \"look\",\n        \"parameters\": {\n            \"a\": 1\n        }\n    }\n]```\n",
    ["text Plan: look.", "call0 id0 look", "toolArguments0 {\n            \"a\": 1\n        }"]],
  ["values as Python writes them", QWEN_CODER, "<tool_call><function=look><parameter=n>{'a': [True, None, 'it\\'s']}</parameter><parameter=x>[draft] one</parameter></function></tool_call>",
    ["call0 id0 look", `toolArguments0 {"n": {"a": [true, null, "it's"]}, "x": "[draft] one"}`]],
  ["text that is marked as such", QWEN_CODER, "<tool_call><function=look><parameter=at><![CDATA[a </parameter> & <b>\n]]></parameter></function></tool_call>",
    ["call0 id0 look", `toolArguments0 {"at": "a </parameter> & <b>\\n"}`]],
  ["escapes of Python", LFM2, "<|tool_call_start|>[look(at='\\u00e9\\x41\\U0001f600\\b')]<|tool_call_end|>", ["call0 id0 look", `toolArguments0 {"at": "éA\u{1f600}\\b"}`]],
  ["a name and what are no arguments", MISTRAL_NAMED, "[TOOL_CALLS]look[ARGS]at this", ["text [TOOL_CALLS]look[ARGS]at this"]],
  ["no arguments between tags", DEEPSEEK, "<CALLS><CALL>look<SEP></CALL></CALLS>Well.", ["call0 id0 look", "toolArguments0 {}", "text Well."]],
  ["a name without arguments", MISTRAL_NAMED, "[TOOL_CALLS]look at this", ["text [TOOL_CALLS]look at this"]],
];

/** A small generator of its own, so that a failure comes again. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

for (const [name, format, text, expected, reading] of CASES) {
  test(`read, however it is cut: ${name}`, () => {
    assert.deepEqual(read(format, [text], reading), expected);
    assert.deepEqual(read(format, [...text], reading), expected);
    const next = random(7);
    for (let round = 0; round < 60; round++) {
      const cuts = Array.from({ length: 1 + Math.floor(next() * 6) }, () => Math.floor(next() * text.length)).sort((a, b) => a - b);
      const pieces = [0, ...cuts].map((cut, i) => text.slice(cut, cuts[i] ?? text.length));
      assert.deepEqual(read(format, pieces, reading), expected, JSON.stringify(pieces));
    }
  });
}

test("an answer goes on with what its prompt has opened", () => {
  const format: ChatFormat = { ...MISTRAL_NAMED, skipped: [">>>all\n"] };
  const opening: ChatFormat = { ...format, tools: format.tools && { ...format.tools, begin: [">>>"], opened: ">>>", syntax: { kind: "named", prefix: "", separator: "\n" } } };
  const reading = (text: string, tools = TOOLS): string[] => {
    const said: string[] = [];
    const parser = new OutputParser({ format: opening, tools, parallel: true, isThinking: false, newId: () => "i", opened: ">>>" },
      (event) => said.push("text" in event ? event.text : event.name));
    parser.push(text);
    parser.end();
    return said;
  };
  assert.deepEqual(["", "all\nHello", "look\n{\"a\": 1}", "all\nHi>>>find\n{}", "who\nme"].map((text) => reading(text)),
    [[], ["Hello"], ["look", "{\"a\": 1}"], ["Hi", "find", "{}"], [">>>who\nme"]]);
  assert.deepEqual(reading("all\nHello", new Map()), ["Hello"]);
});

test("what is no call for certain is handed on at once", () => {
  const seen: string[] = [];
  const parser = new OutputParser({ format: HERMES, tools: TOOLS, parallel: true, isThinking: false, newId: () => "i", opened: "" },
    (event) => seen.push("text" in event ? event.text : event.name));
  for (const piece of ["Hi", " there", " <to", "wn> ", "<tool_call>{\"name\": \"look\", \"arguments\": {\"a\": ", "\"bc",
    "d\""]) parser.push(piece);
  assert.deepEqual(seen, ["Hi", " there", " <town>", "look", "{\"a\": ", "\"bc", "d\""]);
});

test("whatever a model writes, it is read in the time that its length takes, and no letter of an answer is lost", () => {
  const alphabet = ["<tool_call>", "</tool_call>", "<think>", "</think>", "{", "}", "[", "]", "\"name\"", ":", "\"look\"", "\\", "\"",
    ",", " ", "\n", "a", "é"];
  const next = random(3);
  for (let round = 0; round < 300; round++) {
    const pieces = Array.from({ length: 40 }, () => alphabet[Math.floor(next() * alphabet.length)] ?? "");
    const events = read({ ...HERMES, thinking: THINK.thinking }, pieces);
    assert.deepEqual(events, read({ ...HERMES, thinking: THINK.thinking }, [pieces.join("")]));
  }
  const before = process.cpuUsage(); // which others do not add to
  for (const hostile of ["<tool_call>look(a=", "[[", "<parameter=a>", "<function=look><parameter=at>", "<escape>", "call:look{a:",
    "<tool_call>{\"a\": ", "<tool_call>{\"a\": \"", "<tool_call>[", " ", "<tool_", "<think>",
    "{\"name\": \"look\", ", "\\"]) {
    const text = hostile.repeat(200_000 / hostile.length);
    for (const format of [HERMES, LLAMA, QWEN_CODER, LFM2, FUNCTION_GEMMA, { ...HERMES, thinking: THINK.thinking }]) read(format,
      text.match(/.{1,997}/gsu) ?? []);
  }
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 20_000_000, `${user + system} µs`);
});
