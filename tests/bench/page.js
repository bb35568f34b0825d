// What the test pages share. They are served with the site at /site/ and the runtime at /runtime/, and speak through the console.

import { MLCEngine } from "/runtime/index.js";

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

/** The engine, in this page, with the site's model loaded. */
export async function loadEngine() {
  const page = new DOMParser().parseFromString(await (await fetch("/site/index.html")).text(), "text/html");
  const { manifest, manifest_sha256 } = JSON.parse(page.getElementById("webllm-config").textContent);
  const record = { model_id: "model", manifest: new URL(manifest, new URL("/site/", location.href)).href, manifest_sha256 };
  const variant = settings.get("variant") ?? undefined;
  const engine = new MLCEngine({ appConfig: { model_list: [record] }, variant });
  await engine.reload(record.model_id);
  return engine;
}

/** The float32 values of an .npy file (little endian, row major). */
export async function fetchNpy(url) {
  const bytes = await (await fetch(url)).arrayBuffer();
  const header = new DataView(bytes).getUint16(8, true);
  const text = new TextDecoder().decode(new Uint8Array(bytes, 10, header));
  if (!text.includes("'<f4'") || !text.includes("'fortran_order': False")) throw new Error(`${url}: ${text}`);
  return new Float32Array(bytes.slice(10 + header));
}
