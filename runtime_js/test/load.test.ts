import assert from "node:assert/strict";
import { test } from "node:test";
import { loadModel } from "../src/engine/load.ts";
import { ModelLibrary } from "../src/executor/library.ts";
import { parsePlan } from "../src/executor/plan.ts";
import { FeatureSupportError } from "../src/support/errors.ts";
import { fails } from "./fakes/expect.ts";
import { deploy, manifestObject, tensor } from "./fakes/model.ts";
import { FAKE_WGSL, WEIGHT_BYTES, fakePlan } from "./fakes/plan.ts";
import { FakeServer, FakeStorage } from "./fakes/web.ts";

test("a GPU that cannot run the model is told so with numbers, before weights are fetched", async (context) => {
  const server = new FakeServer();
  const [first = 0, second = 0] = WEIGHT_BYTES;
  const manifest = deploy(server, { ...manifestObject(), tensors: [tensor("a", 0, first), tensor("b", first, second)] });
  const adapter = {
    features: new Set(), info: {}, limits: { maxBufferSize: 1 << 30, maxStorageBufferBindingSize: 4096, maxComputeInvocationsPerWorkgroup: 256 },
  };
  const navigator = { hardwareConcurrency: 4, storage: new FakeStorage(), gpu: { requestAdapter: () => Promise.resolve(adapter) } };
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: navigator });
  Object.assign(globalThis, { Worker: undefined, fetch: server.fetch, location: { href: "https://site.example/sub/" } });
  const plan = parsePlan(fakePlan(), FAKE_WGSL);
  context.mock.method(ModelLibrary, "load", () => Promise.resolve({ plan }));
  const load = loadModel({ modelId: "toy", source: { manifest } }, { progress: () => undefined, needs: () => undefined, lost: () => undefined }, new AbortController().signal);
  await assert.rejects(load, fails(FeatureSupportError, /f32 needs maxStorageBufferBindingSize 1048576, the GPU has 4096/));
  const fetched = server.requests.map(({ url }) => url.replace(/.*[/]/, ""));
  assert.deepEqual(fetched.filter((name) => name.startsWith("weights")), []);
  assert.ok(fetched.includes("model.wasm"));
});
