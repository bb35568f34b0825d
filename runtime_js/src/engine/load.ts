/** Loads a model: its description, then weights, code, device and kernels side by side. */

import { infoOf, requestAdapter } from "../executor/adapter.ts";
import { chooseVariants } from "../executor/device.ts";
import { ModelLibrary } from "../executor/library.ts";
import { describeMemory, estimateOn } from "../executor/memory.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import { openDevice, startModel, type ModelDevice, type RunningModel } from "../executor/start.ts";
import { matchTensors, writeRange } from "../executor/weights.ts";
import { tagsOf } from "../formats/format.ts";
import { abortError, abortable, childController } from "../support/abort.ts";
import { AbortError, OutOfMemoryError } from "../support/errors.ts";
import { owed } from "../support/patience.ts";
import type { LoadListener, ModelChoice } from "./choice.ts";
import { LoadProgress } from "./progress.ts";
import { SequenceManager } from "./sequences.ts";
import { Session, type SessionParts } from "./session.ts";
import { Grammars } from "./structure/grammars.ts";
import { ModelFolder } from "../storage/model_folder.ts";
import { ChatTokenizer } from "../tokenizer/chat_tokenizer.ts";

const STOPPED = "Loading was stopped.";

/** What a session is made of, with the GPU that is behind it. */
export interface LoadedModel extends SessionParts {
  readonly gpu: RunningModel & { readonly library: ModelLibrary };
}

/**
 * Weights are read from the moment that the library is there and the adapter can run it; the device, its buffers and kernels are made
 * meanwhile. A load that is stopped, or fails, has freed the device when it rejects, whatever still compiles.
 */
export async function loadModel(choice: ModelChoice, listener: LoadListener, signal: AbortSignal): Promise<LoadedModel> {
  const failed = childController(signal);
  const progress = new LoadProgress((report) => { if (!signal.aborted) listener.progress(report); }, (error) => failed.abort(error));
  const stop = failed.signal;
  let prepared: Promise<ModelDevice> | undefined;
  let memory: MemoryEstimate | undefined;
  try {
    const [adapter, folder] = await progress.timed("manifest",
      abortable(Promise.all([
        progress.during("the GPU", requestAdapter()),
        progress.during("the model's description", ModelFolder.open(choice.source, stop, (reason) => progress.waiting(reason)), true),
      ]), stop, STOPPED));
    const { manifest } = folder;
    progress.warn(folder.warning);
    progress.weightsBegin(manifest.weights.bytes);
    const loadedLibrary = abortable(progress.during("the model's library", folder.read(manifest.library, stop), true).then((bytes) =>
      progress.during("WebAssembly", ModelLibrary.load(bytes))), stop, STOPPED);
    const fitting = loadedLibrary.then((loaded) => {
      matchTensors(manifest.tensors, loaded.plan);
      const variants = chooseVariants(adapter, loaded.plan, choice.variant); // who can run none is told before the download
      memory = estimateOn(adapter, loaded.plan, variants[0], choice.contextLength);
      listener.needs(memory);
      return variants;
    });
    const gpu = prepared = Promise.all([loadedLibrary, fitting]).then(([loaded, variants]) =>
      progress.during("the GPU's memory", openDevice(adapter, loaded, variants, choice, folder)));
    const write = async (offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
      const { device, watch, weights: places } = await gpu;
      writeRange(device.queue, places, manifest.tensors, offset, bytes);
      device.queue.submit([]);
      // So that no more than the shards in flight wait in memory.
      await watch.guard(owed("weights to be written", device.queue.onSubmittedWorkDone()));
    };
    const weights = fitting.then(() =>
      progress.during("the weights", folder.readShards(stop, (file, bytes) => progress.received(file, bytes), write), true));
    let compiling = (): void => undefined;
    const asked = new Promise<void>((resolve) => { compiling = resolve; });
    const started = gpu.then((on) => progress.during("the GPU", startModel(on, {
      options: choice, notes: folder, probe: manifest.probe, weights, signal: stop,
      onCompiled: (done, total) => { compiling(); progress.compiled(done, total); },
    })));
    // Reading a tokenizer keeps this thread busy: kernels are asked for first.
    const tokenizer = Promise.all([
      progress.during("the tokenizer", folder.readJson(manifest.tokenizer, stop), true), Promise.race([asked, started]),
    ]).then(([json]) => new ChatTokenizer(json, manifest.tokenizerConfig));
    const [library, parts, chatTokenizer] = await abortable(Promise.all([
      loadedLibrary, started, progress.timed("tokenizer", tokenizer), progress.timed("device", gpu), progress.timed("weights", weights),
    ]), stop, STOPPED);
    const { device, watch, variant, buffers, runner } = parts;
    const sequences = new SequenceManager(library.abi, runner, buffers.pages);
    progress.warn(folder.warning ?? parts.warning);
    progress.close();
    const { vendor } = infoOf(adapter);
    progress.ready(`Ready on ${vendor || "this GPU"} (${variant.name})`, { device: "gpu", vendor, threads: 1 });
    const life = new AbortController();
    void watch.lost.then((error) => { if (!life.signal.aborted) listener.lost(error); });
    const grammars = new Grammars({
      sha256: manifest.grammar.sha256,
      module: () => folder.read(manifest.grammar, life.signal),
      vocabulary: () => ({ tokens: chatTokenizer.tokenBytes(manifest.model.vocabSize, tagsOf(manifest.chat)), endTokenIds: manifest.eosTokenIds }),
      encode: (text) => chatTokenizer.encodePart(text),
    });
    return {
      runner, sequences, tokenizer: chatTokenizer, format: manifest.chat, grammars, eosTokenIds: new Set(manifest.eosTokenIds), sampling: manifest.sampling, modelId: choice.modelId,
      gpu: { ...parts, library },
      dispose: () => {
        life.abort(new AbortError("The model was unloaded."));
        device.destroy(); // with everything that was made on it
      },
    };
  } catch (error) {
    progress.close();
    failed.abort(); // what is still being read
    await prepared?.then(({ device }) => device.destroy(), () => undefined);
    if (signal.aborted) throw abortError(signal, STOPPED);
    throw error instanceof OutOfMemoryError && memory !== undefined ? withNeed(error, memory) : error;
  }
}

/** A GPU that has no room does not say how much it has, but what was wanted of it can be said. */
function withNeed({ message, details }: OutOfMemoryError, memory: MemoryEstimate): OutOfMemoryError {
  return "needed" in details ? new OutOfMemoryError(message, details)
    : new OutOfMemoryError(`${message} The model needs about ${describeMemory(memory)}.`, { ...details, needed: memory.total });
}

/** What a model will take, from its manifest and library; nothing else is fetched. */
export async function estimateLoad(choice: ModelChoice, signal: AbortSignal): Promise<MemoryEstimate> {
  const [adapter, folder] = await abortable(Promise.all([requestAdapter(), ModelFolder.open(choice.source, signal)]), signal, STOPPED);
  const library = await ModelLibrary.load(await abortable(folder.read(folder.manifest.library, signal), signal, STOPPED));
  const [variant] = chooseVariants(adapter, library.plan, choice.variant);
  return estimateOn(adapter, library.plan, variant, choice.contextLength);
}

export async function loadSession(choice: ModelChoice, listener: LoadListener, signal: AbortSignal): Promise<Session> {
  return new Session(await loadModel(choice, listener, signal));
}
