import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceOf } from "../src/app/settings.ts";
import { Speeds } from "../src/app/where.ts";
import EN from "../src/app/words/en.ts";
import { say } from "../src/app/words/words.ts";
import { describeComputer } from "../src/executor/devices.ts";

say(EN, "en", "en");

test("a page says what computes, and of a CPU how fast it was here", () => {
  const kept = new Map<string, string>();
  const speeds = new Speeds({ get: (key) => kept.get(key), set: (key, value) => { kept.set(key, value); } }, "toy");
  const cpu = { device: "cpu", vendor: "", threads: 2 } as const, gpu = { device: "gpu", vendor: "nvidia", threads: 1 } as const;
  assert.equal(describeComputer({ ...cpu, threads: 1 }), "CPU, 1 thread");
  assert.equal(describeComputer({ ...gpu, vendor: "" }), "GPU");
  assert.equal(speeds.describe(cpu), "On your CPU, 2 threads: slower than on a GPU.");
  assert.equal(speeds.describe({ ...cpu, tokensPerSecond: 9.6 }), "On your CPU, 2 threads: about 9.6 tokens a second.", "as the model lets expect");
  speeds.note(cpu, 14.26);
  speeds.note(gpu, 400);
  assert.equal(speeds.describe({ ...cpu, tokensPerSecond: 9.6 }), "On your CPU, 2 threads: about 14 tokens a second.", "as it was");
  assert.equal(speeds.describe({ ...cpu, threads: 1 }), "On your CPU, 1 thread: slower than on a GPU.", "that was another speed");
  assert.equal(speeds.describe(gpu), "On your GPU (nvidia).");
  speeds.note(cpu, 1.234);
  assert.equal(speeds.describe(cpu), "On your CPU, 2 threads: about 1.2 tokens a second.");
});

test("the address may say what computes", () => {
  assert.deepEqual([deviceOf("?device=cpu"), deviceOf("?device=toaster"), deviceOf("")], [{ device: "cpu" }, {}, {}]);
});
