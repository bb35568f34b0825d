/** Requests of OpenAI's Responses API as chats, and what is wrong with them in their own words. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createFetch } from "../src/api/openai/fetch.ts";
import { parseResponseRequest } from "../src/api/openai/responses/request.ts";
import { CONTEXT, MODEL, PLACES } from "./fakes/engine.ts";
import { HERMES } from "./fakes/formats.ts";

test("what an answer thought, said and called is one message of a chat", () => {
  const thought = (text: string): object => ({ type: "reasoning", id: "r", summary: [], content: [{ type: "reasoning_text", text }] });
  const call = { type: "function_call", call_id: "c", name: "look", arguments: "{}" };
  const said = { type: "message", role: "assistant", content: [{ type: "output_text", text: "Well." }] };
  const done = { type: "function_call_output", call_id: "c", output: "sun" };
  const user = { role: "user", content: "hi" };
  const calls = [{ id: "c", type: "function", function: { name: "look", arguments: "{}" } }];
  const tool = { role: "tool", tool_call_id: "c", content: "sun" };
  const cases: readonly (readonly [readonly object[], readonly object[]])[] = [
    [[thought("Hm."), said, call, done], [{ role: "assistant", content: "Well.", tool_calls: calls, reasoning_content: "Hm." }, tool]],
    [[thought("Hm."), call, done, thought("So.")], [{ role: "assistant", content: null, tool_calls: calls, reasoning_content: "Hm." }, tool]],
    [[said, thought("Hm."), call], [{ role: "assistant", content: "Well.", tool_calls: calls, reasoning_content: "Hm." }]],
    [[said, said], [{ role: "assistant", content: "Well." }, { role: "assistant", content: "Well." }]],
    [[{ type: "reasoning", encrypted_content: "x" }, said], [{ role: "assistant", content: "Well.", reasoning_content: "" }]],
  ];
  for (const [items, messages] of cases) assert.deepEqual(parseResponseRequest({ input: [user, ...items] }).chat.messages, [user, ...messages]);
});

test("some of the tools may be allowed, and the oldest turns left out", () => {
  const choice = { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "look" }] };
  const { chat, settings } = parseResponseRequest({ input: "hi", truncation: "auto", max_tool_calls: 3, // of a server's own tools
    tools: [{ type: "function", name: "look" }], tool_choice: choice });
  assert.deepEqual(chat.tool_choice, { type: "allowed_tools", allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "look" } }] } });
  assert.deepEqual([chat.context_overflow, settings.tool_choice], ["drop_oldest", choice]);
});

test("what is wrong is named as the request names it", async () => {
  const { client, engine } = (Object.values(PLACES)[0] ?? assert.fail())();
  engine.format = HERMES;
  await client.reload(MODEL);
  const serve = createFetch(client);
  const tool = { type: "function", name: "look", parameters: {}, strict: false };
  const wrong: Readonly<Record<string, object>> = {
    "input": { input: "x".repeat(CONTEXT) }, "tools[0].name": { tools: [{ ...tool, name: "a b" }] }, "tool_choice.name": { tools: [tool], tool_choice: { type: "function", name: "find" } },
    "tool_choice": { tool_choice: "required" }, "tool_choice.tools[0].name": { tools: [tool], tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "find" }] } },
    "text.format.schema": { text: { format: { type: "json_schema", name: "a", schema: { $ref: "#/none" } } } }, "text.format.name": { text: { format: { type: "json_schema", name: "a b", schema: {} } } },
    "input ": { input: "x".repeat(CONTEXT), truncation: "auto" }, "truncation": { truncation: "often" }, "tools[0].parameters": { tools: [{ ...tool, parameters: { $ref: "#/none" }, strict: true }] },
  };
  for (const [param, more] of Object.entries(wrong)) {
    const response = await serve("https://a.example/v1/responses", { method: "POST", body: JSON.stringify({ input: "hi", ...more }) });
    const { error }: { error: { param: string; message: string } } = await response.json();
    assert.deepEqual([response.status, error.param], [400, param.trim()], error.message);
    assert.doesNotMatch(error.message, /chat completion|messages|response_format|tools\[0\]\.function\b(?!.name)|context_overflow/, param);
  }
});
