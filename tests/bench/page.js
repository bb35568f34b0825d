// What the test pages share. They are served with the site at /site/ and the runtime at /runtime/, and speak through the console.

import { DebugEngine } from "/runtime/debug.js";

/** The page's settings: ?variant=f32&runs=3 */
export const settings = new URLSearchParams(location.search);

/** Runs a page's work; its last console line starts with DONE whatever happens. */
export async function run(work) {
  try {
    console.log(`DONE ${await work()}`);
  } catch (error) {
    console.log(`FAIL ${error?.stack ?? error}`);
    console.log("DONE with an error");
  }
}

export async function fetchJson(url) {
  return (await fetch(url)).json();
}

/** What the page says of its site. */
export async function siteConfig() {
  const page = new DOMParser().parseFromString(await (await fetch("/site/index.html")).text(), "text/html");
  return JSON.parse(page.getElementById("webllm-config").textContent);
}

/** Where the page says that its first model is. */
export async function readSite() {
  const [model] = (await siteConfig()).models;
  return { url: new URL(model.manifest, new URL("/site/", location.href)), sha256: model.manifest_sha256 };
}

/** The site's manifest, and the URL that its file names are relative to. */
export async function fetchManifest() {
  const { url } = await readSite();
  return { manifest: await fetchJson(url), base: url };
}

/** The model's plan for GPUs. */
export async function fetchPlan() {
  const { manifest, base } = await fetchManifest();
  const module = await WebAssembly.compile(await (await fetch(new URL(manifest.library.file, base))).arrayBuffer());
  return JSON.parse(new TextDecoder().decode(WebAssembly.Module.customSections(module, "webllm.plan")[0]));
}

/** The engine, in this page, with the site's model loaded, and what computes it. `options`: further ones of its configuration. */
export async function loadEngine(options = {}) {
  const { url, sha256 } = await readSite();
  const record = { model_id: "model", manifest: url.href, manifest_sha256: sha256 };
  const variant = settings.get("variant") ?? undefined;
  let computer;
  const initProgressCallback = (report) => { computer = report.computer; };
  const engine = new DebugEngine({ appConfig: { model_list: [record] }, variant, initProgressCallback, ...options });
  await engine.reload(record.model_id);
  return Object.assign(engine, { computer });
}

/** The float32 values of an .npy file (little endian, row major). */
export async function fetchNpy(url) {
  const bytes = await (await fetch(url)).arrayBuffer();
  const header = new DataView(bytes).getUint16(8, true);
  const text = new TextDecoder().decode(new Uint8Array(bytes, 10, header));
  if (!text.includes("'<f4'") || !text.includes("'fortran_order': False")) throw new Error(`${url}: ${text}`);
  return new Float32Array(bytes.slice(10 + header));
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
