/** Loads a model: its description, then weights, code, device and kernels side by side. */

import { requestAdapter } from "../executor/adapter.ts";
import { BufferTable } from "../executor/buffers.ts";
import { DeviceWatch, chooseVariant, requestDevice } from "../executor/device.ts";
import { PlanExecutor, maxPages, type ExecutorParts } from "../executor/executor.ts";
import { ModelLibrary } from "../executor/library.ts";
import { compileKernels } from "../executor/pipelines.ts";
import { TileChoice, type Calibration } from "../executor/tiles.ts";
import { matchTensors, writeStretch } from "../executor/weights.ts";
import { AbortError, RequestValidationError } from "../support/errors.ts";
import { log } from "../support/log.ts";
import { LoadProgress, type InitProgressCallback } from "./progress.ts";
import { Sequence } from "./sequence.ts";
import { Session } from "./session.ts";
import { ModelFolder, type ModelSource } from "../storage/model_folder.ts";
import { askForPersistence } from "../storage/quota.ts";
import { ChatTokenizer } from "../tokenizer/chat_tokenizer.ts";

/** Tokens that the KV cache has room for at first; it doubles as a conversation grows. */
const INITIAL_TOKENS = 256;
const TIMESTAMPS = "timestamp-query";

/** A model to load, and how. */
export interface ModelChoice {
  /** What responses call the model. */
  readonly modelId: string;
  readonly source: ModelSource;
  /** Tokens that one conversation may hold; default: the model's own length. */
  readonly contextLength?: number | undefined;
  /** Runs this variant of the model or fails; default: the first that the adapter supports. */
  readonly variant?: string | undefined;
  readonly calibrate?: Calibration | undefined;
}

/** Of ExecutorParts, what needs no kernels. */
type Gpu = Omit<ExecutorParts, "kernels" | "library"> & { readonly library: ModelLibrary; readonly tiles: TileChoice };

function contextLengthOf(asked: number, modelLength: number, pagesAllowed: number, pageSize: number): number {
  if (asked > modelLength) {
    throw new RequestValidationError(`context_window_size is ${asked}, but the model was built for ${modelLength} tokens at most.`);
  }
  const allowed = Math.min(asked, pagesAllowed * pageSize);
  if (allowed < asked) log.warn(`The context window is ${allowed} tokens: this GPU allows no larger buffers.`);
  return allowed;
}

/** A device of the adapter, and all buffers of the model on it. */
async function prepareGpu(adapter: GPUAdapter, library: ModelLibrary, folder: ModelFolder, choice: ModelChoice): Promise<Gpu> {
  const { variant: forced, calibrate = "auto" } = choice;
  const { plan } = library;
  const variant = chooseVariant(adapter, plan, forced);
  const tiles = await TileChoice.open(adapter, variant, calibrate, folder);
  const { pageSize, contextLength: modelLength } = plan.model;
  const asked = choice.contextLength ?? modelLength;
  const longest = Math.ceil(asked / pageSize) * variant.kvPageBytes;
  const device = await requestDevice(adapter, variant, longest, tiles.isOpen && adapter.features.has(TIMESTAMPS) ? [TIMESTAMPS] : []);
  try {
    const watch = new DeviceWatch(device);
    const contextLength = contextLengthOf(asked, modelLength, maxPages(device, variant), pageSize);
    log.info(`Variant ${variant.name} on ${adapter.info.vendor} ${adapter.info.architecture}, context window ${contextLength} tokens`);
    const buffers = await BufferTable.create(device, plan, variant, Math.ceil(Math.min(INITIAL_TOKENS, contextLength) / pageSize));
    return { library, variant, tiles, device, watch, buffers, contextLength };
  } catch (error) {
    device.destroy();
    throw error;
  }
}

/** Weights are read from the moment that the manifest is there; the device, its buffers and kernels are made meanwhile. */
export async function loadSession(choice: ModelChoice, onProgress: InitProgressCallback, signal: AbortSignal): Promise<Session> {
  const progress = new LoadProgress(onProgress);
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  let prepared: Promise<Gpu> | undefined;
  try {
    const [adapter, folder] = await progress.timed("manifest",
      Promise.all([requestAdapter(), ModelFolder.open(choice.source, stop), askForPersistence()]));
    const { manifest } = folder;
    progress.warn(folder.warning);
    progress.weightsBegin(manifest.weights.bytes);
    const gpu = prepared = folder.read(manifest.library, stop).then(async (bytes) => {
      const library = await ModelLibrary.load(bytes);
      matchTensors(manifest.tensors, library.plan);
      return prepareGpu(adapter, library, folder, choice);
    });
    const kernels = gpu.then(({ device, library, variant, tiles }) =>
      compileKernels(device, library.plan, variant, tiles.wanted, (done, total) => progress.compiled(done, total)));
    // Reading a tokenizer keeps this thread busy: kernels are asked for first.
    const tokenizer = Promise.all([folder.readJson(manifest.tokenizer, stop), gpu]).then(([json]) =>
      new ChatTokenizer(json, manifest.tokenizerConfig));
    const weights = folder.readShards(stop, (file, bytes) => progress.received(file, bytes), async (offset, bytes) => {
      const { device, watch, buffers } = await gpu;
      writeStretch(device.queue, buffers, manifest.tensors, offset, bytes);
      device.queue.submit([]);
      await watch.guard(device.queue.onSubmittedWorkDone()); // so that no more than the shards in flight wait in memory
    });
    const [parts, compiled, chatTokenizer] = await Promise.all([
      progress.timed("device", gpu), progress.timed("kernels", kernels), progress.timed("tokenizer", tokenizer),
      progress.timed("weights", weights),
    ]);
    const { device, watch, library, variant, tiles, buffers } = parts;
    watch.check();
    const chosen = await tiles.settle(parts, compiled, signal);
    if (signal.aborted) throw new AbortError("Loading was stopped.");
    const executor = new PlanExecutor({ ...parts, kernels: chosen });
    const sequence = new Sequence(library.abi, executor, buffers.pages);
    await watch.guard(device.queue.onSubmittedWorkDone()); // what is wrong with buffers or bindings shows here, not in the first answer
    progress.warn(folder.warning);
    progress.ready(`Ready on ${adapter.info.vendor || "this GPU"} (${variant.name})`);
    return new Session({
      device, executor, sequence, tokenizer: chatTokenizer, eosTokenIds: new Set(manifest.eosTokenIds), modelId: choice.modelId,
    });
  } catch (error) {
    failed.abort(); // what is still being read
    prepared?.then(({ device }) => device.destroy(), () => undefined);
    throw error;
  }
}
