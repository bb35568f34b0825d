// Compiles every test/*.test.ts, every *.test.mjs (whose libraries have types that do not fit ours), and the tests of sites/, and runs them with node's test
// runner. Arguments name tests to run: `npm test protocol`.

import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundling } from "./bundling.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
const asked = process.argv.slice(2);
const sites = join(folder, "../../sites");
const folders = [folder, ...(await readdir(sites)).map((site) => join(sites, site, "test")).filter((path) => existsSync(path))];
const entries = (await Promise.all(folders.map(async (path) => (await readdir(path)).map((name) => join(path, name))))).flat()
  .filter((path) => /[.]test[.](ts|mjs)$/.test(path))
  .map((path) => ({ in: path, out: (path.startsWith(sites) ? `${basename(dirname(dirname(path)))}_${basename(path)}` : basename(path)).replace(/[.](ts|mjs)$/, "") }))
  .filter(({ out }) => asked.length === 0 || asked.some((word) => out.includes(word)));
const out = await mkdtemp(join(tmpdir(), "runtime-tests-"));
try {
  await build({ ...bundling, entryPoints: entries, outdir: out, outExtension: { ".js": ".mjs" } });
  const files = entries.map(({ out: name }) => join(out, `${name}.mjs`));
  // By itself Node leaves one processor idle.
  const options = ["--enable-source-maps", "--test", "--test-timeout=300000", "--test-reporter=spec", `--test-concurrency=${availableParallelism()}`];
  process.exitCode = spawnSync(process.execPath, [...options, ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  await rm(out, { recursive: true, force: true });
}
