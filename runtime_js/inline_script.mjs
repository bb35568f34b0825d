// import script from "inline:./worker.ts" gives the text of worker.ts, bundled to a classic script: a worker without a file of its own.
// import bytes from "wat:./kernel.wat" gives the WebAssembly module of kernel.wat.

import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import openWabt from "wabt";

const ROOT = fileURLToPath(new URL(".", import.meta.url));

/** esbuild names chunks by the paths of what is in them, and of ours takes these as they are: where the checkout lies must not be in them. */
const pathBelow = (folder, path) => relative(ROOT, join(folder, path)).replaceAll("\\", "/");

/** Paths of what is in each such script, by the script's path. */
export const inlined = new Map();

export const inlineScript = {
  name: "inline-script",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^inline:/ }, ({ path, resolveDir }) => ({ path: pathBelow(resolveDir, path.slice("inline:".length)), namespace: "inline" }));
    onLoad({ filter: /.*/, namespace: "inline" }, async ({ path }) => {
      const { outputFiles, metafile } = await build({ entryPoints: [join(ROOT, path)], bundle: true, minify: true, format: "iife", target: "es2022", write: false, metafile: true, plugins: [inlineScript] });
      inlined.set(path, Object.keys(metafile.inputs));
      return { contents: outputFiles[0].text, loader: "text" };
    });
    onResolve({ filter: /^wat:/ }, ({ path, resolveDir }) => ({ path: pathBelow(resolveDir, path.slice("wat:".length)), namespace: "wat" }));
    onLoad({ filter: /.*/, namespace: "wat" }, async ({ path }) => {
      const module = (await openWabt()).parseWat(basename(path), await readFile(join(ROOT, path), "utf8"), { simd: true });
      const text = Buffer.from(module.toBinary({}).buffer).toString("base64");
      return { contents: `export default Uint8Array.from(atob("${text}"), (byte) => byte.charCodeAt(0));`, loader: "js" };
    });
  },
};
