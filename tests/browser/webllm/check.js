/** What the programs share: ids that WebLLM's examples name, and what says whether a program did what it should. */

import * as webllm from "@mlc-ai/web-llm";

export const LLAMA = "Llama-3.1-8B-Instruct-q4f32_1-MLC";
export const PHI = "Phi-3.5-mini-instruct-q4f32_1-MLC-1k";
export const GEMMA = "gemma-2-2b-it-q4f32_1-MLC-1k";

/** Of the package's model under those names; on the CPU, which is faster than a GPU that is one in name. */
const [packaged] = webllm.prebuiltAppConfig.model_list;
for (const model_id of [LLAMA, PHI, GEMMA]) webllm.prebuiltAppConfig.model_list.push({ ...packaged, model_id });
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
