/** Answers of a form: json-mode, json-schema, grammars, structural tags, tools. */

import * as webllm from "@mlc-ai/web-llm";
import { CONFIG, GEMMA, all, check, equal, rejects, say } from "./check.js";

const SCHEMA = {
  type: "object", required: ["house", "alive"], additionalProperties: false,
  properties: { house: { enum: ["Gryffindor", "Slytherin"] }, alive: { type: "boolean" } },
};

let engine;

async function textFor(response_format, more = {}) {
  const { choices: [choice] } = await engine.chatCompletion({ messages: say("Tell me."), max_tokens: 200, temperature: 0.5, seed: 3, response_format, ...more });
  return [choice.message.content, choice.finish_reason];
}

async function jsonSchema() {
  engine = await webllm.CreateMLCEngine(GEMMA, CONFIG);
  const [text] = await textFor({ type: "json_object", schema: JSON.stringify(SCHEMA) });
  const { house, alive } = JSON.parse(text);
  check(["Gryffindor", "Slytherin"].includes(house) && typeof alive === "boolean", text);
}

async function jsonMode() {
  const [text, reason] = await textFor({ type: "json_object" });
  check(text.trimStart().startsWith("{"), text);
  if (reason === "stop") JSON.parse(text);
}

async function grammar() {
  equal((await textFor({ type: "grammar", grammar: 'root ::= "yes" | "no"\n' }))[0].match(/^(yes|no)$/)?.index, 0);
  await rejects(textFor({ type: "grammar" }), "InvalidResponseFormatGrammarError");
}

async function structuralTag() {
  const tag = { begin: "<call>", content: { type: "json_schema", json_schema: SCHEMA }, end: "</call>" };
  const [text] = await textFor({
    type: "structural_tag",
    structural_tag: { type: "structural_tag", format: { type: "triggered_tags", triggers: ["<call>"], tags: [tag], at_least_one: true, stop_after_first: true } },
  });
  const { house } = JSON.parse(/^<call>(.*)<\/call>$/s.exec(text)[1]);
  check(typeof house === "string", text);
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

export default { jsonSchema, jsonMode, grammar, structuralTag, tools };
