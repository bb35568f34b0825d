/**
 * npm run fuzz -- TARGET [--seed N] [--seconds S] [--inputs M]: feeds a reader with broken copies of what it reads, and counts what it says.
 * An input is its number: `--seed N --inputs 1` reads one again. A reader gives a value, or one of the errors that it names, in 10 seconds and
 * with 1 GiB; all else is a fault, told by where it arises.
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Worker, isMainThread, parentPort } from "node:worker_threads";
import { randomFrom } from "../fakes/random.ts";
import { TARGETS } from "./readers.ts";

const MOST_MS = 10_000;
const MOST_MEGABYTES = 1024;

interface Played {
  readonly end: string;
  /** Of a fault. */
  readonly where?: string;
  readonly shown?: string;
}

async function play(name: string, number: number): Promise<Played> {
  const target = TARGETS[name];
  if (target === undefined) throw new Error(`no target is named ${name}`);
  try {
    await target.read(randomFrom(Math.imul(number, 0x9e3779b1)));
    return { end: "read" };
  } catch (error) {
    if (target.names(error)) return { end: error instanceof Error ? error.name : "refused" };
    const stack = error instanceof Error ? (error.stack ?? "") : "";
    const frame = /\((?:.*\/)?(src\/.*?:\d+):\d+\)/.exec(stack)?.[1] ?? stack.split("\n")[1]?.trim() ?? "";
    return { end: "FAULT", where: `${String(error).slice(0, 100)} at ${frame}`, shown: stack };
  }
}

/** Of the worker, or what ended it. */
async function ask(worker: Worker, number: number): Promise<Played> {
  return await new Promise((resolve) => {
    const timer = setTimeout(() => done({ end: "FAULT", where: `more than ${MOST_MS / 1000} seconds`, shown: "" }), MOST_MS);
    const done = (played: Played): void => {
      clearTimeout(timer);
      worker.off("message", done).off("error", broken);
      resolve(played);
    };
    const broken = (error: unknown): void => done({ end: "FAULT", where: `the thread ends: ${String(error)}`, shown: "" });
    worker.on("message", done).on("error", broken);
    worker.postMessage(number);
  });
}

async function campaign(target: string, seed: number, seconds: number, inputs: number): Promise<number> {
  const start = (): Worker => new Worker(fileURLToPath(import.meta.url), { argv: [target], resourceLimits: { maxOldGenerationSizeMb: MOST_MEGABYTES } });
  const [ends, faults] = [new Map<string, number>(), new Map<string, readonly [number, string]>()];
  const until = performance.now() + seconds * 1000;
  let [worker, number] = [start(), seed];
  for (; number < seed + inputs && (number === seed || performance.now() < until); number++) {
    const { end, where, shown = "" } = await ask(worker, number);
    ends.set(end, (ends.get(end) ?? 0) + 1);
    if (where !== undefined && !faults.has(where)) {
      faults.set(where, [number, shown]);
      console.log(`input ${number}: ${where}`);
    }
    if (shown === "" && where !== undefined) {
      await worker.terminate();
      worker = start();
    }
  }
  await worker.terminate();
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  console.log(`${target}: ${number - seed} inputs from ${seed} on, ${Math.round((userCPUTime + systemCPUTime) / 1e6)} s of a processor, ${faults.size} kinds of faults`);
  for (const [end, count] of ends) console.log(`  ${String(count).padStart(8)} ${end}`);
  for (const [where, [first, shown]] of faults) console.log(`\n${where}\n${shown}\nAgain: npm run fuzz -- ${target} --seed ${first} --inputs 1`);
  return faults.size;
}

const { values, positionals: [target = ""] } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string", default: "1" }, seconds: { type: "string", default: "60" }, inputs: { type: "string", default: "1e15" } },
});
if (!isMainThread) parentPort?.on("message", (number: number) => void play(target, number).then((played) => parentPort?.postMessage(played)));
else if (TARGETS[target] === undefined) console.log(Object.entries(TARGETS).map(([name, { reads }]) => `${name.padEnd(12)}${reads}`).join("\n"));
else process.exitCode = (await campaign(target, Number(values.seed), Number(values.seconds), Number(values.inputs))) > 0 ? 1 : 0;
