// Bundles the runtime into dist/: minified ES modules for browsers that have WebGPU.

import { build } from "esbuild";
import { copyFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bundledPackages } from "./bundled_packages.mjs";
import { inlined, inlineScript } from "./inline_script.mjs";
import { grammarModule, webXgrammar } from "./web_xgrammar.mjs";

/** A site's worker is one script from memory: what it loads later it imports from an address. */
const sitePart = {
  name: "site-part",
  setup({ onResolve }) {
    onResolve({ filter: /\/part\.ts$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, dirname(path), "site_part.ts") }));
  },
};

const shared = {
  outdir: "dist",
  bundle: true,
  minify: true,
  target: "es2022",
  legalComments: "none",
  metafile: true,
  logLevel: "info",
  plugins: [inlineScript, webXgrammar],
};

// Node shows the line of an error that nobody catches.
const shownByNode = { platform: "node", lineLimit: 160 };

await rm("dist", { recursive: true, force: true });
await mkdir("dist");
await writeFile("dist/grammar.wasm", await grammarModule());
await copyFile("src/view/icons.json", "dist/icons.json"); // for the page
const languages = (await readdir("src/app/words")).filter((name) => /^[a-z]{2}[.]ts$/.test(name)).map((name) => name.slice(0, 2));
const built = await Promise.all([
  // The package's entries, without import(), which service workers may not call and classic workers' bundles cannot hold. What they share is in chunks, so
  // that a page which has `handle` alone, or whose bundler drops what it does not use, gets no engine: that is in its worker. (Not index.js: Vite 8
  // takes the path of the package's own, which has effects, for both.)
  build({ ...shared, format: "esm", splitting: true, chunkNames: "chunks/[name]-[hash]", external: ["react"],
    entryPoints: { whole: "src/index.ts", handle: "src/handle.ts", "ai-sdk": "src/adapters/ai_sdk/index.ts", "prompt-api": "src/adapters/prompt_api/index.ts", react: "src/adapters/react/index.ts",
      element: "src/adapters/element/index.ts" } }),
  // A package's worker, and the engine and the views for tests, whole.
  build({ ...shared, format: "esm", entryPoints: { worker: "src/shared/worker_main.ts", debug: "src/bench/debug_engine.ts", drawing: "src/bench/drawing.ts" } }),
  // One file each: a page's assets.
  build({
    ...shared, format: "esm", plugins: [...shared.plugins, sitePart],
    entryPoints: {
      "site-worker": "src/shared/site_worker_main.ts", app: "src/app/main.ts", bench: "src/bench/main.ts", "bench-worker": "src/bench/worker_main.ts",
    },
  }),
  build({ ...shared, format: "esm", entryPoints: { structure: "src/engine/structure/compiled.ts", tokenizer: "src/tokenizer/chat_tokenizer.ts", media: "src/media/reader.ts", cpu: "src/executor/cpu/backend.ts", endpoint: "src/endpoint/answer.ts", remote: "src/app/remote/main.ts", chats: "src/app/sidebar/main.ts", markdown: "src/view/markdown.ts", highlight: "src/view/highlight.ts", mathematics: "src/view/mathematics.ts", storage: "src/app/view/storage-manager.ts", sounds: "src/app/sounds/main.ts" } }),
  // A page loads the words of its visitor's language; English ones are in the page. (Browsers read modules as UTF-8, whatever a server says.)
  build({ ...shared, format: "esm", charset: "utf8", entryPoints: Object.fromEntries(languages.map((language) => [`words-${language}`, `src/app/words/${language}.ts`])) }),
  // The package's entry outside of browsers, and the script of its engine's thread.
  build({
    ...shared, ...shownByNode, format: "esm", splitting: true, chunkNames: "chunks/node-[name]-[hash]",
    entryPoints: { node: "src/node.ts", "node-worker": "src/node/worker_main.ts" },
  }),
  // For Node: the program behind `webllm-build chat`.
  build({ ...shared, ...shownByNode, format: "esm", outExtension: { ".js": ".mjs" }, entryPoints: { chat: "src/node/chat_main.ts" } }),
  // For Node: the builder asks it what the page would say to a tokenizer.
  build({ ...shared, ...shownByNode, format: "esm", outExtension: { ".js": ".mjs" }, entryPoints: { "check-tokenizer": "src/tokenizer/check_main.ts" } }),
  // What pages look like.
  build({ ...shared, entryPoints: { style: "src/app/style.css", bench: "src/bench/bench.css" } }),
  // Classic scripts: one for importScripts, one that stands in pages.
  build({ ...shared, format: "iife", entryPoints: { "service-worker": "src/service-worker/index.ts", missing: "src/page/missing_main.ts" } }),
]);
// For the builder, which writes a page in one language: the texts of its template.
const words = await Promise.all(languages.map(async (language) => [language, (await import(`./dist/words-${language}.js`)).default.page]));
await writeFile("dist/words.json", JSON.stringify(Object.fromEntries(words)));
const packages = await bundledPackages(built.map(({ metafile }) => metafile), inlined, { "@mlc-ai/web-xgrammar": "grammar.wasm" });
await writeFile("dist/packages.json", JSON.stringify(packages, null, 1) + "\n"); // for bills of materials
