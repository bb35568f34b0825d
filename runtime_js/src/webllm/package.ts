/** What a package holds, as its scripts say it before anything else: its models for `createEngine`, and for WebLLM's interface. */

import { listOf } from "../api/config.ts";
import type { MLCEngineConfig, ModelRecord } from "../api/types.ts";
import { isStored } from "../storage/stored.ts";
import { ModelNotFoundError, RequestValidationError } from "../support/errors.ts";
import { sharedWorkerName } from "../support/group_name.ts";
import { addPackagedModels, howToMake, packagedRecord, type PackagedFacts } from "./app_config.ts";
import { setPackagedWorker, type PackagedWorker } from "./site_worker.ts";

/** What `createEngine` is given, but for what a worker does not need. */
export interface PackageConfig extends Omit<MLCEngineConfig, "appConfig"> {
  readonly model?: string | readonly string[] | undefined;
  readonly weights?: string | undefined;
}

/** @internal */
export class Package {
  readonly #models: readonly PackagedFacts[];
  readonly #asksForWeights: boolean;
  readonly #worker: PackagedWorker | undefined;

  constructor(models: readonly PackagedFacts[], asksForWeights: boolean, worker?: PackagedWorker) {
    this.#models = models;
    this.#asksForWeights = asksForWeights;
    this.#worker = worker;
    if (worker !== undefined) setPackagedWorker(worker);
    addPackagedModels(models.map(packagedRecord), asksForWeights);
  }

  /** The model of that id or other name; without one, the first that `suits`, or the first. Raises ModelNotFoundError. */
  find(name: string | undefined, suits: (model: PackagedFacts) => boolean = () => true): PackagedFacts {
    const found = name === undefined ? this.#models.find(suits) ?? this.#models[0]
      : this.#models.find(({ record }) => record.model_id === name) ?? this.#models.find(({ aliases }) => aliases.includes(name));
    if (found !== undefined) return found;
    const ids = this.#models.map(({ record }) => record.model_id).join(", ");
    throw new ModelNotFoundError(`This package has no model "${name}", but ${ids}. ${howToMake(String(name))}`, { modelId: String(name), param: "model" });
  }

  /** What is to be loaded, by the names that were given, and the engine's configuration with it. Raises ModelNotFoundError, RequestValidationError. */
  choose({ model, weights, ...config }: PackageConfig): [string[], MLCEngineConfig] {
    if (this.#asksForWeights && typeof weights !== "string") {
      throw new RequestValidationError("This package holds no weights: name the URL of the folder that serves them, as in "
        + 'createEngine({ weights: "https://..." }). The package\'s README says which files belong there.', { param: "weights" });
    }
    const names = listOf(model ?? this.find(undefined).record.model_id);
    for (const name of names) this.find(name);
    const called = ({ record }: PackagedFacts, model_id: string): ModelRecord => ({ ...record, model_id, weights });
    const byId = this.#models.map((each) => called(each, each.record.model_id));
    const byName = this.#models.flatMap((each) => each.aliases.map((name) => called(each, name)));
    return [[...names], { ...config, appConfig: { model_list: [...byId, ...byName] } }];
  }

  /** Names a worker whose engine is that of all workers of the name: of this script, and with these models, loaded alike. */
  sharedWorkerName(names: readonly string[], { appConfig, ...config }: MLCEngineConfig, chatOptions: unknown): string {
    const records = names.map((name) => appConfig?.model_list.find(({ model_id }) => model_id === name));
    const models = records.map((record) => [record?.model_id, record?.manifest, record?.manifest_sha256, record?.weights]);
    const { device, variant, calibrate, memoryLimit } = config;
    return sharedWorkerName(JSON.stringify([this.#worker?.build, models, device, variant, calibrate, memoryLimit, chatOptions]));
  }

  /** Whether all of a model is on this device. Storage that cannot be read counts as empty. */
  isStored({ record }: PackagedFacts): Promise<boolean> {
    return isStored(record).catch(() => false);
  }
}
