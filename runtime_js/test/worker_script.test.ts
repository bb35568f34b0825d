import assert from "node:assert/strict";
import { test } from "node:test";
import { WorkerScript } from "../src/page/worker-script.ts";
import { DownloadError, ProtocolError } from "../src/support/errors.ts";
import { soon } from "./fakes/engine.ts";

/** Runs every script, and answers what probes whether it may. */
class FakeWorker extends EventTarget {
  constructor(readonly address: string) {
    super();
    setTimeout(() => this.dispatchEvent(new Event("message")), 0);
  }

  terminate(): void {}
}

type Fetch = (url: string, init: { signal: AbortSignal }) => Promise<Response>;

function serve(...answers: readonly Fetch[]): void {
  let asked = 0;
  Object.assign(globalThis, {
    Worker: FakeWorker,
    fetch: (url: string, init: { signal: AbortSignal }) => (answers[Math.min(asked++, answers.length - 1)] ?? script)(url, init),
  });
}

const script: Fetch = async () => new Response("1");
const until = (signal: AbortSignal): Promise<never> => new Promise((_, reject) => {
  signal.addEventListener("abort", () => reject(signal.reason));
});
const silent: Fetch = (_, { signal }) => until(signal);
const stalled: Fetch = async (_, { signal }) => new Response(new ReadableStream({ pull: () => until(signal) }));
const broken: Fetch = async () => new Response(new ReadableStream({ pull: () => Promise.reject(new TypeError("network error")) }));

test("a script is fetched once, and each worker starts from memory", async () => {
  let fetched = 0;
  serve(async (...asked) => { fetched++; return script(...asked); });
  const loader = new WorkerScript("worker.js");
  const start = await loader.load();
  assert.match(String(Reflect.get(start("name"), "address")), /^blob:/);
  assert.equal(await loader.load(), start);
  assert.equal(fetched, 1);
});

test("a script that does not come is an error, at last also where nothing is heard, and is asked for again", async (context) => {
  for (const [failure, kind] of [[silent, DownloadError], [stalled, DownloadError], [broken, DownloadError],
    [async () => new Response("", { status: 404 }), ProtocolError]] as const) {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    serve(failure, script);
    const loader = new WorkerScript("worker.js");
    const failed = assert.rejects(loader.load(), kind);
    await new Promise((resolve) => { setImmediate(resolve); });
    context.mock.timers.tick(60_000);
    context.mock.timers.reset();
    await soon(failed);
    assert.ok(await soon(loader.load()));
  }
});
