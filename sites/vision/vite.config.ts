import { defineConfig, type Plugin } from "vite";

/** Where the page may go. Weights from another host: add it to connect-src. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self'; img-src 'self' data: blob:; "
  + "connect-src 'self' data: blob:; base-uri 'none'; form-action 'none'";

const policy: Plugin = {
  name: "policy",
  apply: "build",
  transformIndexHtml: () => [{ tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" }],
};

export default defineConfig({
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0 },
  // The package finds its worker and model beside itself: the development server must leave it where it is.
  optimizeDeps: { exclude: ["vision-model"] },
  plugins: [policy],
});
