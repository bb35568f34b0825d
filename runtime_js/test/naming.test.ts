import assert from "node:assert/strict";
import { test } from "node:test";
import { NameReader, givesNames } from "../src/app/naming.ts";

test("a name is a short line of letters, without what models put around it", () => {
  const read = (text: string): string | undefined => {
    const reader = new NameReader();
    for (const piece of text.match(/[^]{1,3}/g) ?? []) reader.take({ text: piece, thought: "" });
    return reader.name;
  };
  assert.deepEqual(
    ["Dinner with lentils", '"Dinner with lentils."\n\nIt says what it is about.', "**Title: Dinner with lentils**", "## Dinner with lentils", "「レンズ豆の夕食」", "Titel: Abendessen"].map(read),
    ["Dinner with lentils", "Dinner with lentils", "Dinner with lentils", "Dinner with lentils", "レンズ豆の夕食", "Abendessen"],
  );
  for (const none of ["", "\n", "...", "42", "x", "word ".repeat(11), "x".repeat(61), "a\u202eb c"]) assert.equal(read(none), undefined, none);
});

test("a name is asked for where that is quick, of a model that can give one", () => {
  assert.equal(givesNames(1e9, { ending: "stop", speed: 40 }), true);
  for (const [parameters, ending, speed] of [[1e8, "stop", 40], [1e9, "abort", 40], [1e9, "stop", 5], [1e9, "stop", undefined]] as const) assert.equal(givesNames(parameters, { ending, speed }), false);
});
