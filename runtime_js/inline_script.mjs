// import script from "inline:./worker.ts" gives the text of worker.ts, bundled to a classic script: a worker without a file of its own.

import { build } from "esbuild";
import { join } from "node:path";

/** Paths of what is in each such script, by the script's path. */
export const inlined = new Map();

export const inlineScript = {
  name: "inline-script",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^inline:/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.slice("inline:".length)), namespace: "inline" }));
    onLoad({ filter: /.*/, namespace: "inline" }, async ({ path }) => {
      const { outputFiles, metafile } = await build({ entryPoints: [path], bundle: true, minify: true, format: "iife", target: "es2022", write: false, metafile: true });
      inlined.set(path, Object.keys(metafile.inputs));
      return { contents: outputFiles[0].text, loader: "text" };
    });
  },
};
