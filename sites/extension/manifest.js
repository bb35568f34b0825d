import { readFileSync } from "node:fs";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

/** elsewhere: the origin that weights come from, where it is not the extension itself. Nothing else can be reached from its pages. */
export default (elsewhere) => ({
  manifest_version: 3,
  name: "Ask this page",
  description: "Answers questions about the page, with a language model that runs in the browser. Nothing of the page leaves this device.",
  version,
  minimum_chrome_version: "116",
  icons: { 16: "icons/16.png", 48: "icons/48.png", 128: "icons/128.png" },
  action: { default_title: "Ask about this page" },
  background: { service_worker: "background.js", type: "module" },
  side_panel: { default_path: "panel.html" },
  permissions: ["activeTab", "offscreen", "scripting", "sidePanel", "storage", "unlimitedStorage"],
  // Together they give the engine's threads shared memory.
  cross_origin_embedder_policy: { value: "require-corp" },
  cross_origin_opener_policy: { value: "same-origin" },
  content_security_policy: {
    extension_pages: [
      "default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self'", "style-src 'self'", "img-src 'self'",
      `connect-src 'self' ${elsewhere}`.trim(), "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ].join("; "),
  },
});
