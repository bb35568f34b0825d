// Bundles one module for a test: node test/bundle.mjs src/storage/model_folder.ts out.js [NAME=FILE...]. "--node" bundles for Node.
// NAME=FILE: a file that stands in a package's place.

import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { inlineScript } from "../inline_script.mjs";
import { webXgrammar } from "../web_xgrammar.mjs";

const [entry, outfile, ...more] = process.argv.slice(2);
const forNode = more.includes("--node");
const alias = Object.fromEntries(more.filter((word) => word !== "--node").map((word) => word.split("=", 2)));
await build({
  entryPoints: [entry], outfile, bundle: true, format: "esm", target: "es2022", logLevel: "warning", alias,
  nodePaths: [fileURLToPath(new URL("../node_modules", import.meta.url))],
  ...(forNode && { platform: "node" }), plugins: [inlineScript, ...(forNode ? [webXgrammar] : [])],
});
