/** The program behind `webllm-build chat`: chat.mjs [--continues] [--sampling=JSON] [--system=TEXT] [--prompt=TEXT] MODEL, a manifest's path or a folder's. */

import "./platform.ts";
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { text } from "node:stream/consumers";
import { MLCEngine } from "../api/engine.ts";
import { describeComputer } from "../executor/devices.ts";
import { readSamplingDefaults } from "../storage/sampling_defaults.ts";
import { InternalError } from "../support/errors.ts";
import { Fields } from "../support/fields.ts";
import { Terminal, describeError } from "./terminal.ts";

const { values, positionals: [model = "."] } = parseArgs({
  options: { continues: { type: "boolean" }, sampling: { type: "string", default: "{}" }, system: { type: "string" }, prompt: { type: "string" } },
  allowPositionals: true,
});
const { stdin, stdout, stderr } = process;
const said = new Fields(JSON.parse(values.sampling), "sampling", (message) => new InternalError(message));
const engine = new MLCEngine({
  initProgressCallback: ({ progress, text: doing, computer, warning }) => {
    if (warning !== undefined) terminal.busy(`Note: ${warning}\n`);
    terminal.busy(computer === undefined ? `${Math.floor(100 * progress)} % ${doing}`.slice(0, (stderr.columns || 80) - 1)
      : `It runs on the ${describeComputer(computer)}. Ctrl+C stops an answer, and ends where none runs.\n`);
  },
});
const terminal = new Terminal(engine, {
  continues: values.continues === true, system: values.system, sampling: readSamplingDefaults(said), input: stdin, output: stdout, notes: stderr,
  styled: (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb",
  open: async (path) => new Blob([await readFile(path)]),
  quit: () => process.exit(terminal.exitCode), // what still computes ends with it
});

stdout.on("error", () => process.exit()); // whoever read it has enough
process.on("SIGINT", () => terminal.interrupt());

try {
  await engine.reload(model);
  const prompt = values.prompt ?? (stdin.isTTY ? undefined : await text(stdin));
  await (prompt === undefined ? terminal.converse() : terminal.answer(prompt));
  await engine.unload();
  process.exitCode = terminal.exitCode;
} catch (error) {
  terminal.busy("");
  stderr.write(describeError(error));
  process.exitCode = 1;
}
