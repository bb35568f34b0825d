import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { HeldBuffers } from "../src/storage/held_buffers.ts";
import { Lanes } from "../src/storage/lanes.ts";
import { abortable, childController, onAbort } from "../src/support/abort.ts";

test("a hundred things wait for one signal, and Node does not warn of them", async () => {
  const warnings: string[] = [];
  const warn = ({ name }: Error): void => void warnings.push(name);
  process.on("warning", warn);
  const controller = new AbortController(), { signal } = controller;
  const called: number[] = [];
  const forget = Array.from({ length: 100 }, (_, i) => onAbort(signal, () => called.push(i)));
  const children = Array.from({ length: 100 }, () => childController(signal));
  const waits = Array.from({ length: 100 }, () => abortable(new Promise(() => undefined), signal, "over"));
  forget[3]?.();
  children[5]?.abort("by itself");
  controller.abort("by all");
  const outcomes = await Promise.allSettled(waits);
  await setImmediate();
  process.off("warning", warn);
  assert.deepEqual(warnings, []);
  assert.deepEqual(called, Array.from({ length: 100 }, (_, i) => i).filter((i) => i !== 3));
  assert.deepEqual(children.map(({ signal: { reason } }) => String(reason)), children.map((_, i) => i === 5 ? "by itself" : "by all"));
  assert.ok(outcomes.every(({ status }) => status === "rejected"));
});

test("who no longer waits for a lane or a buffer gets none", async () => {
  const first = new AbortController(), { signal } = new AbortController();
  const buffers = new HeldBuffers(1);
  await buffers.take(signal);
  const left = buffers.take(first.signal), next = buffers.take(signal);
  const lanes = new Lanes(1, 1);
  let end = (): void => undefined;
  const holds = lanes.run(signal, () => new Promise<void>((resolve) => { end = resolve; }));
  const leftLane = lanes.run(first.signal, () => Promise.resolve("nobody's")), nextLane = lanes.run(signal, () => Promise.resolve("next"));
  first.abort();
  await assert.rejects(left, { name: "AbortError" });
  await assert.rejects(leftLane, { name: "AbortError" });
  const buffer = new ArrayBuffer(8);
  buffers.give(buffer);
  assert.equal(await next, buffer);
  end();
  assert.equal(await nextLane, "next");
  await holds;
});
