/** What the scenarios of runtime.html share: the site's model in an engine, and what is seen of GPU and storage. */

import { DebugEngine } from "/runtime/debug.js";
import { fetchManifest } from "../../bench/page.js";

export { alive, compiled, device, keep, lose } from "./kept_devices.js";

export const NEVER_ENDS = { temperature: 0, max_tokens: 24 };
export const say = (text) => [{ role: "user", content: text }];
export const QUESTION = say("Hello there");

export function equal(actual, expected, what = "") {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what} ${a} is not ${b}`);
}

export function check(condition, what) {
  if (!condition) throw new Error(what);
}

export async function rejects(promise, code) {
  const error = await promise.then(() => null, (reason) => reason);
  equal(error?.code, code, error?.message);
  return error;
}

export function soon(promise, what) {
  return Promise.race([promise, new Promise((_, reject) => { setTimeout(() => reject(new Error(`${what} hangs`)), 20_000); })]);
}

/** What the site's page says, with whole addresses. */
export async function siteConfig() {
  const page = new DOMParser().parseFromString(await (await fetch("/site/index.html")).text(), "text/html");
  const { models: [{ manifest, manifest_sha256 }], worker, structure, cpu, tokenizer } = JSON.parse(page.getElementById("webllm-config").textContent);
  const whole = (path) => new URL(path, new URL("/site/", location.href)).href;
  return { record: { model_id: "tiny", manifest: whole(manifest), manifest_sha256 }, worker: whole(worker), structure: whole(structure), cpu: whole(cpu), tokenizer: whole(tokenizer) };
}

/** The plan of the site's model. */
export async function sitePlan() {
  const { manifest, base } = await fetchManifest();
  const module = await WebAssembly.compile(await (await fetch(new URL(manifest.library.file, base))).arrayBuffer());
  return JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(module, "webllm.plan")[0]));
}

/** The model's stored files whose names start so. */
export async function storedFiles(start) {
  const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("webllm-build");
  const folder = await models.getDirectoryHandle(encodeURIComponent(new URL(".", record.manifest).href));
  const found = [];
  for await (const [name, handle] of folder) if (name.startsWith(start)) found.push({ name, handle });
  return found;
}

/** What was measured of tiles; other things are noted, too. */
export async function measuredTiles() {
  const notes = await storedFiles("note.");
  const texts = await Promise.all(notes.map(async ({ handle }) => (await handle.getFile()).text()));
  return notes.filter((_, i) => texts[i].startsWith("["));
}

export async function overwrite(handle, bytes) {
  const file = await handle.createWritable();
  await file.write(bytes);
  await file.close();
}

export const { record, ...scripts } = await siteConfig();
// Integer variants would differ from tile to tile, within a step of their codes.
export const engine = new DebugEngine({ appConfig: { model_list: [record] }, variant: "f32" });
export const ids = async (messages, options = {}) => (await engine.debugTokenIds({ messages, ...NEVER_ENDS, ...options })).ids;
export const fresh = async (messages, options) => { await engine.resetChat(); return ids(messages, options); };
export const text = async (messages, options = {}) => (await engine.chat.completions.create({ messages, ...NEVER_ENDS, ...options })).choices[0].message.content;

export async function streamed(messages, options = {}, from = engine) {
  let out = "";
  for await (const chunk of await from.chat.completions.create({ messages, ...NEVER_ENDS, ...options, stream: true })) {
    out += chunk.choices[0]?.delta.content ?? "";
  }
  return out;
}

/** Vectors of texts are of length 1, and those of different texts differ; of one token, its last state is the mean. */
export async function checkVectors(from) {
  const long = "Hello there, how are you today? ".repeat(8);
  const vectors = async (input, pooling) => (await from.embeddings.create({ input, pooling })).data.map(({ embedding }) => embedding);
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  for (const pooling of ["last", "mean"]) {
    const [one, two, three] = await vectors([long, "Hello", long], pooling);
    check(Math.abs(dot(one, one) - 1) < 1e-5 && dot(one, two) < 0.9999 && dot(one, three) > 0.9999, `${pooling}: ${dot(one, two)} ${dot(one, three)}`);
  }
  const [token] = await from.tokenize("Hello");
  const [last, mean] = [await vectors([[token]], "last"), await vectors([[token]], "mean")];
  check(dot(last[0], mean[0]) > 0.99999, "of one token they are the same");
}
