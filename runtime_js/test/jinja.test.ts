/** Templates are rendered as the transformers library renders them (tests/golden/make_chat_templates.py). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Fields } from "../src/support/fields.ts";
import { readJsonObject, type JsonObject } from "../src/support/json.ts";
import { ChatTemplate } from "../src/tokenizer/chat_template.ts";
import type { ChatMessage, ToolCall } from "../src/tokenizer/conversation.ts";
import { ChatJinja } from "../src/tokenizer/jinja/chat_jinja.ts";

// Tests run from runtime_js.
const FILE = process.env["CHAT_TEMPLATES"] ?? "../tests/golden/reference/chat_templates.json";
const reference = new Fields(JSON.parse(readFileSync(FILE, "utf8")), "reference", (message) => new Error(message));

function text(fields: Fields, key: string): string | undefined {
  return fields.optional(key, (name) => fields.string(name, 1 << 24));
}

function messageOf(message: Fields): ChatMessage {
  const [name, reasoning, toolCallId] = [text(message, "name"), text(message, "reasoning_content"), text(message, "tool_call_id")];
  const toolCalls = message.optional("tool_calls", (key) => message.objects(key, 8, (call): ToolCall => {
    const called = call.object("function");
    return { id: call.string("id", 64), name: called.string("name", 64), arguments: JSON.stringify(called.raw("arguments")) };
  }));
  return { role: message.string("role", 64), content: message.string("content", 1 << 20), name, reasoning, toolCallId, toolCalls };
}

/** What is made of something, or that it is refused. */
function outcome(render: () => string): string {
  try {
    return render();
  } catch {
    return "(refused)";
  }
}

const tools = reference.objects("tools", 8, (tool): JsonObject => ({ type: "function", function: readJsonObject(tool, "function") }));
const conversations = reference.object("conversations");
const templates = reference.object("templates");

for (const name of templates.keys()) {
  test(`${name} renders every conversation as transformers does`, () => {
    const entry = templates.object(name);
    const renders = entry.object("renders");
    const template = new ChatTemplate(entry.string("template", 1 << 20), undefined, { bos_token: "<s>", eos_token: "</s>" });
    for (const key of conversations.keys()) {
      const conversation = conversations.object(key);
      const messages = conversation.objects("messages", 64, messageOf);
      const given = { messages, ...(conversation.boolean("tools") && { tools }), variables: readJsonObject(conversation, "variables") };
      assert.equal(outcome(() => template.render(given)), text(renders.object(key), "text") ?? "(refused)", key);
    }
  });
}

test("pieces of Jinja come out as Python's", () => {
  const variables = readJsonObject(reference, "variables");
  for (const snippet of reference.objects("snippets", 1000, (fields) => fields)) {
    const template = snippet.string("template", 4096);
    assert.equal(outcome(() => new ChatJinja(template).render(variables)), text(snippet, "text") ?? "(refused)", template);
  }
});

test("nothing is computed twice, and a range has a bound", () => {
  const chain = Array.from({ length: 60 }, (_, i) => `k${i}`).join(".");
  assert.equal(outcome(() => new ChatJinja(`{{ a.${chain} }}`).render({ a: {} })), "(refused)");
  assert.equal(new ChatJinja(`{{ ${Array.from({ length: 60 }, () => "1").join(" - ")} }}`).render({}), "-58");
  assert.equal(outcome(() => new ChatJinja("{{ range(10 ** 9) | length }}").render({})), "(refused)");
});
