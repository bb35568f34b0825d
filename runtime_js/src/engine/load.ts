/** Loads a model: its description, then weights, code, memory and kernels side by side. */

import type { Backend, InspectableRunner } from "../executor/backend.ts";
import { describeComputer } from "../executor/devices.ts";
import { GpuBackend } from "../executor/gpu_backend.ts";
import { describeMemory } from "../executor/memory.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import { tagsOf } from "../formats/format.ts";
import type { SenseName } from "../media/source.ts";
import { abortError, abortable, childController } from "../support/abort.ts";
import { AbortError, DeviceLostError, OutOfMemoryError } from "../support/errors.ts";
import { log } from "../support/log.ts";
import { backendsFor, mayHelp } from "./backends.ts";
import type { LoadListener, ModelChoice } from "./choice.ts";
import { fasterFirst } from "./preflight.ts";
import { STOPPED, compute, withStored } from "./computing.ts";
import { LoadProgress } from "./progress.ts";
import { hearingOf, partOf, towerChoice, visionOf } from "./tower.ts";
import { SequenceManager } from "./sequences.ts";
import { Session, type SessionParts } from "./session.ts";
import { Grammars } from "./structure/grammars.ts";
import { ModelFolder } from "../storage/model_folder.ts";
import { importPart } from "../tokenizer/part.ts";

/** Of a GPU, after which the CPU goes on, or nothing. */
const LOSSES = 2;

/** What a session is made of. */
export interface LoadedModel extends SessionParts {
  readonly runner: InspectableRunner;
}

/**
 * The model on the first of this machine's backends that computes it; `losses`: how often a GPU was lost that computed it before. A load
 * that is stopped, or fails, has freed what was made when it rejects, whatever still compiles.
 */
export async function loadModel(choice: ModelChoice, listener: LoadListener, signal: AbortSignal, losses = 0): Promise<LoadedModel> {
  const failed = childController(signal);
  const progress = new LoadProgress((report) => { if (!signal.aborted) listener.progress(report); }, (error) => failed.abort(error));
  const stop = failed.signal;
  try {
    const opened = progress.during("the model's description", ModelFolder.open(choice.source, stop, (reason) => progress.waiting(reason)), true);
    const backends = backendsFor(choice, opened.then(({ manifest }) => manifest), (adapter) => progress.during("the GPU", adapter));
    const [folder, found] = await progress.timed("manifest", abortable(Promise.all([opened, backends]), stop, STOPPED));
    const candidates = await fasterFirst(found, folder);
    progress.warn("storage", folder.warning);
    for (let backend: Backend = candidates[0]; ;) {
      const others = candidates.slice(candidates.indexOf(backend) + 1);
      try {
        const goesOn = backend instanceof GpuBackend && (losses + 1 < LOSSES || others.length > 0);
        return await loadOn(backend, folder, { choice, listener, progress, stop, revive: goesOn ? reviving(choice, listener, losses + 1) : undefined });
      } catch (error) {
        const next = isFirstLoss(error, losses) ? undefined : others.find(({ name }) => mayHelp(error, name === backend.name));
        if (next === undefined || stop.aborted) throw error;
        log.warn(`The model does not run on ${backend.name}: ${String(error)}`);
        backend = next;
      }
    }
  } catch (error) {
    failed.abort(); // what is still being read
    if (signal.aborted) throw abortError(signal, STOPPED);
    if (!isFirstLoss(error, losses)) throw error;
    log.warn(`The model is loaded again: ${String(error)}`);
    return await loadModel(choice, listener, signal, losses + 1);
  } finally {
    progress.close();
  }
}

function isFirstLoss(error: unknown, losses: number): boolean {
  return error instanceof DeviceLostError && losses + 1 < LOSSES;
}

/** A load under way. */
interface Load {
  readonly choice: ModelChoice;
  readonly listener: LoadListener;
  readonly progress: LoadProgress;
  readonly stop: AbortSignal;
  readonly revive: SessionParts["revive"];
}

/** A GPU that is lost is asked for once more, and gives way to the CPU then, where there is one. */
function reviving(choice: ModelChoice, listener: LoadListener, losses: number): SessionParts["revive"] {
  return async (error, signal) => {
    try {
      return await loadModel(losses < LOSSES ? choice : { ...choice, device: "cpu" }, listener, signal, losses);
    } catch (failure) {
      if (!signal.aborted) listener.lost(error);
      throw failure;
    }
  };
}

/** Weights are read from the moment that the library is there and fits; room for them, and what computes with them, are made meanwhile. */
async function loadOn(backend: Backend, folder: ModelFolder, { choice, listener, progress, stop: whole, revive }: Load): Promise<LoadedModel> {
  const failed = childController(whole);
  const stop = failed.signal;
  const life = new AbortController();
  const { manifest } = folder;
  const needed: Needed = {};
  const needs = (part: Part, memory: MemoryEstimate): void => {
    needed[part] = memory;
    listener.needs(together(needed) ?? memory, backend.device); // who has no room is told before the download
  };
  const work = { choice, folder, device: backend.device, needs, report: listener.progress.bind(listener), life: life.signal };
  const tower = partOf(work, folder.tower, "sight");
  const senses = { vision: visionOf(work, tower), hearing: hearingOf(work, partOf(work, folder.conformer, "hearing")) };
  const isEager = tower !== undefined && choice.vision !== "lazy";
  progress.weightsBegin(manifest.weights.bytes + (isEager ? manifest.vision?.tower.weights.bytes ?? 0 : 0));
  const { open, weights, compiling, running } = compute(backend, folder, { choice, progress, stop, life: life.signal, needs: (memory) => needs("text", memory) });
  const seeing = isEager ? tower.load(progress) : undefined;
  try {
    // Reading a tokenizer keeps this thread busy: kernels are asked for first.
    const reading = Promise.all([
      progress.during("the tokenizer", folder.readJson(manifest.tokenizer, stop), true),
      progress.during("the tokenizer's script", importPart(), true), Promise.race([compiling, running]),
    ]).then(([json, { ChatTokenizer }]) => new ChatTokenizer(json, manifest.tokenizerConfig));
    const [model, { runner, abi, variant, computer, warning, lost }, tokenizer] = await abortable(Promise.all([
      progress.timed("device", open), running, progress.timed("tokenizer", reading), progress.timed("weights", weights), seeing,
    ]), stop, STOPPED);
    const sequences = new SequenceManager(abi, runner);
    progress.warn("context", warning);
    progress.warn("storage", folder.warning);
    void folder.noteUse();
    progress.ready(`Ready on the ${describeComputer(computer)} (${variant})`, computer);
    void lost.then((error) => { if (!life.signal.aborted && revive === undefined) listener.lost(error); });
    const grammars = new Grammars({
      sha256: manifest.grammar.sha256,
      module: () => folder.read(manifest.grammar, life.signal),
      vocabulary: () => ({ tokens: tokenizer.tokenBytes(manifest.model.vocabSize, tagsOf(manifest.chat)), endTokenIds: manifest.eosTokenIds }),
      encode: (text) => tokenizer.encodePart(text),
    });
    return {
      runner, sequences, tokenizer, format: manifest.chat, grammars, eosTokenIds: new Set(manifest.eosTokenIds),
      vocabSize: manifest.model.vocabSize, sampling: manifest.sampling, modelId: choice.modelId, embedding: manifest.embedding, revive, ...senses,
      dispose: () => {
        life.abort(new AbortError("The model was unloaded."));
        model.dispose();
      },
    };
  } catch (error) {
    failed.abort();
    life.abort();
    await open.then((model) => model.dispose(), () => undefined);
    const memory = together(needed);
    throw error instanceof OutOfMemoryError && memory !== undefined ? withNeed(error, memory) : error;
  }
}

type Part = "text" | SenseName;

/** What the parts of a model take, as far as it is known. */
type Needed = Partial<Record<Part, MemoryEstimate>>;

function together({ text, sight, hearing }: Needed): MemoryEstimate | undefined {
  const parts = [text, sight, hearing].filter((part) => part !== undefined);
  const sum = (key: keyof MemoryEstimate): number => parts.reduce((bytes, part) => bytes + part[key], 0);
  const contextLength = text?.contextLength ?? parts[0]?.contextLength;
  return contextLength === undefined ? undefined : { weights: sum("weights"), cache: sum("cache"), workspace: sum("workspace"), total: sum("total"), contextLength };
}

/** A GPU that has no room does not say how much it has, but what was wanted of it can be said. */
function withNeed({ message, details }: OutOfMemoryError, memory: MemoryEstimate): OutOfMemoryError {
  return "needed" in details ? new OutOfMemoryError(message, details)
    : new OutOfMemoryError(`${message} The model needs about ${describeMemory(memory)}.`, { ...details, needed: memory.total });
}

/** What a model will take, from its manifest and library; nothing else is fetched. */
export async function estimateLoad(choice: ModelChoice, signal: AbortSignal): Promise<MemoryEstimate> {
  const opened = ModelFolder.open(choice.source, signal);
  const [folder, [backend]] = await abortable(
    Promise.all([opened, backendsFor(choice, opened.then(({ manifest }) => manifest))]), signal, STOPPED);
  const text = await estimateOn(backend, folder, choice, signal);
  const estimatePart = async (part: ModelFolder | undefined): Promise<MemoryEstimate | undefined> => {
    if (part === undefined) return undefined;
    const [its] = await backendsFor({ ...choice, device: backend.device }, Promise.resolve(part.manifest));
    return estimateOn(its, part, towerChoice(choice), signal);
  };
  const [sight, hearing] = await Promise.all([estimatePart(folder.tower), estimatePart(folder.conformer)]);
  return together({ text, ...(sight && { sight }), ...(hearing && { hearing }) }) ?? text;
}

async function estimateOn(backend: Backend, folder: ModelFolder, choice: ModelChoice, signal: AbortSignal): Promise<MemoryEstimate> {
  const library = await abortable(folder.read(backend.library, signal), signal, STOPPED);
  return withStored(await backend.fit(library, folder.manifest.tensors, choice), folder);
}

export async function loadSession(choice: ModelChoice, listener: LoadListener, signal: AbortSignal): Promise<Session> {
  return new Session(await loadModel(choice, listener, signal));
}
