/** WebLLM's engine on models that are no models. */

import { addPackagedModels } from "../../src/webllm/app_config.ts";
import { ModelType } from "../../src/webllm/constants.ts";
import { EngineBase } from "../../src/webllm/engine.ts";
import type * as webllm from "../../src/webllm/index.ts";
import { FakeEngine } from "./engine.ts";

export const LLAMA = "Llama-3.2-1B-Instruct-q4f16_1-MLC";
const record = (model_id: string, more: Partial<webllm.ModelRecord> = {}): webllm.ModelRecord & { manifest: string } => (
  { model: `https://models.example/${model_id}`, model_lib: "", model_id, manifest: `https://models.example/${model_id}/manifest.json`, ...more });
addPackagedModels([record("toy", { aliases: [LLAMA] }), record("other"), record("vectors", { model_type: ModelType.embedding })]);

export class Engine extends EngineBase<FakeEngine> {
  constructor(config: webllm.MLCEngineConfig = {}, inner = new FakeEngine()) {
    super(inner, config);
  }
}

export async function loaded(config?: webllm.MLCEngineConfig, chatOpts?: webllm.ChatOptions): Promise<Engine> {
  const engine = new Engine(config);
  await engine.reload("toy", chatOpts);
  return engine;
}

export const QUESTION: webllm.ChatCompletionMessageParam[] = [{ role: "user", content: "hi" }];
export const CALL: webllm.ChatCompletionRequestNonStreaming = { messages: QUESTION, temperature: 0, max_tokens: 5 };

export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const one of stream) taken.push(one);
  return taken;
}
