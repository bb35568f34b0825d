/** Which of the site's models a visitor has chosen, also in earlier visits. */

import type { SiteModel } from "../page/config.ts";
import type { SafeStorage } from "./safe_storage.ts";

const KEY = "webllm-build:model";

export class ChosenModel {
  readonly #storage: SafeStorage;
  readonly #models: readonly [SiteModel, ...SiteModel[]];

  constructor(storage: SafeStorage, models: readonly [SiteModel, ...SiteModel[]]) {
    [this.#storage, this.#models] = [storage, models];
  }

  /** What was chosen; undefined where nothing was, or a model that the site has no more. */
  get remembered(): SiteModel | undefined {
    const id = this.#storage.get(KEY);
    return this.#models.find((model) => model.id === id);
  }

  get model(): SiteModel {
    return this.remembered ?? this.#models[0];
  }

  remember({ id }: SiteModel): void {
    this.#storage.set(KEY, id);
  }
}
