/** Times loads of the model: one as its files lie, then from storage. */

import { InternalError } from "../support/errors.ts";
import type { InitProgressReport, MLCEngineInterface } from "../api/types.ts";
import type { LoadReport } from "./report.ts";
import { median } from "./statistics.ts";

type Log = (line: string) => void;
type Loader = Pick<MLCEngineInterface, "unload" | "reload" | "setInitProgressCallback">;

async function load(engine: Loader, modelId: string, isStored: () => Promise<boolean>, log: Log): Promise<LoadReport> {
  await engine.unload();
  const from = await isStored() ? "storage" : "network";
  log(`Loading the model from ${from}`);
  const reports: InitProgressReport[] = [];
  engine.setInitProgressCallback((report) => reports.push(report));
  await engine.reload(modelId);
  const last = reports.at(-1);
  if (last?.times === undefined) throw new InternalError("A load ended without its times.");
  return { from, loads: 1, ...last.times, ready: last.timeElapsed };
}

/** The first load, which stores what it fetches, then the medians of `runs` more. The engine keeps the model of the last. */
export async function measureLoads(
  engine: Loader, modelId: string, isStored: () => Promise<boolean>, runs: number, log: Log,
): Promise<LoadReport[]> {
  const first = await load(engine, modelId, isStored, log);
  const again: LoadReport[] = [];
  for (let run = 0; run < runs; run++) again.push(await load(engine, modelId, isStored, log));
  const of = (key: Exclude<keyof LoadReport, "from">): number => median(again.map((report) => report[key]));
  const from = again.at(-1)?.from ?? first.from;
  return [first, {
    from, loads: runs,
    manifest: of("manifest"), device: of("device"), tokenizer: of("tokenizer"), kernels: of("kernels"), weights: of("weights"), ready: of("ready"),
  }];
}
