// How tests are bundled for Node.

import { fileURLToPath } from "node:url";
import { inlineScript } from "../inline_script.mjs";
import { webXgrammar } from "../web_xgrammar.mjs";

export const bundling = {
  // What reads PDFs needs the site's own packages, and a browser.
  external: ["./pdf.ts"],
  bundle: true, format: "esm", platform: "node", sourcemap: "inline", logLevel: "warning", plugins: [inlineScript, webXgrammar],
  // As `npm i @mlc-ai/web-llm@npm:...` puts a package of ours in its place.
  alias: { "@mlc-ai/web-llm": fileURLToPath(new URL("../src/index.ts", import.meta.url)) },
  // For packages in CommonJS that ask for Node's own modules.
  banner: { js: 'import { createRequire as createRequireOfTests } from "node:module"; const require = createRequireOfTests(import.meta.url);' },
};
