import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** Where the page may go. Weights from another host: add it to connect-src. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self'; img-src 'self' data:; "
  + "font-src 'self'; connect-src 'self' data: blob:; base-uri 'none'; form-action 'none'";

/** In a build: the page's policy, and a service worker that knows the build's files. */
function offline(): Plugin {
  return {
    name: "offline",
    apply: "build",
    enforce: "post",
    transformIndexHtml: () => [{ tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" }],
    generateBundle(_, bundle) {
      const names = Object.keys(bundle).sort();
      const hash = createHash("sha256");
      for (const name of names) {
        const file = bundle[name];
        hash.update(name).update(file?.type === "chunk" ? file.code : file?.source ?? "");
      }
      // The engine keeps the models' files itself.
      const kept = names.filter((name) => /\.(js|mjs|css|svg)$/.test(name));
      const lists = { VERSION: hash.digest("hex").slice(0, 16), FILES: ["./", ...kept.filter((name) => !isOfPdf(name))], PDF_FILES: kept.filter(isOfPdf) };
      const constants = Object.entries(lists).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};\n`).join("");
      const script = readFileSync(new URL("src/service_worker.js", import.meta.url), "utf-8");
      this.emitFile({ type: "asset", fileName: "sw.js", source: constants + script });
    },
  };
}

/** What reads PDFs: fetched with the first of them, and kept then. */
function isOfPdf(name: string): boolean {
  return /\/pdf[.-]/.test(name);
}

export default defineConfig({
  base: "./",
  // A package's small files stay files, which a policy without `data:` allows and a service worker keeps.
  build: { target: "es2022", assetsInlineLimit: 0 },
  // The package finds its worker and models beside itself: the development server must leave it where it is.
  optimizeDeps: { exclude: ["rag-models"] },
  plugins: [offline()],
});
