// Who reads pictures and sounds: a worker that says that it is there, and otherwise this thread.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mock, test } from "node:test";
import { Reader } from "../src/media/reader.ts";
import { parseProcessor } from "../src/media/settings.ts";
import { parseSoundSettings } from "../src/media/sound/settings.ts";
import type { Order } from "../src/media/worker.ts";
import { Fields } from "../src/support/fields.ts";

const golden = new Fields(JSON.parse(readFileSync("test/golden/pictures.json", "utf8")), "", Error);
const sounds = new Fields(JSON.parse(readFileSync("test/golden/sounds.json", "utf8")), "", Error);
const settings = parseProcessor(golden.object("gemma3").object("settings"));
const order: Order = { sense: "sight", data: { width: 2, height: 1, data: new Uint8Array([255, 0, 0, 0, 0, 255]) }, settings, detail: "auto" };

/** A browser whose workers do what `does` says, and which count. */
function browser(t: { after(undo: () => void): void }, does: (worker: FakeWorker) => void): { started: number; ended: number } {
  const counts = { started: 0, ended: 0 };
  const before = globalThis.Worker;
  Reflect.set(globalThis, "Worker", class extends FakeWorker {
    constructor() {
      super(() => void counts.ended++);
      counts.started++;
      does(this);
    }
  });
  t.after(() => void Reflect.set(globalThis, "Worker", before));
  return counts;
}

class FakeWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly asked: { readonly id: number; readonly order: Order }[] = [];
  constructor(readonly terminate: () => void) {}
  postMessage(message: { readonly id: number; readonly order: Order }): void {
    this.asked.push(message);
  }
}

const sound: Order = { sense: "hearing", data: new Blob(["no WAV"]), settings: parseSoundSettings(sounds.object("settings")) };

test("where a worker fails as it starts, this thread reads", async (t) => {
  const counts = browser(t, (worker) => queueMicrotask(() => worker.onerror?.()));
  const reader = new Reader();
  for (let i = 0; i < 2; i++) assert.equal((await reader.read(order)).tokens, 4);
  assert.deepEqual(counts, { started: 1, ended: 1 });
});

test("where a worker says nothing, this thread reads after a while", async (t) => {
  mock.timers.enable({ apis: ["setInterval"] });
  t.after(() => mock.timers.reset());
  const counts = browser(t, () => undefined);
  const asked = new Reader().read(order);
  mock.timers.tick(4000);
  assert.equal((await asked).tokens, 4);
  assert.deepEqual(counts, { started: 1, ended: 1 });
});

test("a worker that fails in the middle is told, and what comes next, a sound, gets another", async (t) => {
  let latest: FakeWorker | undefined;
  const counts = browser(t, (worker) => {
    latest = worker;
    queueMicrotask(() => worker.onmessage?.({ data: "ready" }));
  });
  const reader = new Reader();
  const first = reader.read(order);
  await new Promise((resolve) => void setImmediate(resolve));
  assert.equal(latest?.asked.length, 1);
  latest?.onerror?.();
  await assert.rejects(first, /The worker that reads pictures and sounds failed/);
  const second = reader.read(sound);
  await new Promise((resolve) => void setImmediate(resolve));
  assert.deepEqual([counts.started, latest?.asked[0]?.order], [2, sound]);
  latest?.onmessage?.({ data: { id: latest.asked[0]?.id, picture: { hash: "x", tokens: 1, prompt: "", tiles: [] } } });
  assert.equal((await second).hash, "x");
});
