/** Templates are rendered as the transformers library renders them (tests/golden/make_chat_templates.py). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Fields } from "../src/support/fields.ts";
import { readJsonObject, type JsonObject } from "../src/support/json.ts";
import { ChatTemplate } from "../src/tokenizer/chat_template.ts";
import type { ChatMessage, ToolCall } from "../src/tokenizer/conversation.ts";
import { ChatJinja } from "../src/tokenizer/jinja/chat_jinja.ts";
import { JsonText } from "../src/tokenizer/jinja/json_text.ts";
import { strftime } from "../src/tokenizer/jinja/strings.ts";
import { jsonOf } from "../src/tokenizer/jinja/values.ts";

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
    return { id: call.string("id", 64), name: called.string("name", 64), arguments: pythonJson(called.raw("arguments")) };
  }));
  return { role: message.string("role", 64), content: message.string("content", 1 << 20), name, reasoning, toolCallId, toolCalls };
}

/** As `json.dumps` writes it. */
function pythonJson(value: unknown): string {
  return jsonOf(new JsonText(JSON.stringify(value)).read(), { indent: "", ensureAscii: false, sortKeys: false, separators: [", ", ": "] });
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
  test(`${name} renders every conversation as transformers does`, ({ mock }) => {
    mock.timers.enable({ apis: ["Date"], now: new Date(`${reference.string("date", 10)}T12:00:00`) });
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

test("calls keep their arguments as the model wrote them", () => {
  const template = new ChatTemplate("{{ messages[0].tool_calls[0].function.arguments | tojson }}", undefined, {});
  const written = '{"z": 1.0, "10": 12345678901234567890, "2": [1e5, -0, true, null, {"a": "\\u00e9\\n"}], "a": {}}';
  const messages = [{ role: "assistant", content: "", toolCalls: [{ id: "1", name: "f", arguments: written }] }, { role: "tool", content: "" }];
  assert.equal(template.render({ messages }), '{"z": 1.0, "10": 12345678901234567890, "2": [100000.0, 0, true, null, {"a": "é\\n"}], "a": {}}');
});

test("options of a filter may be told by their places, as Jinja has them", () => {
  const template = "{{ ['a', 'B'] | sort(false, true) | join }}|{{ ['a', 'B'] | sort(true) | join }}|{{ [{'n': 'b'}, {'n': 'A'}] | sort(false, true, 'n') | map(attribute='n') | join }}";
  assert.equal(new ChatJinja(template).render({ messages: [] }), "Ba|Ba|Ab");
});

test("numbers are read, compared and written as Python does it", () => { // what Jinja 3.1 makes of them
  for (const [template, text] of [
    ['{{ "0x1" | int }} {{ "0b1" | int(7) }} {{ "0x1f" | int(base=16) }}', "0 7 31"],
    ['{{ [1, 2, 3] | select(">=", 2) | list }} {{ [1, 2, 3] | select("<=", 1) | list }}', "[2, 3] [1]"],
    ['{{ "%.0g %.0g %g" % (1234.5, 0.00012, 1e5) }}', "1e+03 0.0001 100000"],
    ['{{ "hello" % {"a": 1} }} {{ "x" % [1, 2] }}', "hello x"],
  ] as const) assert.equal(new ChatJinja(template).render({ messages: [] }), text, template);
  assert.throws(() => new ChatJinja('{{ "x" % 1 }}').render({ messages: [] }), /not all arguments/);
});

test("dates are written as Python writes them", () => {
  const form = "%Y %y %m %d %e %B %b %h %A %a %H %I %M %S %p %j %w %u %f %% %F %T %R %D %x %X %-d %-m %-H %-j|%c|%q";
  assert.equal(strftime(new Date(2026, 0, 4, 0, 5, 9, 123), form),
    "2026 26 01 04  4 January Jan Jan Sunday Sun 00 12 05 09 AM 004 0 7 123000 % 2026-01-04 00:05:09 00:05 01/04/26 01/04/26 00:05:09 4 1 0 4|Sun Jan  4 00:05:09 2026|%q");
  assert.equal(strftime(new Date(2024, 11, 31, 12, 0, 0, 7), form),
    "2024 24 12 31 31 December Dec Dec Tuesday Tue 12 12 00 00 PM 366 2 2 007000 % 2024-12-31 12:00:00 12:00 12/31/24 12/31/24 12:00:00 31 12 12 366|Tue Dec 31 12:00:00 2024|%q");
  for (let day = new Date(2026, 0, 1); day.getFullYear() === 2026; day.setDate(day.getDate() + 6)) {
    const [month, weekday] = [day.toLocaleString("en-US", { month: "long" }), day.toLocaleString("en-US", { weekday: "long" })];
    assert.equal(strftime(day, "%B %A"), `${month} ${weekday}`);
  }
});

test("what a template misses is named by what it calls it", () => {
  const refused = (template: string, message: RegExp): void => assert.throws(() => new ChatJinja(template).render({ messages: [] }), message);
  refused("{{ messages[0].role }}", /messages\[0\] is undefined/);
  refused("{{ messages['first'].role }}", /messages\['first'\] is undefined/);
  refused("{% set i = 3 %}{{ messages[i]['role'] }}", /messages\[i\] is undefined/);
  const template = new ChatTemplate("{{ messages[0].role }}", undefined, {});
  assert.equal(template.render({ messages: [{ role: "user", content: "a" }, { role: "assistant", content: "" }] }), "user");
  assert.throws(() => template.render({ messages: [{ role: "assistant", content: "" }] }), { code: "RequestValidation", param: "messages", message: /give the user's before it/ });
});

test("a template that does not end is stopped, whatever it does", () => {
  const loops = "{% for a in range(100000) %}".repeat(3) + "{% endfor %}".repeat(3);
  const doubling = (step: string, start: string): string => `{% set ns = namespace(x=${start}) %}{% for i in range(100) %}{% set ns.x = ${step} %}{% endfor %}`;
  const hostile = [
    loops, doubling("ns.x + ns.x", "'a'"), doubling("ns.x ~ ns.x", "'a'"), doubling("ns.x + ns.x", "[1]"), doubling("ns.x | replace('a', 'aa')", "'a'"),
    doubling("ns.x | join('aaaaaaaaaaaaaaaaaaaa')", "'aa'"), doubling("ns.x * ns.x", "7"), "{{ 'a' * 10 ** 12 }}", "{{ [0] * 10 ** 12 }}", "{{ 9 ** 99999 }}",
    "{{ 'a'.center(10 ** 10) }}", "{{ '%1000000000d' % 1 }}", "{{ '{:>1000000000}'.format(1) }}", "{{ 'a\nb' | indent(10 ** 10) }}", "{{ 'a'.ljust(10 ** 10) }}",
    "{{ 'a'.zfill(10 ** 10) }}", "{{ '\t'.expandtabs(10 ** 10) }}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}", `{{ ${"(".repeat(5000)}1${")".repeat(5000)} }}`,
    `{{ ${"[".repeat(5000)}`, `${"{% if 1 %}".repeat(5000)}`, `{{ ${"not ".repeat(5000)} 1 }}`, `{{ ${"-".repeat(5000)}1 }}`,
  ];
  for (const template of hostile) {
    assert.throws(() => new ChatJinja(template).render({}), (error) => error instanceof Error && !(error instanceof RangeError), template.slice(0, 80));
  }
});

test("what JavaScript has no room or words for is told in the template's", () => {
  const odd = [
    "{{ '%.999f' % 1.5 }}", "{{ '{:.120g}'.format(2.5) }}", "{{ '%.100e' % 2 }}", "{{ '\\U00ffffff' }}", "{{ [1, 2] | batch(0) | list }}", "{{ [1] | batch(10 ** 9, 0) | list }}",
    "{{ [1] | slice(10 ** 9) | list }}", "{{ raise_exception() }}",
  ];
  for (const template of odd) {
    assert.throws(() => new ChatJinja(template).render({}), (error) => error instanceof Error && !(error instanceof RangeError) && error.message !== "", template);
  }
  assert.equal(new ChatJinja("{{ ('%.90f' % 0.5) | length }} {{ 'a\tb'.expandtabs(-1) }}{{ 'a\tb'.expandtabs(0) }}").render({}).slice(-4), "abab");
});

test("an error of a template names its line", () => {
  assert.throws(() => new ChatJinja("a\n{{ 'b' | nope }}").render({}), /line 2 of the template: no filter named nope/);
  assert.throws(() => new ChatJinja("a\n\n{% include 'x' %}"), /line 3 of the template: there is no statement include/);
  assert.throws(() => new ChatJinja("{{ 'a"), /line 1/);
});

test("nothing is computed twice, and a range has a bound", () => {
  const chain = Array.from({ length: 60 }, (_, i) => `k${i}`).join(".");
  assert.equal(outcome(() => new ChatJinja(`{{ a.${chain} }}`).render({ a: {} })), "(refused)");
  assert.equal(new ChatJinja(`{{ ${Array.from({ length: 60 }, () => "1").join(" - ")} }}`).render({}), "-58");
  assert.equal(outcome(() => new ChatJinja("{{ range(10 ** 9) | length }}").render({})), "(refused)");
});
