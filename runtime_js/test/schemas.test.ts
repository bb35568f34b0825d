/** The JSON Schema Test Suite, draft 2020-12 (tests/golden/make_json_schemas.py): what is held strictly fits, and what cannot be held is refused. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { schemaGrammar } from "../src/engine/structure/schema.ts";
import { SchemaError } from "../src/engine/structure/schema_fields.ts";
import { Fields } from "../src/support/fields.ts";
import { randomText } from "./fakes/crossing_vocabulary.ts";

const suite = new Fields(JSON.parse(readFileSync("../tests/fixtures/json_schemas.json", "utf8")), "suite", (message) => new Error(message));

/** Why a schema is refused; undefined where it is not. */
function refusal(schema: unknown, isStrict: boolean): string | undefined {
  try {
    schemaGrammar(schema, isStrict);
    return undefined;
  } catch (error) {
    if (error instanceof SchemaError) return error.message;
    throw error;
  }
}

const HELD = suite.keys().filter((name) => refusal(suite.raw(name), true) === undefined);

test("half of the suite's schemas are held strictly, and the others are refused with a place", () => {
  assert.deepEqual([suite.keys().length, HELD.length], [364, 190]);
  for (const name of suite.keys()) {
    for (const isStrict of [true, false]) assert.match(refusal(suite.raw(name), isStrict) ?? "(at #)", /\(at #/, name);
  }
});

test("570 answers of a model that knows nothing all fit their schemas, but for those that are cut", async () => {
  const ajv = new Ajv2020({ strict: false, ownProperties: true, logger: false, validateFormats: false });
  const unfinished: Record<string, number> = {};
  let fitting = 0;
  for (const name of HELD) {
    const schema = suite.raw(name);
    const validate = ajv.compile(typeof schema === "object" && schema !== null ? schema : {});
    for (let seed = 0; seed < 3; seed++) {
      const said = await randomText({ kind: "schema", schema: JSON.stringify(schema), isStrict: true, param: "schema" }, seed);
      if (said === undefined) unfinished[name] = (unfinished[name] ?? 0) + 1;
      else {
        assert.ok(validate(JSON.parse(said)), `${name}: ${said} ${JSON.stringify(validate.errors)}`);
        fitting++;
      }
    }
  }
  // Names that must have certain letters somewhere do not end by chance.
  assert.deepEqual(unfinished, { "patternProperties: patternProperties with null valued instance properties": 2 });
  assert.equal(fitting, 568);
});
