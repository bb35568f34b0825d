/** What elements get their model from, and the engines that they share. */

import type { ModelRecord } from "../../api/types.ts";
import { isStored } from "../../storage/stored.ts";
import { EngineStore, type Engine, type OpenOptions } from "../state/engine_store.ts";

/** A model of a package. */
export interface ElementModel {
  readonly record: ModelRecord;
  /** For people. */
  readonly name: string;
  readonly downloadBytes: number;
  /** It makes vectors and does not chat. */
  readonly embeds: boolean;
  /** Other names that mean it. */
  readonly aliases: readonly string[];
}

/** The attributes that an engine depends on. */
export interface EngineAttributes {
  /** Its id. */
  readonly model: string | undefined;
  /** URL of the folder of weights. */
  readonly weights: string | undefined;
  readonly device: string | undefined;
  /** Whether all tabs of the site have one engine. */
  readonly shared: boolean;
}

export type OpenModel = (config: EngineAttributes & OpenOptions) => Promise<Engine>;

/** What the element says of its model. */
export interface Facts {
  readonly name: string;
  /** Of its download: 0 where it is on this device already, or is not known. */
  readonly bytes: Promise<number>;
}

/** The models and engines of a page: an engine for each combination of attributes, as long as an element has it. */
export class Source {
  readonly #models: readonly ElementModel[];
  readonly #open: OpenModel;
  readonly #stores = new Map<string, EngineStore<Engine>>();

  constructor(models: readonly ElementModel[], open: OpenModel) {
    this.#models = models;
    this.#open = open;
  }

  /** Of a name of no model the facts are few, and loading it says what is wrong. */
  facts(name: string | undefined): Facts {
    const model = this.#find(name);
    if (model === undefined) return { name: name ?? "", bytes: Promise.resolve(0) };
    return { name: model.name, bytes: isStored(model.record).then((stored) => (stored ? 0 : model.downloadBytes), () => model.downloadBytes) };
  }

  /** Names that mean the same share an engine. */
  engine({ model, ...more }: EngineAttributes): EngineStore<Engine> {
    const config = { model: this.#find(model)?.record.model_id ?? model, ...more };
    const key = JSON.stringify(Object.values(config));
    const store = this.#stores.get(key) ?? new EngineStore((options) => this.#open({ ...options, ...config }));
    this.#stores.set(key, store);
    return store;
  }

  /** Without a name the first that chats. */
  #find(name: string | undefined): ElementModel | undefined {
    if (name === undefined) return this.#models.find(({ embeds }) => !embeds) ?? this.#models[0];
    return this.#models.find(({ record }) => record.model_id === name) ?? this.#models.find(({ aliases }) => aliases.includes(name));
  }
}
