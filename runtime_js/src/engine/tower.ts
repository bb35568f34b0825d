/** A part of a model that sees pictures, or hears sounds: a model of its own, which is loaded with the model of its text, or when the first of them comes. */

import type { Backend, RunningModel } from "../executor/backend.ts";
import { describeComputer, type Computer } from "../executor/devices.ts";
import type { MemoryEstimate } from "../executor/memory_estimate.ts";
import type { PictureRunner } from "../executor/runner.ts";
import { importPart } from "../media/part.ts";
import type { SenseName } from "../media/source.ts";
import type { ModelFolder } from "../storage/model_folder.ts";
import { isOffline } from "../storage/pause.ts";
import { readAudioFacts, readVisionFacts } from "../storage/vision_facts.ts";
import { abortable, childController } from "../support/abort.ts";
import { DownloadError, InternalError } from "../support/errors.ts";
import { log } from "../support/log.ts";
import { backendsFor, mayHelp } from "./backends.ts";
import type { ModelChoice } from "./choice.ts";
import { STOPPED, compute } from "./computing.ts";
import type { Sense } from "./pictures.ts";
import { LoadProgress, type InitProgressReport } from "./progress.ts";

export interface TowerWork {
  readonly choice: ModelChoice;
  /** Of the model of its text. */
  readonly folder: ModelFolder;
  /** What computes that. */
  readonly device: Computer["device"];
  /** Is told what a part will take before weights are fetched. Raises OutOfMemoryError where it may not. */
  readonly needs: (part: SenseName, memory: MemoryEstimate) => void;
  /** Hears of a load that is one of its own. */
  readonly report: (report: InitProgressReport) => void;
  /** Ends it. */
  readonly life: AbortSignal;
}

interface Said {
  readonly does: string;
  readonly ready: string;
  readonly one: string;
}

const SAID: Readonly<Record<SenseName, Said>> = {
  sight: { does: "sees", ready: "Sees", one: "picture" }, hearing: { does: "hears", ready: "Hears", one: "sound" },
};

const notHere = ({ does, one }: Said): DownloadError => new DownloadError(
  `What the model ${does} with is not on this device yet: it is fetched for the first ${one}, and there is no connection now. `
  + `Connect, and ask again. Questions without ${one}s are answered meanwhile.`);

/** As the model of its text is loaded: a call of a tower has as many patches as it was built for. */
export function towerChoice(choice: ModelChoice): ModelChoice {
  return { ...choice, contextLength: undefined };
}

/** What sees, or hears: it is loaded when it is first asked for, and again where that failed. */
export class Tower {
  readonly #work: TowerWork;
  readonly #folder: ModelFolder;
  readonly #sense: SenseName;
  #loading: Promise<PictureRunner> | undefined;

  constructor(work: TowerWork, folder: ModelFolder, sense: SenseName) {
    [this.#work, this.#folder, this.#sense] = [work, folder, sense];
  }

  /** `progress`: of the load that it is a part of. */
  load(progress?: LoadProgress): Promise<PictureRunner> {
    return this.#loading ??= this.#load(progress).catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
  }

  async #load(whole: LoadProgress | undefined): Promise<PictureRunner> {
    const { choice, device, report, life } = this.#work;
    const sense = this.#sense;
    const { does, ready } = SAID[sense];
    if (whole === undefined && isOffline() && !await this.#folder.isHere()) throw notHere(SAID[sense]); // an answer would wait for as long as it is
    const failed = childController(life);
    const progress = whole ?? new LoadProgress((one) => report({ ...one, sense }), (error) => failed.abort(error));
    if (whole === undefined) progress.weightsBegin(this.#folder.manifest.weights.bytes);
    try {
      const [first, ...others] = await abortable(backendsFor({ ...choice, device }, Promise.resolve(this.#folder.manifest)), failed.signal, STOPPED);
      for (let backend: Backend = first; ;) {
        try {
          const { runner, computer, variant } = await this.#loadOn(backend, progress, failed.signal);
          if (whole === undefined) progress.ready(`${ready} on the ${describeComputer(computer)} (${variant})`, computer);
          return { mostFloats: runner.shape.patchFloats ?? 0, encode: (tiles) => runner.see(tiles) };
        } catch (error) {
          const next = others.shift();
          if (next === undefined || !mayHelp(error, next.name === backend.name)) throw error;
          log.warn(`What ${does} does not run on ${backend.name}: ${String(error)}`);
          backend = next;
        }
      }
    } finally {
      if (whole === undefined) progress.close();
    }
  }

  async #loadOn(backend: Backend, progress: LoadProgress, stop: AbortSignal): Promise<RunningModel> {
    const { needs, life } = this.#work;
    const { open, weights, running } = compute(backend, this.#folder, { choice: towerChoice(this.#work.choice), progress, stop, life, needs: (memory) => needs(this.#sense, memory) });
    const dispose = (): void => void open.then((model) => model.dispose(), () => undefined);
    try {
      const [model] = await abortable(Promise.all([running, weights]), stop, STOPPED);
      life.addEventListener("abort", dispose, { once: true });
      return model;
    } catch (error) {
      dispose();
      throw error;
    }
  }
}

/** folder: that of what sees or hears; undefined for a model that has no such part. */
export function partOf(work: TowerWork, folder: ModelFolder | undefined, sense: SenseName): Tower | undefined {
  return folder && new Tower(work, folder, sense);
}

/** What a session is told of what hears. Raises ManifestError. */
export function hearingOf({ folder: { manifest: { audio } }, life }: TowerWork, conformer: Tower | undefined): Sense | undefined {
  if (audio === undefined || conformer === undefined) return undefined;
  const { processor, audioToken, width } = readAudioFacts(audio.facts);
  return {
    settings: { placeholder: processor.placeholder, image: processor.audio }, token: audioToken, width, tower: () => conformer.load(),
    read: async (data) => {
      if (!(data instanceof Blob)) throw new InternalError("a picture was to be heard");
      return (await importPart()).readSound(data, processor, life);
    },
  };
}

/** What a session is told of what sees. Raises ManifestError. */
export function visionOf({ folder: { manifest: { vision } }, life }: TowerWork, tower: Tower | undefined): Sense | undefined {
  if (vision === undefined || tower === undefined) return undefined;
  const { processor, imageToken: token, width } = readVisionFacts(vision.facts);
  return { settings: processor, token, width, tower: () => tower.load(), read: async (data, detail) => (await importPart()).readPicture(data, processor, detail, life) };
}
