/** Ids, levels and options of another type are refused by name, in this thread as in a worker. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { BaseEngine } from "../src/api/base_engine.ts";
import { MODEL, PLACES } from "./fakes/engine.ts";

/** As JavaScript has it, which checks no types. */
type Loose = Readonly<Record<string, (...given: unknown[]) => unknown>>;

function loose(client: BaseEngine): Loose {
  return Object(client);
}

for (const [place, make] of Object.entries(PLACES)) {
  test(`${place}: ids of another type are refused by name, and null is none`, async () => {
    const { client } = make();
    await client.reload(MODEL);
    const engine = loose(client);
    const calls: Readonly<Record<string, (given: unknown) => unknown>> = {
      unload: (given) => engine["unload"]?.(given), deleteResumableSession: (given) => engine["deleteResumableSession"]?.(given),
      resumeChatCompletion: (given) => engine["resumeChatCompletion"]?.(given), resetChat: (given) => engine["resetChat"]?.(false, given),
      getMessage: (given) => engine["getMessage"]?.(given), tokenize: (given) => engine["tokenize"]?.("a", given), text: (given) => engine["tokenize"]?.(given),
      detokenize: (given) => engine["detokenize"]?.([], given), setLogLevel: async (given) => engine["setLogLevel"]?.(given),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const given of [5, {}, true, Symbol("x"), () => 1]) await assert.rejects(async () => call(given), { name: "RequestValidationError" }, `${name}, ${String(given)}`);
    }
    await assert.rejects(async () => engine["resumeChatCompletion"]?.("x", null), { name: "RequestValidationError", message: /No answer is kept/ });
    assert.equal((await client.models.list()).data.length, 1);
    await engine["unload"]?.(null);
    assert.equal((await client.models.list()).data.length, 0);
  });
}
