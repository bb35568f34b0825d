/** The script of the worker that measures: a dedicated worker, as the engine has on a chat page. */

import { isReader } from "../storage/reader/site_part.ts";
import { serveReads } from "../storage/reader/worker.ts";
import { toWire } from "../support/errors.ts";
import { measure } from "./measure.ts";
import type { BenchReply, BenchRequest } from "./messages.ts";

function reply(message: BenchReply): void {
  globalThis.postMessage(message);
}

if (isReader()) serveReads();
else globalThis.addEventListener("message", ({ data }: MessageEvent<BenchRequest>) => {
  measure(data.model, data.options, (text) => reply({ kind: "line", text })).then(
    (report) => reply({ kind: "done", report }),
    (error: unknown) => reply({ kind: "failed", error: toWire(error) }));
});
