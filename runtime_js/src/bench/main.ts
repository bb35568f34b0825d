/**
 * Entry point of bench.html: has a worker measure at once what the address asks for, and shows and logs the result. The last console
 * line starts with DONE and goes on with JSON: the report and its tables, or {"error": {"code", "message"}}.
 */

import { readConfig, type PageConfig, type SiteModel } from "../page/config.ts";
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

function chosen({ models }: PageConfig, id: string | undefined): SiteModel {
  const model = id === undefined ? models[0] : models.find((one) => one.id === id);
  if (model === undefined) throw new RequestValidationError(`Invalid address: there is no model "${id}"; there are ${models.map((one) => one.id).join(", ")}.`);
  return model;
}

async function measure({ worker: script, parts }: PageConfig, request: BenchRequest): Promise<Report> {
  const startWorker = await new WorkerScript(script).load();
  const worker = startWorker(workerName(parts));
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
  const options = readOptions();
  const report = await measure(config, { model: chosen(config, options.model), options });
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
