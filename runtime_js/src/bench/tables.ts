/** A report as tables of text: for the page, the console and the command alike. */

import { formatBytes } from "../support/format.ts";
import type { FunctionReport, MachineReport, Report } from "./report.ts";

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  /** As many cells as `head`; the first of each is a name, the others are numbers. */
  readonly rows: readonly (readonly string[])[];
}

/** Three digits or more; two of a small number. */
function figure(value: number): string {
  if (value < 0.1) return value === 0 ? "0" : value.toPrecision(2);
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function functionTable({ name, new_tokens: tokens, context_tokens: context, us, kernels }: FunctionReport): Table {
  const rows = kernels.map((kernel) => [
    `${kernel.tile} ${kernel.weights}`.trim(), String(kernel.dispatches), figure(kernel.us), percent(kernel.share),
    kernel.bytes > 0 ? figure(kernel.bytes / kernel.us / 1e3) : "", kernel.flops > 0 ? figure(kernel.flops / kernel.us / 1e6) : "",
    figure(kernel.floor_us),
  ]);
  const dispatches = kernels.reduce((sum, kernel) => sum + kernel.dispatches, 0);
  const floor = kernels.reduce((sum, kernel) => sum + kernel.floor_us * kernel.dispatches, 0);
  return {
    title: `${name}: ${tokens} new of ${context} tokens`,
    head: ["kernel", "count", "µs each", "share", "GB/s", "TFLOP/s", "floor µs"],
    rows: [...rows, ["all in one pass", String(dispatches), figure(us), "", "", "", figure(floor)]],
  };
}

function machineTable({ read_gb_per_s: read, tflop_per_s: flops, dispatch_us: dispatch }: MachineReport): Table {
  return {
    title: "What this GPU can do", head: ["", ""],
    rows: [["reading, GB/s", figure(read)], ["multiply-adds, TFLOP/s", figure(flops)], ["a dispatch, µs", figure(dispatch)]],
  };
}

export function makeTables(report: Report): Table[] {
  const tables: Table[] = [];
  const { speed, memory, profile } = report;
  if (speed !== null) {
    tables.push({
      title: `Answers: median of ${speed.runs.length}`, head: ["prompt and answer", "first token ms", "prefill tokens/s", "decode tokens/s"],
      rows: [[`${speed.prompt_tokens} + ${speed.output_tokens} tokens`, figure(speed.time_to_first_token_ms),
        figure(speed.prefill_tokens_per_s), figure(speed.decode_tokens_per_s)]],
    });
  }
  const [nearest] = report.decode;
  if (nearest !== undefined) {
    tables.push({
      title: `Decoding ${nearest.output_tokens} tokens`, head: ["behind", "tokens/s", "relative", "p50 ms", "p90 ms", "p99 ms"],
      rows: report.decode.map(({ context_tokens: context, tokens_per_s: rate, token_ms: { p50, p90, p99 } }) =>
        [`${context} tokens`, figure(rate), figure(rate / nearest.tokens_per_s), figure(p50), figure(p90), figure(p99)]),
    });
  }
  if (report.loads.length > 0) {
    tables.push({
      title: "Loading: seconds until each part is done", head: ["from", "loads", "manifest", "device", "tokenizer", "kernels", "weights", "ready"],
      rows: report.loads.map((load) => [load.from, String(load.loads),
        ...[load.manifest, load.device, load.tokenizer, load.kernels, load.weights, load.ready].map(figure)]),
    });
  }
  if (memory !== null) {
    tables.push({
      title: "GPU memory", head: ["", "weights", "KV cache", "rest", "peak"],
      rows: [["buffers", ...[memory.weights, memory.kv, memory.rest, memory.peak].map(formatBytes)]],
    });
  }
  if (profile !== null) tables.push(machineTable(profile.machine), ...profile.functions.map(functionTable));
  return tables;
}

/** The table in lines of monospaced text. */
export function asText({ title, head, rows }: Table): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ").trimEnd();
  return [title, ...[head, ...rows].filter((row) => row.some((cell) => cell !== "")).map((row) => `  ${line(row)}`)].join("\n");
}
