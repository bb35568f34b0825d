/** What models' own templates write for an assistant that calls tools is read again, however it is cut (tests/golden/make_tool_turns.py). */

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChatFormat } from "../src/formats/format.ts";
import { OutputParser } from "../src/formats/parser.ts";
import { readJsonObject } from "../src/support/json.ts";
import { goldenFile as file } from "./fakes/golden.ts";
import { randomNumbers } from "./fakes/random_answer.ts";

const reference = file("tool_turns");
const TOOLS = new Map(file("chat_templates").objects("tools", 8, (tool) => {
  const called = tool.object("function");
  return [called.string("name", 64), readJsonObject(called, "parameters")] as const;
}));

const LOOK = ["get_weather", { city: "Köln", days: 2 }];
const CALLS: Readonly<Record<string, unknown>> = {
  "two calls": [["get_weather", { city: "Köln \"x\"" }], ["add", { values: [1, 2.5, -3], options: { round: true, none: null } }]],
  "a call beside text": [LOOK],
  "a thought and a call": [LOOK],
};
/** Templates that leave out what they cannot write: of calls all but the first, or values that are null. */
const LEFT_OUT: Readonly<Record<string, unknown>> = {
  "gigachat": [["get_weather", { city: "Köln \"x\"" }]], "gigachat-tag": [["get_weather", { city: "Köln \"x\"" }]], "harmony": [["get_weather", { city: "Köln \"x\"" }]],
  "minimax-m3": [["get_weather", { city: "Köln \"x\"" }], ["add", { values: [1, 2.5, -3], options: { round: true } }]],
};

interface Reading {
  text: string;
  reasoning: string;
  readonly calls: [string, string][];
}

for (const name of reference.keys()) {
  test(`${name}: calls are read as the template writes them`, () => {
    const entry = reference.object(name);
    const format = parseChatFormat(entry.object("chat"));
    const turns = entry.object("turns");
    const read = (prompt: string, pieces: readonly string[]): Reading => {
      const reading: Reading = { text: "", reasoning: "", calls: [] };
      const isThinking = format.thinking !== undefined && prompt.trimEnd().endsWith(format.thinking.begin.trimEnd());
      const opened = prompt.endsWith(format.tools?.opened ?? "") ? format.tools?.opened ?? "" : "";
      const parser = new OutputParser({ format, tools: TOOLS, parallel: true, isThinking, newId: () => "i", opened }, (event) => {
        if (event.type === "text") reading.text += event.text;
        else if (event.type === "reasoning") reading.reasoning += event.text;
        else if (event.type === "toolCall") reading.calls.push([event.name, ""]);
        else (reading.calls[event.index] ?? [])[1] += event.text;
      });
      for (const piece of pieces) parser.push(piece);
      parser.end();
      return reading;
    };
    for (const turn of turns.keys()) {
      const [behind, said] = ["behind", "said"].map((key) => turns.object(turn).string(key, 1 << 16));
      assert.ok(behind !== undefined && said !== undefined);
      const reading = read(behind, [said]);
      const calls = reading.calls.map(([called, json]) => [called, JSON.parse(json)]);
      const tool = format.tools?.name ?? "";
      assert.deepEqual(calls, turn === "two calls" && Object.hasOwn(LEFT_OUT, tool) ? LEFT_OUT[tool] : CALLS[turn], said);
      if (said.includes("I look.")) assert.match(reading.text + reading.reasoning, /I look\./);
      if (said.includes("I need a tool.") && format.thinking !== undefined && `${behind}${said}`.includes(format.thinking.begin)) assert.match(reading.reasoning, /I need a tool\.$/);
      assert.doesNotMatch(reading.text, /get_weather|Köln|```|call/, said);
      assert.deepEqual(read(behind, [...said]), reading);
      const next = randomNumbers(7);
      for (let round = 0; round < 10; round++) {
        const cuts: number[] = Array.from({ length: 4 }, () => Math.floor(next() * said.length)).sort((a, b) => a - b);
        const pieces = [0, ...cuts].map((cut, i): string => said.slice(cut, cuts[i] ?? said.length));
        assert.deepEqual(read(behind, pieces), reading);
      }
    }
  });
}
