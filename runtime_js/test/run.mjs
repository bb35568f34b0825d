// Compiles every test/*.test.ts, and every *.test.mjs (whose libraries have types that do not fit ours), and runs them with node's test runner. Arguments name tests to run: `npm test protocol`.

import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inlineScript } from "../inline_script.mjs";
import { webXgrammar } from "../web_xgrammar.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
const asked = process.argv.slice(2);
const names = (await readdir(folder)).filter((name) => /[.]test[.](ts|mjs)$/.test(name) && (asked.length === 0 || asked.some((word) => name.includes(word))));
const out = await mkdtemp(join(tmpdir(), "runtime-tests-"));
try {
  await build({
    entryPoints: names.map((name) => join(folder, name)), outdir: out, outExtension: { ".js": ".mjs" },
    bundle: true, format: "esm", platform: "node", sourcemap: "inline", logLevel: "warning", plugins: [inlineScript, webXgrammar],
    // As `npm i @mlc-ai/web-llm@npm:...` puts a package of ours in its place.
    alias: { "@mlc-ai/web-llm": join(folder, "../src/index.ts") },
    // For packages in CommonJS that ask for Node's own modules.
    banner: { js: 'import { createRequire as createRequireOfTests } from "node:module"; const require = createRequireOfTests(import.meta.url);' },
  });
  const files = names.map((name) => join(out, name.replace(/(ts|mjs)$/, "mjs")));
  process.exitCode = spawnSync(process.execPath, ["--enable-source-maps", "--test", "--test-timeout=60000", "--test-reporter=spec", ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  await rm(out, { recursive: true, force: true });
}
