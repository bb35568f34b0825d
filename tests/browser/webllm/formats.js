/** Answers of a form: json-mode, json-schema, grammars, structural tags, tools. */

import * as webllm from "@mlc-ai/web-llm";
import { CONFIG, HERMES, LARGER_LLAMA, PHI, SMALL_LLAMA, all, check, equal, rejects, say } from "./check.js";

const SCHEMA = {
  type: "object", required: ["house", "alive"], additionalProperties: false,
  properties: { house: { enum: ["Gryffindor", "Slytherin"] }, alive: { type: "boolean" } },
};

let engine;

async function textFor(response_format, more = {}) {
  const { choices: [choice] } = await engine.chatCompletion({ messages: say("Tell me."), max_tokens: 200, temperature: 0.5, seed: 3, response_format, ...more });
  return [choice.message.content, choice.finish_reason];
}

/** As a schema library writes an enumeration. */
const CONSTANTS = (...values) => ({ anyOf: values.map((value) => ({ const: value, type: "string" })) });

async function jsonSchema() {
  await engine.reload(LARGER_LLAMA);
  const [text] = await textFor({ type: "json_object", schema: JSON.stringify(SCHEMA) });
  const { house, alive } = JSON.parse(text);
  check(["Gryffindor", "Slytherin"].includes(house) && typeof alive === "boolean", text);
  const person = { type: "object", required: ["house", "wand"], properties: { house: CONSTANTS("Ravenclaw", "Hufflepuff"), wand: { type: "object", required: ["length"], properties: { length: { type: "number" } } } } };
  const [named] = await textFor({ type: "json_object", schema: JSON.stringify(person) });
  check(/^\{"house": ?"(Ravenclaw|Hufflepuff)"/.test(named), named);
  await engine.reload(PHI);
  const { usage } = await engine.chatCompletion({ messages: say("Numbers."), max_tokens: 60, response_format: { type: "json_object", schema: '{"type": "integer"}' } });
  check(usage.extra.grammar_init_s > 0 && usage.extra.grammar_per_token_s >= 0, JSON.stringify(usage));
  await engine.reload(HERMES);
  const calls = { type: "object", required: ["tool_calls"], properties: { tool_calls: { type: "array", maxItems: 1, items: { type: "object", required: ["arguments", "name"], properties: { arguments: {}, name: { type: "string" } } } } } };
  const [called] = await textFor({ type: "json_object", schema: JSON.stringify(calls) }, { messages: [{ role: "system", content: "You call functions." }, ...say("What is the weather?")] });
  check(called.startsWith('{"tool_calls":'), called);
}

async function jsonMode() {
  engine = await webllm.CreateMLCEngine(LARGER_LLAMA, CONFIG);
  const both = await engine.chatCompletion({ messages: say("Introduce yourself."), n: 2, max_tokens: 20, response_format: { type: "json_object" } });
  check(both.choices.every(({ message }) => message.content.trimStart().startsWith("{")), JSON.stringify(both.choices));
  equal(await engine.getMessage(), both.choices[1].message.content);
  const [text, reason] = await textFor({ type: "json_object" });
  check(text.trimStart().startsWith("{"), text);
  if (reason === "stop") JSON.parse(text);
}

async function grammar() {
  equal((await textFor({ type: "grammar", grammar: 'root ::= "yes" | "no"\n' }))[0].match(/^(yes|no)$/)?.index, 0);
  await rejects(textFor({ type: "grammar" }), "InvalidResponseFormatGrammarError");
}

async function structuralTag() {
  await engine.reload(SMALL_LLAMA);
  const tag = { begin: "<call>", content: { type: "json_schema", json_schema: SCHEMA }, end: "</call>" };
  const [text] = await textFor({
    type: "structural_tag",
    structural_tag: { type: "structural_tag", format: { type: "triggered_tags", triggers: ["<call>"], tags: [tag], at_least_one: true, stop_after_first: true } },
  });
  const { house } = JSON.parse(/^<call>(.*)<\/call>$/s.exec(text)[1]);
  check(typeof house === "string", text);
  const messages = [
    ...say("The weather?"), { role: "assistant", content: text, tool_calls: [{ id: "a-1", type: "function", function: { name: "a", arguments: "{}" } }] },
    { role: "tool", tool_call_id: "a-1", content: "sunny" }, ...say("In one sentence."),
  ];
  equal((await engine.chatCompletion({ messages, max_tokens: 4 })).choices[0].finish_reason, "length");
}

/** Prompts by hand, with tools in the system's message and what they said in messages of their own: as Hermes writes, and as Llama 3.1. */
async function manualTools() {
  for (const [id, system] of [[HERMES, "Tools: <tools> {} </tools>"], [SMALL_LLAMA, "Environment: ipython\nCutting Knowledge Date: December 2023"]]) {
    await engine.reload(id);
    const messages = [{ role: "system", content: system }, ...say("Fetch the data")];
    const ask = async () => (await engine.chat.completions.create({ messages, seed: 0, temperature: 1, max_tokens: 6 })).choices[0].message.content;
    const first = await ask();
    equal(await ask(), first);
    messages.push({ role: "assistant", content: first }, { role: "tool", tool_call_id: "0", content: '{"name": "get"}' });
    check(typeof await ask() === "string", "no answer");
    const chunks = await all(await engine.chat.completions.create({ messages, seed: 0, max_tokens: 6, stream: true, stream_options: { include_usage: true } }));
    equal([chunks.at(-1).choices, chunks.at(-2).choices[0].finish_reason], [[], "length"]);
  }
  await engine.reload(HERMES);
}

async function tools() {
  const request = {
    messages: say("What is the weather in Pittsburgh?"), max_tokens: 200, temperature: 0.5, seed: 3,
    tools: [{ type: "function", function: { name: "weather", description: "The weather", parameters: { type: "object", properties: { city: { enum: ["Pittsburgh"] } }, required: ["city"] } } }],
  };
  const before = JSON.stringify(request);
  const named = { ...request, tool_choice: { type: "function", function: { name: "weather" } } };
  const { choices: [choice] } = await engine.chat.completions.create(named);
  equal([choice.message.content, choice.finish_reason], [null, "tool_calls"]);
  const [call] = choice.message.tool_calls;
  equal([call.function.name, JSON.parse(call.function.arguments)], ["weather", { city: "Pittsburgh" }]);
  const chunks = await all(await engine.chat.completions.create({ ...named, stream: true, stream_options: { include_usage: true } }));
  equal([chunks.at(-2).choices[0].finish_reason, chunks.at(-2).choices[0].delta.tool_calls[0].function], ["tool_calls", call.function]);
  equal(JSON.stringify(request), before);
  await engine.unload();
}

export default {
  "json-mode": jsonMode, "json-schema": jsonSchema, grammar, "structural-tag-tool-use": structuralTag, "function-calling-manual": manualTools,
  "function-calling-openai": tools,
};
