/** Random templates of names, blocks and macros, against Jinja itself: tests/golden/make_jinja_scopes.py. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Fields } from "../src/support/fields.ts";
import { readJsonObject } from "../src/support/json.ts";
import { ChatJinja } from "../src/tokenizer/jinja/chat_jinja.ts";

const reference = new Fields(JSON.parse(readFileSync(process.env["JINJA_SCOPES"] ?? "test/golden/jinja_scopes.json", "utf8")), "", Error);
const context = readJsonObject(reference, "context");

function rendered(template: string): string | null {
  try {
    return new ChatJinja(template).render(context);
  } catch {
    return null;
  }
}

test("names mean what they mean in Jinja, in every block", () => {
  const wrong = reference.objects("cases", 1e6, (one) => [one.string("template", 1 << 20), one.raw("render")] as const)
    .map(([template, expected]) => ({ template, expected, got: rendered(template) })).filter(({ expected, got }) => expected !== got);
  assert.deepEqual(wrong.slice(0, 8), [], `${wrong.length} differ`);
});
