// Random lives of an engine: loads, requests, aborts, interruptions, unloads and failures in any order and at any await. Whatever happens,
// every promise settles, every model is freed once, and answers that come whole are right.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceLostError, MLCEngineError } from "../src/support/errors.ts";
import { MODEL, PLACES, soon, type Setup } from "./fakes/engine.ts";
import { randomFrom } from "./fakes/random.ts";

const ROUNDS = 40;
const ACTIONS = 25;

const QUESTIONS = ["hi", "good night", "hi there, and a longer question", "x"];

async function expectedAnswers(): Promise<Map<string, string>> {
  const it = PLACES["in this thread"]?.();
  assert.ok(it);
  await it.client.reload(MODEL);
  const answers = new Map<string, string>();
  for (const content of QUESTIONS) {
    const answer = await it.client.chatCompletion({ messages: [{ role: "user", content }], temperature: 0, max_tokens: 12 });
    answers.set(content, answer.choices[0]?.message.content ?? "");
  }
  return answers;
}

for (const [place, make] of Object.entries(PLACES)) {
  test(`${place}: nothing hangs, leaks or mixes answers, whatever comes when`, async (context) => {
    const expected = await expectedAnswers();
    for (let round = 0; round < ROUNDS; round++) {
      const seed = round + 1000 * Number(process.env["SIMULATION_SEED"] ?? 1);
      try {
        await live(make(), randomFrom(seed), expected);
      } catch (error) {
        context.diagnostic(`seed ${seed}`);
        throw error;
      }
    }
  });
}

async function live({ client, engine }: Setup, random: () => number, expected: ReadonlyMap<string, string>): Promise<void> {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] ?? assert.fail();
  const pause = (): Promise<void> => (random() < 0.5 ? Promise.resolve() : new Promise((resolve) => { setTimeout(resolve, random() * 3); }));
  const flaky = async (rate: number): Promise<void> => {
    await pause();
    if (random() < rate) throw new DeviceLostError("lost");
  };
  engine.loading = () => flaky(0.1);
  engine.prepare = (runner) => {
    runner.delay = () => flaky(0.01);
    const [reserve, prefill] = [runner.reservePages.bind(runner), runner.prefill.bind(runner)];
    runner.reservePages = async (...room) => { await flaky(0.05); return reserve(...room); };
    runner.prefill = async (...step) => { await prefill(...step); await flaky(0.02); };
  };
  const running: Promise<void>[] = [];
  /** It may succeed or be refused, but with an error of ours, and soon. */
  const start = (what: string, work: () => Promise<unknown>): void => {
    running.push(soon(work().then(() => undefined, (error: unknown) => {
      if (!(error instanceof MLCEngineError) || error.code === "Internal") throw error;
    }), what, 10_000));
  };
  const ask = async (signal: AbortSignal | undefined): Promise<void> => {
    const content = pick(QUESTIONS);
    const request = { messages: [{ role: "user", content }] as const, temperature: 0, max_tokens: 12 };
    const isStream = random() < 0.7;
    const leaveAfter = random() < 0.3 ? Math.floor(random() * 6) : Infinity;
    if (!isStream) {
      const { choices: [choice] } = await client.chatCompletion(request, { signal });
      if (choice?.finish_reason === "length") assert.equal(choice.message.content, expected.get(content));
      return;
    }
    const stream = await client.chatCompletion({ ...request, stream: true }, { signal });
    if (random() < 0.1) return; // never read
    let text = "";
    let chunks = 0;
    for await (const chunk of stream) {
      if (chunks++ === leaveAfter) return;
      text += chunk.choices[0]?.delta.content ?? "";
      if (random() < 0.1) await pause();
      if (random() < 0.02) await client[pick(["unload", "resetChat", "interruptGenerate"] as const)]();
      if (chunk.choices[0]?.finish_reason === "length") assert.equal(text, expected.get(content));
      else assert.ok((expected.get(content) ?? "").startsWith(text), text);
    }
  };
  for (let action = 0; action < ACTIONS; action++) {
    const chance = random();
    if (chance < 0.2) {
      const controller = new AbortController();
      start("reload", () => client.reload(pick([MODEL, "other"]), {}, { signal: controller.signal }));
      if (random() < 0.2) running.push(pause().then(() => controller.abort()));
    } else if (chance < 0.75) {
      const controller = random() < 0.3 ? new AbortController() : undefined;
      start("request", () => ask(controller?.signal));
      if (controller !== undefined) running.push(pause().then(() => controller.abort()));
    } else {
      start("call", () => client[pick(["unload", "resetChat", "interruptGenerate", "getMessage"] as const)]());
    }
    if (random() < 0.6) await pause();
  }
  await Promise.all(running);
  await soon(client.unload(), "the last unload");
  assert.deepEqual(engine.loaded.map(({ disposals }) => disposals), engine.loaded.map(() => 1), "each model is freed once");
}
