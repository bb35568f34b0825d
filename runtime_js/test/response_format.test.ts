// `response_format`: how it is spelled, and that it reaches the model, in this thread and through a worker.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChatRequest } from "../src/api/openai/request.ts";
import { RequestValidationError } from "../src/support/errors.ts";
import { MODEL, PLACES, soon } from "./fakes/engine.ts";

const SCHEMA = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] };
const MESSAGES = [{ role: "user", content: "x" }] as const;

function structureOf(format: unknown): unknown {
  return parseChatRequest({ messages: MESSAGES, response_format: format }).answer.structure;
}

test("a format is spelled as OpenAI or WebLLM spell it", () => {
  assert.equal(structureOf(null), undefined);
  assert.equal(structureOf({ type: "text" }), undefined);
  const named = structureOf({ type: "json_schema", json_schema: { name: "n", schema: SCHEMA, strict: true, description: "d" } });
  const schema = JSON.stringify(SCHEMA);
  assert.deepEqual(named, { kind: "schema", schema, isStrict: true, param: "response_format.json_schema.schema" });
  for (const given of [schema, SCHEMA]) {
    assert.deepEqual(structureOf({ type: "json_object", schema: given }), { kind: "schema", schema, isStrict: false, param: "response_format.schema" });
  }
  assert.deepEqual(structureOf({ type: "json_object" }), { kind: "schema", schema: '{"type":"object"}', isStrict: false, param: "response_format" });
  assert.deepEqual(structureOf({ type: "grammar", grammar: "root ::= \"a\"" }), { kind: "grammar", grammar: "root ::= \"a\"", param: "response_format.grammar" });
  assert.deepEqual(structureOf({ type: "regex", regex: "a+" }), { kind: "regex", pattern: "a+", param: "response_format.regex" });
  const tag = { type: "structural_tag", format: { type: "const_string", value: "a" } };
  for (const given of [tag, JSON.stringify(tag)]) {
    assert.deepEqual(structureOf({ type: "structural_tag", structural_tag: given }),
      { kind: "tags", tags: JSON.stringify(tag), isStrict: false, param: "response_format.structural_tag" });
  }
});

test("a format that is none is refused, and the error names the field and the place", () => {
  const refusals: readonly [unknown, string, RegExp][] = [
    ["json", "response_format", /must be an object/],
    [{ type: "xml" }, "response_format.type", /"json_schema"/],
    [{ type: "json_object", schema: "{" }, "response_format.schema", /no JSON/],
    [{ type: "json_object", json_schema: {} }, "response_format.json_schema", /not known/],
    [{ type: "json_schema" }, "response_format.json_schema", /object/],
    [{ type: "json_schema", json_schema: { schema: SCHEMA } }, "response_format.json_schema.name", /string/],
    [{ type: "json_schema", json_schema: { name: "a b", schema: SCHEMA } }, "response_format.json_schema.name", /letters/],
    [{ type: "json_schema", json_schema: { name: "n", schema: [] } }, "response_format.json_schema.schema", /JSON Schema/],
    [{ type: "regex" }, "response_format.regex", /string/],
    [{ type: "structural_tag", structural_tag: [] }, "response_format.structural_tag", /structural tag/],
    [{ type: "grammar", grammar: "x".repeat(600_000) }, "response_format.grammar", /at most 65536/],
  ];
  for (const [format, param, message] of refusals) {
    assert.throws(() => structureOf(format), (error: unknown) => error instanceof RequestValidationError && message.test(error.message) && error.details["param"] === param,
      JSON.stringify(format));
  }
});

for (const [place, make] of Object.entries(PLACES)) {
  test(`${place}: an answer has the form that was asked for, and a wrong grammar is the request's fault`, async () => {
    const { client } = make();
    await soon(client.reload(MODEL));
    const ask = (grammar: string, more: object = {}): ReturnType<typeof client.chatCompletion> =>
      client.chat.completions.create({ messages: MESSAGES, response_format: { type: "grammar", grammar }, ...more });
    const two = await soon(client.chat.completions.create({ messages: MESSAGES, n: 2, response_format: { type: "grammar", grammar: "root ::= [A-Z]{3,5} \"!\"" } }), "an answer", 20_000);
    for (const { message, finish_reason } of two.choices) {
      assert.match(message.content ?? "", /^[A-Z]{3,5}!$/);
      assert.equal(finish_reason, "stop");
    }
    await assert.rejects(soon(ask("root ::= other"), "a refusal", 20_000), (error: unknown) =>
      error instanceof RequestValidationError && error.details["param"] === "response_format.grammar" && /Rule "other" is not defined/.test(error.message));
    const format = { type: "json_schema", json_schema: { name: "n", schema: { properties: { x: { type: "date" } } } } } as const;
    await assert.rejects(soon(client.chat.completions.create({ messages: MESSAGES, response_format: format }), "a refusal", 20_000), (error: unknown) =>
      error instanceof RequestValidationError && error.details["param"] === "response_format.json_schema.schema" && /#\/properties\/x\/type/.test(error.message));
    const stopped = new AbortController();
    const aborted = client.chat.completions.create({ messages: MESSAGES, response_format: { type: "regex", regex: "[a-z]{200}" } }, { signal: stopped.signal });
    stopped.abort();
    await assert.rejects(soon(aborted));
    const cut = await soon(client.chat.completions.create({ messages: MESSAGES, max_tokens: 2, response_format: { type: "grammar", grammar: "root ::= \"A\"{9}" } }), "an answer", 20_000);
    assert.deepEqual([cut.choices[0]?.message.content, cut.choices[0]?.finish_reason], ["AA", "length"]);
  });
}
