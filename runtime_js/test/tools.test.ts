/** Tools through the whole engine: template, tokens, parser, OpenAI's shapes, here and in a worker. */

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import type { RunnableToolFunctionWithParse } from "openai/lib/RunnableFunction";
import { createFetch } from "../src/api/openai/fetch.ts";
import type { ChatCompletion, ChatCompletionRequest } from "../src/api/openai/types.ts";
import { RequestValidationError } from "../src/support/errors.ts";
import { MODEL, PLACES, soon } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { THINK } from "./fakes/formats.ts";
import { saying } from "./fakes/saying.ts";

const TOOLS = ["look", "find"].map((name) => ({ type: "function" as const, function: { name, parameters: { type: "object",
  properties: {} } } }));
const ASK: ChatCompletionRequest = { model: MODEL, messages: [{ role: "user", content: "hi" }], tools: TOOLS };

const TWO = `Well.\n<tool_call>\n{"name": "look", "arguments": {"at": "x"}}\n</tool_call>\n<tool_call>\n{"name": "find", "arguments": {}}\n</tool_call>`;

for (const [place, make] of Object.entries(PLACES)) {
  test(`${place}: calls come whole, with a text beside them, and thoughts apart`, async () => {
    const { client } = await saying(make, [`<think>\nHm\n</think>\n\n${TWO}`]);
    const { choices: [choice], usage } = await soon(client.chat.completions.create({ ...ASK, stream: false }));
    assert.equal(choice?.finish_reason, "tool_calls");
    const { content, reasoning_content: reasoning, tool_calls: calls = [] } = choice.message;
    assert.deepEqual([content, reasoning], ["Well.", "Hm"]);
    assert.deepEqual(calls.map(({ type, function: called }) => [type, called]), [
      ["function", { name: "look", arguments: "{\"at\": \"x\"}" }], ["function", { name: "find", arguments: "{}" }]]);
    assert.ok(calls.every(({ id }) => /^call_[0-9a-f]{24}$/.test(id)) && calls[0]?.id !== calls[1]?.id);
    const { reasoning_tokens: reasoned } = usage.completion_tokens_details;
    assert.ok(reasoned > 3 && reasoned < usage.completion_tokens / 2, String(reasoned));
  });

  test(`${place}: a call goes back to the model with what the tool said`, async () => {
    const { client, engine } = await saying(make, [TWO, "Done."]);
    const seen: string[] = [];
    const { tokenizer } = engine;
    const encode = tokenizer.encode.bind(tokenizer);
    tokenizer.encode = (text) => { seen.push(text); return encode(text); };
    const { choices: [first] } = await soon(client.chat.completions.create({ ...ASK, stream: false }));
    assert.ok(first !== undefined);
    const said = (first.message.tool_calls ?? []).map(({ id }) => ({ role: "tool" as const, tool_call_id: id, content: "ok" }));
    const { choices: [second] } = await soon(client.chat.completions.create({ ...ASK, messages: [...ASK.messages, first.message, ...said],
      stream: false }));
    assert.deepEqual([second?.message.content, second?.finish_reason], ["Done.", "stop"]);
    assert.equal(seen.at(-1), "<user>hi<assistant>Well.look={\"at\": \"x\"}find={}<tool>ok<tool>ok[look][find]<a>");
  });

  test(`${place}: OpenAI's client streams calls in pieces and runs the tools`, async () => {
    const { client: engine } = await saying(make, [TWO, TWO, "All done."]);
    const client = new OpenAI({ apiKey: "-", dangerouslyAllowBrowser: true, fetch: createFetch(engine) });
    const request = { model: MODEL, messages: [{ role: "user" as const, content: "hi" }] };
    const stream = await client.chat.completions.create({ ...request, tools: TOOLS, stream: true });
    const deltas: OpenAI.ChatCompletionChunk.Choice.Delta[] = [];
    let reason: string | null = null;
    for await (const { choices: [choice] } of stream) {
      if (choice !== undefined) deltas.push(choice.delta);
      reason = choice?.finish_reason ?? reason;
    }
    assert.equal(reason, "tool_calls");
    const parts = deltas.flatMap(({ tool_calls: calls = [] }) => calls);
    assert.deepEqual(parts.filter(({ id }) => id !== undefined).map(({ index, type, function: called }) => [index, type, called]), [
      [0, "function", { name: "look", arguments: "" }], [1, "function", { name: "find", arguments: "" }]]);
    const text = (index: number): string => parts.filter((part) => part.index === index).map((part) => part.function?.arguments).join("");
    assert.deepEqual([text(0), text(1)], ["{\"at\": \"x\"}", "{}"]);
    assert.ok(parts.filter(({ index }) => index === 0).length > 3, "in pieces");
    const ran: unknown[] = [];
    const tool = (name: string): RunnableToolFunctionWithParse<object, unknown> => ({
      type: "function", function: { name, description: "", parameters: {}, parse: JSON.parse, function: (args) => { ran.push([name,
        args]); return "ok"; } },
    });
    const runner = client.chat.completions.runTools({ ...request, tools: [tool("look"), tool("find")] });
    assert.equal(await soon(runner.finalContent()), "All done.");
    assert.deepEqual(ran, [["look", { at: "x" }], ["find", {}]]);
  });

  test(`${place}: a thought that has had its tokens is closed, and the answer goes on`, async () => {
    const { client } = await saying(make, [`<think>${"Hm, ".repeat(60)}`, "So."]); // the second behind what was written for it
    const request = { ...ASK, stream: false, thinking_budget: 12, max_tokens: 60 } as const;
    const { choices: [choice], usage } = await soon(client.chat.completions.create(request));
    assert.match(choice?.message.reasoning_content ?? "", /^(Hm, )+/);
    assert.ok((choice?.message.reasoning_content?.length ?? 0) < 60, choice?.message.reasoning_content);
    assert.deepEqual([choice?.message.content, choice?.finish_reason], ["So.", "stop"]);
    const { reasoning_tokens: reasoned } = usage.completion_tokens_details;
    assert.ok(reasoned >= 12 && reasoned < 45, String(reasoned));
  });

  test(`${place}: a thought that may have no tokens is closed in the prompt`, async () => {
    const { client } = await saying(make, ["So.", "Hm.</think>So."], true);
    const ask = async (budget?: number): Promise<unknown[]> => {
      const { choices: [choice], usage } = await soon(client.chat.completions.create({ ...ASK, stream: false, thinking_budget: budget }));
      return [choice?.message.reasoning_content, choice?.message.content, usage.completion_tokens_details.reasoning_tokens > 0];
    };
    assert.deepEqual(await ask(0), [undefined, "So.", false]);
    assert.deepEqual(await ask(), ["Hm.", "So.", true]);
  });

  test(`${place}: one call where several are not wanted; a call that is cut is given as it is`, async () => {
    const { client } = await saying(make, [TWO, TWO, TWO, TWO]);
    const one = await soon(client.chat.completions.create({ ...ASK, parallel_tool_calls: false, stream: false }));
    assert.deepEqual([one.choices[0]?.message.tool_calls?.length, one.choices[0]?.finish_reason], [1, "tool_calls"]);
    const cut = await soon(client.chat.completions.create({ ...ASK, max_tokens: one.usage.completion_tokens - 30, stream: false }));
    assert.equal(cut.choices[0]?.finish_reason, "length");
    for (const [stop, reason, count] of [["x\"}", "stop", 1], ["\n<tool_call>\n{\"name\": \"f", "tool_calls", 1]] as const) {
      const ended: ChatCompletion = await soon(client.chat.completions.create({ ...ASK, stop, stream: false }));
      assert.deepEqual([ended.choices[0]?.finish_reason, ended.choices[0]?.message.tool_calls?.length], [reason, count], stop);
    }
  });

  test(`${place}: a model without tools refuses them, and writes calls as text where it is given none`, async () => {
    const { client, engine } = await saying(make, [TWO]);
    const { choices: [choice] } = await soon(client.chat.completions.create({ ...ASK, tool_choice: "none", stream: false }));
    assert.deepEqual([choice?.message.content, choice?.finish_reason], [TWO, "stop"]);
    engine.format = THINK;
    await client.reload(MODEL);
    await assert.rejects(client.chat.completions.create(ASK), fails(RequestValidationError, /This model has no tools/));
  });
}
