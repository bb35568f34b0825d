/** A provider of the AI SDK (`ai` 7): models of an engine for generateText, streamText, embed, agents and useChat. */

import type { EmbeddingModelV4, LanguageModelV4, LanguageModelV4StreamPart, ProviderV4 } from "@ai-sdk/provider";
import type { ServedEngine } from "../../api/openai/fetch.ts";
import { InternalError, ModelNotFoundError } from "../../support/errors.ts";
import { StreamParts, contentOf, finishOf, usageOf } from "./answer.ts";
import { toRequest } from "./prompt.ts";

const PROVIDER = "local";
/** Texts of one call, as the engine takes. */
const MAX_TEXTS = 2048;

export type Engine = Pick<ServedEngine, "chat" | "embeddings">;

/** Called with a model's id it is that language model. */
export interface LocalProvider extends ProviderV4 {
  (modelId: string): LanguageModelV4;
}

function languageModel(engine: Engine, modelId: string): LanguageModelV4 {
  return {
    specificationVersion: "v4", provider: PROVIDER, modelId, supportedUrls: { "image/*": [/^(?:https?|data|blob):/] },
    async doGenerate(options) {
      const { request, warnings } = toRequest(modelId, options);
      const { id, created, model, choices: [choice], usage } = await engine.chat.completions.create({ ...request, stream: false }, { signal: options.abortSignal });
      if (choice === undefined) throw new InternalError("An answer has no choice.");
      return {
        content: contentOf(choice), finishReason: finishOf(choice), usage: usageOf(usage), warnings,
        response: { id, modelId: model, timestamp: new Date(created * 1000) },
      };
    },
    async doStream(options) {
      const { request, warnings } = toRequest(modelId, options);
      const pieces = await engine.chat.completions.create(
        { ...request, stream: true, stream_options: { include_usage: true } }, { signal: options.abortSignal });
      return { stream: partsOf(pieces, [{ type: "stream-start", warnings }], options.includeRawChunks === true) };
    },
  };
}

/** @param isRaw each piece comes as it is, too, before its parts */
function partsOf(
  pieces: AsyncIterableIterator<Parameters<StreamParts["take"]>[0]>, first: LanguageModelV4StreamPart[], isRaw: boolean,
): ReadableStream<LanguageModelV4StreamPart> {
  const parts = new StreamParts();
  return new ReadableStream({
    start(controller) {
      for (const part of first) controller.enqueue(part);
    },
    async pull(controller) {
      try {
        for (let told = 0; told === 0;) { // a pull that gives nothing is not repeated
          const { done, value } = await pieces.next();
          if (isRaw && done !== true) controller.enqueue({ type: "raw", rawValue: value });
          for (const part of done === true ? parts.end() : parts.take(value)) {
            controller.enqueue(part);
            told++;
          }
          if (done === true) controller.close();
        }
      } catch (error) {
        controller.enqueue({ type: "error", error });
        controller.close();
      }
    },
    async cancel() {
      await pieces.return?.();
    },
  });
}

function embeddingModel({ embeddings }: Engine, modelId: string): EmbeddingModelV4 {
  return {
    specificationVersion: "v4", provider: PROVIDER, modelId, maxEmbeddingsPerCall: MAX_TEXTS, supportsParallelCalls: true,
    async doEmbed({ values, dimensions, abortSignal }) {
      const { data, usage } = await embeddings.create({ input: values, model: modelId, dimensions }, { signal: abortSignal });
      return { embeddings: data.map(({ embedding }) => embedding), usage: { tokens: usage.prompt_tokens }, warnings: [] };
    },
  };
}

/**
 * The engine's models for the AI SDK. Settings that only this engine has are given as `providerOptions: { local: { ... } }`.
 * @param engine what `createEngine` gives, or `createHybrid`'s `chat` beside an engine's `embeddings`
 */
export function createLocal(engine: Engine): LocalProvider {
  const models = {
    specificationVersion: "v4" as const,
    languageModel: (modelId: string) => languageModel(engine, modelId),
    embeddingModel: (modelId: string) => embeddingModel(engine, modelId),
    imageModel: (modelId: string) => { throw new ModelNotFoundError(`No model here makes pictures, so there is no "${modelId}".`, { modelId }); },
  };
  return Object.assign((modelId: string) => models.languageModel(modelId), models);
}
