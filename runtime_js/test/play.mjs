// Bundles the main.ts of a folder here and runs it: npm run simulate -- --seed 1 --operations 1000000

import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const out = await mkdtemp(join(tmpdir(), "runtime-simulate-"));
try {
  const [program, kind, ...given] = [join(out, "main.mjs"), ...process.argv.slice(2)];
  const run = (...words) => spawnSync(process.execPath, words, { stdio: "inherit", cwd: join(folder, "..") }).status ?? 1;
  process.exitCode = run(join(folder, "bundle.mjs"), join(folder, kind, "main.ts"), program, "--node") || run("--enable-source-maps", program, ...given);
} finally {
  await rm(out, { recursive: true, force: true });
}
