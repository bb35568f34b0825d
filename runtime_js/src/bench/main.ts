/**
 * Entry point of bench.html: has a worker measure at once what the address asks for, and shows and logs the result. The last console
 * line starts with DONE and goes on with JSON: the report and its tables, or {"error": {"code", "message"}}.
 */

import { readConfig } from "../page/config.ts";
import { byId, element } from "../view/dom.ts";
import { WorkerScript } from "../page/worker-script.ts";
import { InternalError, RequestValidationError, asEngineError, fromWire } from "../support/errors.ts";
import { workerName } from "../support/site_parts.ts";
import type { BenchReply, BenchRequest } from "./messages.ts";
import { parseOptions, type BenchOptions } from "./options.ts";
import type { Report } from "./report.ts";
import { asText, makeTables, type Table } from "./tables.ts";

const status = byId("status", HTMLParagraphElement);

function log(line: string): void {
  console.log(line);
  status.textContent = line;
}

function show({ title, head, rows }: Table): HTMLElement {
  const cells = (row: readonly string[], tag: "td" | "th"): HTMLElement => element("tr", {}, ...row.map((cell) => element(tag, {}, cell)));
  return element("table", {}, element("caption", {}, title), cells(head, "th"), ...rows.map((row) => cells(row, "td")));
}

function readOptions(): BenchOptions {
  try {
    return parseOptions(location.search);
  } catch (error) {
    throw error instanceof RangeError ? new RequestValidationError(`Invalid address: ${error.message}.`) : error;
  }
}

async function measure(request: BenchRequest): Promise<Report> {
  const startWorker = await new WorkerScript(request.config.worker).load();
  const worker = startWorker(workerName(request.config.parts));
  return new Promise<Report>((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new InternalError(message || "The worker that measures did not start."));
    worker.onmessage = ({ data }: MessageEvent<BenchReply>) => {
      if (data.kind === "line") log(data.text);
      else if (data.kind === "done") resolve(data.report);
      else reject(fromWire(data.error));
    };
    worker.postMessage(request);
  });
}

try {
  const config = readConfig(byId("webllm-config", HTMLScriptElement).text, location.href);
  const report = await measure({ config, options: readOptions() });
  const tables = makeTables(report);
  log(`${report.model} (${report.quantization}), variant ${report.variant}, on ${report.gpu}`);
  byId("tables", HTMLDivElement).append(...tables.map(show));
  for (const table of tables) console.log(asText(table));
  console.log(`DONE ${JSON.stringify({ ...report, tables })}`);
} catch (thrown) {
  const { code, message } = asEngineError(thrown);
  log(`FAIL ${message}`);
  console.log(`DONE ${JSON.stringify({ error: { code, message } })}`);
}
