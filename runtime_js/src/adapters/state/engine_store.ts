/** An engine's life: loaded for the first who wants it, ended after the last. */

import type { InitProgressReport } from "../../engine/progress.ts";
import type { ServedEngine } from "../../api/openai/fetch.ts";
import { AbortError } from "../../support/errors.ts";
import { Store } from "./store.ts";

/** What `createEngine` gives. */
export interface Engine extends Pick<ServedEngine, "chat"> {
  terminate?(): void;
  unload?(): Promise<void>;
}

export interface OpenOptions {
  readonly signal: AbortSignal;
  readonly initProgressCallback: (report: InitProgressReport) => void;
}

export interface EngineState<E> {
  readonly status: "idle" | "loading" | "ready" | "failed";
  /** Of a load: how far it is, and in words. */
  readonly progress: InitProgressReport | undefined;
  readonly engine: E | undefined;
  readonly error: unknown;
}

export class EngineStore<E extends Engine> extends Store<EngineState<E>> {
  readonly #open: (options: OpenOptions) => Promise<E>;
  #load: AbortController | undefined;
  #opening: Promise<E> | undefined;
  #users = 0;

  constructor(open: (options: OpenOptions) => Promise<E>) {
    super({ status: "idle", progress: undefined, engine: undefined, error: undefined });
    this.#open = open;
  }

  /** Loads the model, if it is not there. Rejects where that fails, or is given up. */
  readonly open = (): Promise<E> => this.#opening ??= this.#begin();

  /** The same for those who look at the state. */
  readonly load = (): void => {
    this.open().catch(() => undefined);
  };

  #begin(): Promise<E> {
    const controller = this.#load = new AbortController();
    const isCurrent = (): boolean => this.#load === controller;
    this.set({ status: "loading", error: undefined });
    return this.#open({
      signal: controller.signal,
      initProgressCallback: (progress) => { if (isCurrent()) this.set({ progress }); },
    }).then((engine) => {
      if (!isCurrent()) {
        end(engine);
        throw new AbortError("The model was unloaded while it was being loaded.");
      }
      this.set({ status: "ready", engine });
      return engine;
    }, (error: unknown) => {
      if (isCurrent()) {
        this.#load = this.#opening = undefined;
        this.set({ status: "failed", error });
      }
      throw error;
    });
  }

  /** Ends it, and a load. */
  readonly unload = (): void => {
    const { engine } = this.get();
    this.#load?.abort();
    this.#load = this.#opening = undefined;
    this.set({ status: "idle", engine: undefined, progress: undefined, error: undefined });
    if (engine !== undefined) end(engine);
  };

  /** Somebody uses it. Returns what says that nobody does any more: the engine ends a little later, as React mounts a component twice. */
  use(): () => void {
    this.#users++;
    return () => {
      this.#users--;
      setTimeout(() => { if (this.#users === 0) this.unload(); }, 0);
    };
  }
}

function end(engine: Engine): void {
  if (engine.terminate !== undefined) engine.terminate();
  else void engine.unload?.();
}
