/** Loads a model: description, code, device, then weights and kernels side by side. */

import { requestAdapter } from "./executor/adapter.ts";
import { BufferTable } from "./executor/buffers.ts";
import { DeviceWatch, chooseVariant, requestDevice } from "./executor/device.ts";
import { PlanExecutor, maxPages } from "./executor/executor.ts";
import { ModelLibrary } from "./executor/library.ts";
import { compileKernels } from "./executor/pipelines.ts";
import { matchTensors, writeStretch } from "./executor/weights.ts";
import { AbortError, RequestValidationError } from "./errors.ts";
import { log } from "./log.ts";
import { LoadProgress } from "./progress.ts";
import { Sequence } from "./scheduler/sequence.ts";
import { Session } from "./session.ts";
import { ModelFolder } from "./storage/model_folder.ts";
import { askForPersistence } from "./storage/quota.ts";
import { ChatTokenizer } from "./tokenizer/chat_tokenizer.ts";
import type { ChatOptions, InitProgressReport, ModelRecord } from "./types.ts";

/** Tokens that the KV cache has room for at first; it doubles as a conversation grows. */
const INITIAL_TOKENS = 256;

export interface LoadRequest {
  readonly record: ModelRecord;
  readonly chatOpts: ChatOptions;
  readonly variant: string | undefined;
  readonly onProgress: (report: InitProgressReport) => void;
}

function contextLengthOf(chatOpts: ChatOptions, modelLength: number, pagesAllowed: number, pageSize: number): number {
  const asked = chatOpts.context_window_size ?? modelLength;
  if (asked > modelLength) {
    throw new RequestValidationError(`context_window_size is ${asked}, but the model was built for ${modelLength} tokens at most.`);
  }
  const allowed = Math.min(asked, pagesAllowed * pageSize);
  if (allowed < asked) log.warn(`The context window is ${allowed} tokens: this GPU allows no larger buffers.`);
  return allowed;
}

export async function loadSession({ record, chatOpts, variant: forced, onProgress }: LoadRequest, signal: AbortSignal): Promise<Session> {
  const progress = new LoadProgress(onProgress);
  const adapter = await requestAdapter();
  const folder = await ModelFolder.open(record, signal);
  await askForPersistence();
  progress.warn(folder.warning);
  const { manifest } = folder;
  progress.weightsBegin(manifest.weights.bytes);
  const tokenizerJson = folder.readJson(manifest.tokenizer, signal);
  tokenizerJson.catch(() => undefined); // awaited below, where an earlier failure may come first
  const library = await ModelLibrary.load(await folder.read(manifest.library, signal));
  const { plan } = library;
  matchTensors(manifest.tensors, plan);

  const variant = chooseVariant(adapter, plan, forced);
  const { pageSize, contextLength: modelLength } = plan.model;
  const longest = Math.ceil((chatOpts.context_window_size ?? modelLength) / pageSize) * variant.kvPageBytes;
  const device = await requestDevice(adapter, variant, longest);
  const watch = new DeviceWatch(device);
  try {
    const contextLength = contextLengthOf(chatOpts, modelLength, maxPages(device, variant), pageSize);
    log.info(`Variant ${variant.name} on ${adapter.info.vendor} ${adapter.info.architecture}, context window ${contextLength} tokens`);
    const buffers = await BufferTable.create(device, plan, variant, Math.ceil(Math.min(INITIAL_TOKENS, contextLength) / pageSize));
    const weights = folder.readShards(signal, (file, bytes) => progress.received(file, bytes), async (offset, bytes) => {
      writeStretch(device.queue, buffers, manifest.tensors, offset, bytes);
      device.queue.submit([]);
      await watch.guard(device.queue.onSubmittedWorkDone()); // so that no more than the shards in flight wait in memory
    });
    const [kernels, tokenizer] = await Promise.all([
      compileKernels(device, plan, variant, (done, total) => progress.compiled(done, total)),
      tokenizerJson.then((json) => new ChatTokenizer(json, manifest.tokenizerConfig)),
      weights,
    ]);
    watch.check();
    if (signal.aborted) throw new AbortError("Loading was stopped.");
    const executor = new PlanExecutor({ device, watch, library, variant, buffers, kernels, contextLength });
    const sequence = new Sequence(library.abi, executor, buffers.pages);
    await watch.guard(device.queue.onSubmittedWorkDone()); // what is wrong with buffers or bindings shows here, not in the first answer
    progress.warn(folder.warning);
    progress.ready(`Ready on ${adapter.info.vendor || "this GPU"} (${variant.name})`);
    return new Session({ device, executor, sequence, tokenizer, eosTokenIds: new Set(manifest.eosTokenIds), modelId: record.model_id });
  } catch (error) {
    device.destroy();
    throw error;
  }
}
