/** What the programs share: ids that WebLLM's examples name, and what says whether a program did what it should. */

export const LLAMA = "Llama-3.1-8B-Instruct-q4f32_1-MLC";
export const BASE = "Llama-3.1-8B-q4f32_1-MLC";
export const SMALL_LLAMA = "Llama-3.2-1B-Instruct-q4f16_1-MLC";
export const LARGER_LLAMA = "Llama-3.2-3B-Instruct-q4f16_1-MLC";
export const HERMES = "Hermes-2-Pro-Llama-3-8B-q4f16_1-MLC";
export const PHI = "Phi-3.5-mini-instruct-q4f32_1-MLC-1k";
export const PHI_2 = "phi-2-q4f32_1-MLC";
export const VISION = "Phi-3.5-vision-instruct-q4f16_1-MLC";
export const GEMMA = "gemma-2-2b-it-q4f32_1-MLC-1k";
export const QWEN = "Qwen3-4B-q4f16_1-MLC";
export const SMALL_QWEN = "Qwen3-0.6B-q0f32-MLC";
export const ARCTIC = "snowflake-arctic-embed-m-q0f32-MLC-b4";

/** The token that ends an answer of the model behind these ids. */
export const END = 2;

/** A CPU is faster than a GPU that is one in name. */
export const CONFIG = { device: "cpu", logLevel: "SILENT" };

export const say = (content) => [{ role: "user", content }];

export function check(condition, what) {
  if (!condition) throw new Error(what);
}

export function equal(actual, expected, what = "") {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what} ${a} is not ${b}`);
}

export async function rejects(work, name) {
  const error = await work.then(() => null, (reason) => reason);
  equal(error?.name, name, String(error));
}

export async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

export const textOf = (chunks) => chunks.map(({ choices: [choice] }) => choice?.delta.content ?? "").join("");

/** Runs programs by name, one after the other. */
export async function run(programs) {
  for (const [name, program] of Object.entries(programs)) {
    try {
      await Promise.race([program(), new Promise((_, reject) => { setTimeout(() => reject(new Error("hangs")), 60_000); })]);
      console.log(`PASS ${name}`);
    } catch (error) {
      console.log(`FAIL ${name}: ${error?.stack ?? error}`);
    }
  }
}
