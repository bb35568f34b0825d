/** Random templates against Jinja itself: of names, blocks and macros, and of filters, methods and formats (tests/golden/make_jinja_*.py). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Fields } from "../src/support/fields.ts";
import { readJsonObject, type JsonObject } from "../src/support/json.ts";
import { ChatJinja } from "../src/tokenizer/jinja/chat_jinja.ts";

function differences(file: string): object {
  const reference = new Fields(JSON.parse(readFileSync(file, "utf8")), "", Error);
  const context = readJsonObject(reference, "context");
  const wrong = reference.objects("cases", 1e6, (one) => [one.string("template", 1 << 20), one.raw("render")] as const)
    .map(([template, expected]) => ({ template, expected, got: rendered(template, context) })).filter(({ expected, got }) => expected !== got);
  return { count: wrong.length, first: wrong.slice(0, 8) };
}

function rendered(template: string, context: JsonObject): string | null {
  try {
    return new ChatJinja(template).render(context);
  } catch {
    return null;
  }
}

test("names mean what they mean in Jinja, in every block", () => {
  assert.deepEqual(differences(process.env["JINJA_SCOPES"] ?? "test/golden/jinja_scopes.json"), { count: 0, first: [] });
});

test("filters, tests, methods, operators and formats give what they give in Jinja", () => {
  assert.deepEqual(differences(process.env["JINJA_EXPRESSIONS"] ?? "test/golden/jinja_expressions.json"), { count: 0, first: [] });
});
