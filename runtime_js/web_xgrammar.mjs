// The grammar engine of npm's @mlc-ai/web-xgrammar, without the script around it: its WebAssembly module becomes a file of its own, and
// import from "web-xgrammar:names" gives what the module calls its imports and exports, which Emscripten has shortened. Tests import the
// module's bytes from "web-xgrammar:module".

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("node_modules/@mlc-ai/web-xgrammar/lib/index.js", import.meta.url));

function found(script, pattern) {
  const match = pattern.exec(script);
  if (match === null) throw new Error(`@mlc-ai/web-xgrammar is not as web_xgrammar.mjs knows it: ${pattern} is not there`);
  return match[1];
}

async function read() {
  const script = await readFile(SCRIPT, "utf8");
  const module = Buffer.from(found(script, /"data:application\/octet-stream;base64,([A-Za-z0-9+/=]+)"/), "base64");
  const imports = Object.fromEntries(
    found(script, /wasmImports=\{([^}]*)\}/).split(",").map((pair) => pair.split(":")).map(([short, name]) => [short, name.replace(/^_/, "")]));
  const exports = {
    memory: found(script, /wasmMemory=wasmExports\["(\w+)"\]/), table: found(script, /wasmTable=wasmExports\["(\w+)"\]/),
    start: found(script, /addOnInit\(wasmExports\["(\w+)"\]\)/), malloc: found(script, /_malloc=wasmExports\["(\w+)"\]/),
    free: found(script, /_free=wasmExports\["(\w+)"\]/),
  };
  return { module, names: { imports, exports, sha256: createHash("sha256").update(module).digest("hex") } };
}

/** The bytes of the WebAssembly module. */
export async function grammarModule() {
  return (await read()).module;
}

export const webXgrammar = {
  name: "web-xgrammar",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^web-xgrammar:(names|module)$/ }, ({ path }) => ({ path, namespace: "web-xgrammar" }));
    onLoad({ filter: /names$/, namespace: "web-xgrammar" }, async () => ({ contents: JSON.stringify((await read()).names), loader: "json" }));
    onLoad({ filter: /module$/, namespace: "web-xgrammar" }, async () => (
      { contents: `export default new Uint8Array(Buffer.from("${(await read()).module.toString("base64")}", "base64"))` }));
  },
};
