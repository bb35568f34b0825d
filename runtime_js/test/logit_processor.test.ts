import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogitProcessor } from "../src/engine/logit_processor.ts";
import { RequestValidationError } from "../src/support/errors.ts";
import { WebWorkerMLCEngine } from "../src/transport/client.ts";
import { CONFIG, FakeEngine, Loopback, MODEL } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";
import { VOCABULARY } from "./fakes/runner.ts";

test("a logit processor has its part in every token of its model, one after the other, and the pipeline waits for it", async () => {
  const calls: string[] = [];
  const processor: LogitProcessor = {
    processLogits: (logits) => {
      calls.push(`logits ${logits.length}`);
      const others = logits.map((_, token) => (token === 5 ? 1 : 0));
      return others;
    },
    processSampledToken: (token) => { calls.push(`token ${token}`); },
    resetState: () => { calls.push("reset"); },
  };
  const engine = new FakeEngine({ ...CONFIG, logitProcessorRegistry: new Map([[MODEL, processor]]) });
  await engine.reload(MODEL);
  const ask = { prompt: "Once", max_tokens: 3, temperature: 0, ignore_eos: true } as const;
  await engine.completions.create(ask);
  assert.deepEqual(calls, ["reset", ...Array<string[]>(3).fill([`logits ${VOCABULARY}`, "token 5"]).flat()]);
  calls.length = 0;
  await engine.completions.create({ ...ask, logit_bias: { 7: 50 } });
  assert.deepEqual(calls.filter((call) => call.startsWith("token")), ["token 7", "token 7", "token 7"], "biases come after it");
  engine.setLogitProcessorRegistry(new Map([[MODEL, { ...processor, processLogits: () => new Float32Array(3) }]]));
  await assert.rejects(engine.completions.create(ask), fails(RequestValidationError, /must return a Float32Array of/));
  engine.setLogitProcessorRegistry(new Map([[MODEL, { ...processor, processSampledToken: () => { throw new RangeError("mine"); } }]]));
  await assert.rejects(engine.completions.create(ask), /mine/);
  engine.setLogitProcessorRegistry(undefined);
  calls.length = 0;
  await engine.completions.create(ask);
  assert.deepEqual(calls, []);
  assert.throws(() => new WebWorkerMLCEngine(new Loopback(engine), { ...CONFIG, logitProcessorRegistry: new Map() }), fails(RequestValidationError, /in this thread/));
});

test("answers whose logits are processed come one after the other: choices, prompts, and requests at once", async () => {
  const calls: string[] = [];
  const processor: LogitProcessor = {
    processLogits: (logits) => { calls.push("logits"); return logits; }, processSampledToken: () => { calls.push("token"); }, resetState: () => { calls.push("reset"); },
  };
  const engine = new FakeEngine({ ...CONFIG, logitProcessorRegistry: new Map([[MODEL, processor]]) });
  await engine.reload(MODEL);
  const ask = { max_tokens: 3, ignore_eos: true, seed: 5 } as const;
  const stop = new AbortController();
  const left = engine.completions.create({ ...ask, prompt: "Never", max_tokens: 500 }, { signal: stop.signal }).catch(() => undefined);
  const others = [engine.completions.create({ ...ask, prompt: ["One", "Two"], n: 2 }), engine.completions.create({ ...ask, prompt: "Three" }, { priority: 3 })];
  while (calls.length < 20) await new Promise((resolve) => { setTimeout(resolve); });
  stop.abort();
  await left;
  await Promise.all(others);
  const answers = calls.join(" ").split("reset").slice(1).map((answer) => answer.trim());
  assert.deepEqual([answers.length, answers.filter((answer) => answer === "logits token logits token logits token").length], [6, 5]);
});
