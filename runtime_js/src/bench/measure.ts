/** The whole benchmark, in the order in which it runs. */

import type { SiteModel } from "../page/config.ts";
import { RequestValidationError } from "../support/errors.ts";
import { infoOf, requestAdapter } from "../executor/adapter.ts";
import { chooseVariants } from "../executor/device.ts";
import { ModelLibrary } from "../executor/library.ts";
import { hasModelInCache } from "../api/cache.ts";
import { ModelFolder } from "../storage/model_folder.ts";
import { ChatTokenizer } from "../tokenizer/chat_tokenizer.ts";
import type { ModelRecord } from "../api/types.ts";
import { measureLoads } from "./load.ts";
import { MemoryWatch } from "./memory.ts";
import { DebugEngine } from "./debug_engine.ts";
import type { BenchOptions } from "./options.ts";
import { profileKernels, type ProfileCase } from "./profile.ts";
import { makePrompt } from "./prompt.ts";
import type { DecodeReport, ProfileReport, Report } from "./report.ts";
import { measureAnswers, measureDecode } from "./speed.ts";

type Log = (line: string) => void;
type EngineReport = Pick<Report, "loads" | "speed" | "decode" | "memory">;

const NOT_MEASURED: EngineReport = { loads: [], speed: null, decode: [], memory: null };
const NEVER = new AbortController().signal;

function checkLengths({ promptTokens, outputTokens, contexts }: BenchOptions, contextLength: number): void {
  const longest = Math.max(promptTokens, ...contexts) + outputTokens;
  if (longest > contextLength) {
    throw new RequestValidationError(
      `${longest} tokens are asked for, the model was built for ${contextLength}. Ask for fewer, or build with a longer context.`);
  }
}

async function measureEngine(record: ModelRecord, options: BenchOptions, log: Log): Promise<EngineReport> {
  const appConfig = { model_list: [record] };
  const memory = new MemoryWatch();
  memory.watch();
  const engine = new DebugEngine({ appConfig, device: "gpu", variant: options.variant, calibrate: options.calibrate });
  const loads = await measureLoads(engine, record.model_id, () => hasModelInCache(record.model_id, appConfig), options.runs, log);
  const folder = await ModelFolder.open(record, NEVER);
  const tokenizer = new ChatTokenizer(await folder.readJson(folder.manifest.tokenizer, NEVER), folder.manifest.tokenizerConfig);
  const speed = await measureAnswers(engine, makePrompt(tokenizer, options.promptTokens), options, log);
  const decode: DecodeReport[] = [];
  for (const context of [options.promptTokens, ...options.contexts]) decode.push(await measureDecode(engine, context, options, log));
  const used = memory.report();
  await engine.unload();
  return { loads, speed, decode, memory: used };
}

/** Decode steps at the end of the answer and behind each context, a prefill of the prompt in an empty cache. */
function profileCases({ promptTokens, outputTokens, contexts }: BenchOptions, prefillChunk: number): ProfileCase[] {
  const n = Math.min(promptTokens, prefillChunk);
  const lengths = [promptTokens + outputTokens, ...contexts];
  return [
    ...lengths.map((kvLength) => ({ name: "decode" as const, n: 1, kvLength })),
    { name: "sample", n: 1, kvLength: 1 },
    { name: "prefill", n, kvLength: n },
    { name: "logits", n, kvLength: n },
  ];
}

/** All kernels of the text, and of what sees, where the model has such. */
async function profile(folder: ModelFolder, library: ModelLibrary, options: BenchOptions, log: Log): Promise<ProfileReport> {
  const { machine, functions } = await profileKernels(folder, library, options, profileCases(options, library.plan.model.prefillChunk), log);
  const { tower } = folder;
  if (tower === undefined) return { machine, functions };
  const seeing = await ModelLibrary.load(await tower.read(tower.manifest.library, NEVER));
  const n = seeing.plan.model.prefillChunk;
  const { functions: ofPictures } = await profileKernels(tower, seeing, options, [{ name: "encode_image", n, kvLength: n }], log);
  return { machine, functions: [...functions, ...ofPictures] };
}

/** Runs what the options ask for; `log` gets a line for each thing that begins or ends. Raises the engine's errors. */
export async function measure(model: SiteModel, options: BenchOptions, log: Log): Promise<Report> {
  checkLengths(options, model.contextLength);
  const record = { model_id: model.id, manifest: model.manifest, manifest_sha256: model.manifestSha256 };
  const measured = options.runs === 0 ? NOT_MEASURED : await measureEngine(record, options, log);
  const folder = await ModelFolder.open(record, NEVER);
  const library = await ModelLibrary.load(await folder.read(folder.manifest.library, NEVER));
  const adapter = await requestAdapter();
  const { vendor, architecture, device, description } = infoOf(adapter);
  return {
    format: 1,
    date: new Date().toISOString(),
    model: model.name,
    quantization: model.quantization,
    gpu: [...new Set([vendor, architecture, device, description].filter((part) => part !== ""))].join(" "),
    browser: navigator.userAgent,
    variant: chooseVariants(adapter, library.plan, options.variant)[0].name,
    options: { prompt_tokens: options.promptTokens, output_tokens: options.outputTokens, runs: options.runs, contexts: options.contexts },
    ...measured,
    profile: options.kernels ? await profile(folder, library, options, log) : null,
  };
}
