import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { abortError, abortable, childController } from "../src/support/abort.ts";
import { AbortError } from "../src/support/errors.ts";
import { PushStream } from "../src/support/stream.ts";

async function read<T>(stream: PushStream<T>): Promise<{ items: T[]; error: unknown }> {
  const items: T[] = [];
  try {
    for await (const item of stream) items.push(item);
  } catch (error) {
    return { items, error };
  }
  return { items, error: null };
}

test("what was pushed comes in order, and then the end or the error, once", async () => {
  const ended = new PushStream<number>();
  const reading = read(ended);
  for (const item of [0, 1, 2]) ended.push(item);
  ended.end();
  ended.push(3);
  assert.deepEqual(await reading, { items: [0, 1, 2], error: null });
  const failed = new PushStream<number>();
  failed.push(1);
  failed.fail("why");
  failed.end();
  assert.deepEqual(await read(failed), { items: [1], error: "why" });
  assert.equal((await failed.next()).done, true);
});

test("whoever leaves cancels once, before the first item, while waiting, and in a loop, but not behind the end", async () => {
  let cancelled = 0;
  const make = (): PushStream<number> => new PushStream<number>(() => { cancelled++; });
  await make().return();
  assert.equal(cancelled, 1);
  const waiting = make();
  const [first, second] = [waiting.next(), waiting.next()];
  await waiting.return();
  await waiting.return();
  assert.deepEqual([(await first).done, (await second).done, cancelled], [true, true, 2]);
  const left = make();
  left.push(1);
  left.push(2);
  for await (const item of left) if (item === 1) break;
  assert.deepEqual([(await left.next()).done, cancelled], [true, 3]);
  const done = make();
  done.push(1);
  done.end();
  for await (const _ of done) break;
  assert.equal(cancelled, 3);
});

test("an aborted stream drops what is queued, fails at once and cancels", async () => {
  let cancelled = 0;
  const stream = new PushStream<number>(() => { cancelled++; });
  stream.push(1);
  stream.abort("stop");
  stream.abort("again");
  assert.deepEqual([await read(stream), cancelled], [{ items: [], error: "stop" }, 1]);
});

test("the reason of a signal is kept where it says more than that somebody aborted", () => {
  const reasonOf = (reason?: unknown): unknown => abortError(AbortSignal.abort(reason), "stopped");
  const timeout = new DOMException("too slow", "TimeoutError");
  assert.equal(reasonOf(timeout), timeout);
  for (const reason of [undefined, "text", new DOMException("x", "AbortError")]) {
    const error = reasonOf(reason);
    assert.ok(error instanceof AbortError && error.message === "stopped");
    if (reason !== undefined) assert.equal(error.cause, reason);
  }
});

test("waiting ends with the signal, and leaves no listener behind", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  assert.equal(await abortable(Promise.resolve(1), signal, "stopped"), 1);
  await assert.rejects(abortable(Promise.reject(new Error("own")), signal, "stopped"), /own/);
  assert.deepEqual(getEventListeners(signal, "abort"), []);
  const child = childController(signal);
  const waiting = abortable(new Promise(() => undefined), child.signal, "stopped");
  controller.abort("why");
  await assert.rejects(waiting, AbortError);
  assert.equal(childController(signal).signal.reason, "why");
});
