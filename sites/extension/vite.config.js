import { cpSync } from "node:fs";
import { defineConfig } from "vite";
import manifest from "./manifest.js";

/**
 * Where the model's weights are. By default the extension carries them: package/weights is copied into it. Otherwise an https address with a
 * slash at its end, of a folder that allows other origins (CORS): they are downloaded from there once.
 */
const weights = process.env.WEIGHTS ?? "weights/";
const isElsewhere = URL.canParse(weights);

const extension = {
  name: "extension",
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "manifest.json", source: JSON.stringify(manifest(isElsewhere ? new URL(weights).origin : ""), null, 2) });
  },
  writeBundle({ dir }) {
    if (!isElsewhere) cpSync("package/weights", `${dir}/weights`, { recursive: true });
  },
};

export default defineConfig({
  base: "./",
  publicDir: "static",
  define: { WEIGHTS: JSON.stringify(weights) },
  plugins: [extension],
  worker: { format: "es" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // a file that is written into a script is an address that the extension's policy forbids
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { panel: "panel.html", engine: "engine.html", background: "src/background.ts" },
      output: { entryFileNames: ({ name }) => (name === "background" ? "[name].js" : "assets/[name]-[hash].js") },
    },
  },
});
