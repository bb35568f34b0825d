// Several clients of one engine's models.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadCall } from "../src/api/host.ts";
import { Tenants, type Tenant } from "../src/api/tenants.ts";
import { fromText, toText } from "../src/transport/json_messages.ts";
import { soon } from "./fakes/engine.ts";
import { Models } from "./fakes/service_worker.ts";
import { turns } from "./fakes/turns.ts";

function call(...ids: string[]): LoadCall {
  return { choices: ids.map((modelId) => ({ modelId, source: { manifest: `https://models.example/${modelId}.json` } })), keepsOthers: false };
}

function enter(tenants: Tenants, told: number[] = []): Tenant {
  return tenants.enter({ progress: ({ progress }) => told.push(progress), deviceLost: () => undefined });
}

test("of models that are loaded together, none stays where one fails", async () => {
  const models = new Models();
  const tenant = enter(new Tenants(models.host));
  models.loading = async (_, modelId) => { if (modelId === "b") throw new Error("b is broken"); };
  await assert.rejects(soon(tenant.load(call("a", "b"))), /b is broken/);
  assert.deepEqual([models.alive, await tenant.loadedModels()], [0, []]);
});

test("a load that another of the same model overtakes leaves it wanted", async () => {
  const models = new Models();
  const tenants = new Tenants(models.host);
  const tenant = enter(tenants);
  let isFirst = true;
  models.loading = () => (isFirst ? new Promise(() => { isFirst = false; }) : Promise.resolve());
  const overtaken = assert.rejects(tenant.load(call("a")), { code: "Abort" });
  while (isFirst) await new Promise((resolve) => { setTimeout(resolve, 1); });
  await soon(tenant.load(call("a")));
  await overtaken;
  await soon(enter(tenants).unload());
  assert.deepEqual((await tenant.loadedModels()).map(({ modelId }) => modelId), ["a"]);
});

test("a client hears of the loads that it waits for, and of the end of one that was done already", async () => {
  const models = new Models();
  const tenants = new Tenants(models.host);
  const [first, second, third]: [number[], number[], number[]] = [[], [], []];
  let go = (): void => undefined;
  models.loading = (_, modelId) => (modelId === "a" ? new Promise((resolve) => { go = resolve; }) : Promise.resolve());
  const loading = enter(tenants, first).load(call("a"));
  const other = enter(tenants, second).load(call("b"));
  await turns(5);
  go();
  await soon(loading);
  assert.deepEqual([first, second], [[1], []]);
  await soon(other);
  await soon(enter(tenants, third).load(call("a", "b")));
  assert.deepEqual([first, second, third, models.loaded.length], [[1], [1], [1], 2]);
});

test("all messages come back from text as they were", () => {
  const messages: unknown[] = [
    { kind: "embeddings", vectors: [new Float32Array([0.1, Infinity, -1])], tokens: 3 }, [Number.NaN, -Infinity, -0.5], "text", null,
    { schema: { $ref: "#/$defs/a", $defs: { a: { type: "string" } } } }, { $number: "Infinity" }, { $floats: 1e12 }, { $$floats: [1] }, { $floats: [{ $number: "NaN" }] },
  ];
  for (const message of messages) assert.deepEqual(fromText(JSON.stringify(JSON.parse(toText(message)))), message);
});
