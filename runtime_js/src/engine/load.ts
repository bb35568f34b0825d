/** Loads a model: its description, then weights, code, device and kernels side by side. */

import { requestAdapter } from "../executor/adapter.ts";
import { BufferTable } from "../executor/buffers.ts";
import { DeviceWatch, chooseVariant, requestDevice } from "../executor/device.ts";
import { PlanExecutor, maxPages, type ExecutorParts } from "../executor/executor.ts";
import { ModelLibrary } from "../executor/library.ts";
import { compileKernels } from "../executor/pipelines.ts";
import { TileChoice } from "../executor/tiles.ts";
import { matchTensors, writeStretch } from "../executor/weights.ts";
import { abortError, abortable, childController } from "../support/abort.ts";
import { RequestValidationError } from "../support/errors.ts";
import { log } from "../support/log.ts";
import type { LoadListener, ModelChoice } from "./choice.ts";
import { LoadProgress } from "./progress.ts";
import { SequenceManager } from "./sequences.ts";
import { Session, type SessionParts } from "./session.ts";
import { ModelFolder } from "../storage/model_folder.ts";
import { ChatTokenizer } from "../tokenizer/chat_tokenizer.ts";

/** Tokens that the KV cache has room for at first; it doubles as a conversation grows. */
const INITIAL_TOKENS = 256;
const TIMESTAMPS = "timestamp-query";
const STOPPED = "Loading was stopped.";

/** Of ExecutorParts, what needs no kernels. */
export type Gpu = Omit<ExecutorParts, "kernels" | "library"> & { readonly library: ModelLibrary; readonly tiles: TileChoice };

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

/** What a session is made of, with the GPU that is behind it. */
export interface LoadedModel extends SessionParts {
  readonly gpu: Gpu;
}

/**
 * Weights are read from the moment that the manifest is there; the device, its buffers and kernels are made meanwhile. A load that is
 * stopped, or fails, has freed the device when it rejects, whatever still compiles.
 */
export async function loadModel(choice: ModelChoice, listener: LoadListener, signal: AbortSignal): Promise<LoadedModel> {
  const progress = new LoadProgress((report) => { if (!signal.aborted) listener.progress(report); });
  const failed = childController(signal);
  const stop = failed.signal;
  let prepared: Promise<Gpu> | undefined;
  try {
    const [adapter, folder] = await progress.timed("manifest",
      abortable(Promise.all([requestAdapter(), ModelFolder.open(choice.source, stop, (reason) => progress.waiting(reason))]), signal, STOPPED));
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
    const [parts, compiled, chatTokenizer] = await abortable(Promise.all([
      progress.timed("device", gpu), progress.timed("kernels", kernels), progress.timed("tokenizer", tokenizer),
      progress.timed("weights", weights),
    ]), signal, STOPPED);
    const { device, watch, library, variant, tiles, buffers } = parts;
    watch.check();
    const chosen = await tiles.settle(parts, compiled, signal);
    const runner = new PlanExecutor({ ...parts, kernels: chosen });
    const sequences = new SequenceManager(library.abi, runner, buffers.pages);
    await abortable(watch.guard(device.queue.onSubmittedWorkDone()), signal, STOPPED); // wrong buffers or bindings show here, not in an answer
    progress.warn(folder.warning);
    progress.ready(`Ready on ${adapter.info.vendor || "this GPU"} (${variant.name})`);
    let isDisposed = false;
    void watch.lost.then((error) => { if (!isDisposed) listener.lost(error); });
    return {
      runner, sequences, tokenizer: chatTokenizer, eosTokenIds: new Set(manifest.eosTokenIds), modelId: choice.modelId, gpu: parts,
      dispose: () => {
        isDisposed = true;
        device.destroy(); // with everything that was made on it
      },
    };
  } catch (error) {
    failed.abort(); // what is still being read
    await prepared?.then(({ device }) => device.destroy(), () => undefined);
    throw signal.aborted ? abortError(signal, STOPPED) : error;
  }
}

export async function loadSession(choice: ModelChoice, listener: LoadListener, signal: AbortSignal): Promise<Session> {
  return new Session(await loadModel(choice, listener, signal));
}
