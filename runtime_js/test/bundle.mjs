// Bundles one module for a browser test: node test/bundle.mjs src/storage/model_folder.ts out.js

import { build } from "esbuild";
import { inlineScript } from "../inline_script.mjs";

const [entry, outfile] = process.argv.slice(2);
await build({ entryPoints: [entry], outfile, bundle: true, format: "esm", target: "es2022", logLevel: "warning", plugins: [inlineScript] });
