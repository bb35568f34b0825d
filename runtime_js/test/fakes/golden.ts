/** References of tests/golden. Tests run from runtime_js. */

import { readFileSync } from "node:fs";
import { Fields } from "../../src/support/fields.ts";

export function goldenFile(name: string): Fields {
  return new Fields(JSON.parse(readFileSync(`../tests/golden/reference/${name}.json`, "utf8")), name, (message) => new Error(message));
}
