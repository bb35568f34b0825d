/** Verified model files in the Cache API, one cache per model folder. Works, without storing, where there is none. */

const CACHE_PREFIX = "webllm-build:model:";

export function modelCacheName(manifestUrl: string): string {
  return CACHE_PREFIX + new URL(".", manifestUrl).href;
}

export class ModelCache {
  #cache: Cache | null;
  #warning: string | undefined;

  private constructor(cache: Cache | null, warning?: string) {
    this.#cache = cache;
    this.#warning = warning;
  }

  static async open(manifestUrl: string): Promise<ModelCache> {
    if (typeof caches === "undefined") {
      return new ModelCache(null, "This browser has no storage for the model here; it will be downloaded again next time.");
    }
    try {
      return new ModelCache(await caches.open(modelCacheName(manifestUrl)));
    } catch (error) {
      return new ModelCache(null,
        `The browser refused to open its storage (${String(error)}); the model will be downloaded again next time.`);
    }
  }

  /** Why files are not stored, if they are not. */
  get warning(): string | undefined {
    return this.#warning;
  }

  /** Stops storing, and says why. What is stored stays readable. */
  stopStoring(warning: string): void {
    this.#warning ??= warning;
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      const response = await this.#cache?.match(key);
      return response === undefined ? null : new Uint8Array(await response.arrayBuffer());
    } catch {
      return null; // unreadable storage is the same as none: the file is fetched
    }
  }

  async put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#cache === null || this.#warning !== undefined) return;
    try {
      await this.#cache.put(key, new Response(bytes, { headers: { "content-length": String(bytes.byteLength) } }));
    } catch (error) {
      this.stopStoring(`The browser's storage is full or refused a file (${String(error)}); the model runs, but will be downloaded again `
        + "next time. Free some space or delete other models to keep it.");
    }
  }

  async delete(key: string): Promise<void> {
    await this.#cache?.delete(key).catch(() => false);
  }

  /** Keys of the files that are stored. */
  async keys(): Promise<Set<string>> {
    const requests = await this.#cache?.keys() ?? [];
    return new Set(requests.map((request) => request.url));
  }
}
