/** Models behind a worker that a browser ends and starts again as it likes: what is missing then is loaded again. */

import type { AnswerCall, BegunAnswer, LoadCall, NamedEmbeddings } from "../api/host.ts";
import type { Prompt } from "../engine/answer.ts";
import type { ModelChoice } from "../engine/choice.ts";
import type { EmbeddingCall } from "../engine/pooling.ts";
import { abortable } from "../support/abort.ts";
import { ModelNotFoundError, ModelNotLoadedError } from "../support/errors.ts";
import { RemoteHost } from "./remote_host.ts";

function isMissing(error: unknown): boolean {
  return error instanceof ModelNotLoadedError || error instanceof ModelNotFoundError;
}

export class ReloadingHost extends RemoteHost {
  /** What is loaded, as far as this side knows. */
  #wanted: readonly ModelChoice[] = [];
  #again: Promise<void> | undefined;

  override async load(call: LoadCall, signal?: AbortSignal): Promise<void> {
    const isKept = ({ modelId }: ModelChoice): boolean => call.keepsOthers && !call.choices.some((choice) => choice.modelId === modelId);
    const kept = this.#wanted.filter(isKept);
    const wanted = this.#wanted = [...kept, ...call.choices];
    try {
      await super.load(call, signal).catch((error: unknown) => {
        if (error instanceof ModelNotLoadedError) return super.load(call, signal);
        throw error;
      });
    } catch (error) {
      if (this.#wanted === wanted) this.#wanted = kept;
      throw error;
    }
  }

  override async unload(modelId?: string): Promise<void> {
    this.#wanted = this.#wanted.filter((choice) => modelId !== undefined && choice.modelId !== modelId);
    await super.unload(modelId);
  }

  /** Asks again behind another load where the models of the first are gone. */
  async #asking<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (this.#wanted.length === 0 || !isMissing(error)) throw error;
    }
    this.#again ??= super.load({ choices: this.#wanted, keepsOthers: true }).finally(() => { this.#again = undefined; });
    await abortable(this.#again, signal, "The request was aborted before it began.");
    return work();
  }

  override begin(call: AnswerCall, signal?: AbortSignal): Promise<BegunAnswer> {
    return this.#asking(() => super.begin(call, signal), signal);
  }

  override resume(sessionId: string, signal?: AbortSignal): Promise<BegunAnswer> {
    return this.#asking(() => super.resume(sessionId, signal), signal);
  }

  override embed(call: EmbeddingCall, model: string | undefined, signal?: AbortSignal): Promise<NamedEmbeddings> {
    return this.#asking(() => super.embed(call, model, signal), signal);
  }

  override encodePrompt(prompt: Prompt, model: string | undefined): Promise<number[]> {
    return this.#asking(() => super.encodePrompt(prompt, model));
  }

  override decodeTokens(tokens: readonly number[], model: string | undefined): Promise<string> {
    return this.#asking(() => super.decodeTokens(tokens, model));
  }
}
