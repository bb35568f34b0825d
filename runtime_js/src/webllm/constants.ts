/** What WebLLM exports beside its engines: names and versions that programs written for it refer to. */

/** The version of WebLLM's interface that this entry follows. */
export const modelVersion = "v0_2_86/base";
export const modelLibURLPrefix = "https://raw.githubusercontent.com/mlc-ai/binary-mlc-llm-libs/main/web-llm-models/";

export const MODEL_PACKAGE_MANIFEST_FILENAME = "mlc-model-manifest.json";
export const TENSOR_CACHE_MANIFEST_FILENAME = "tensor-cache.json";
export const ARTIFACT_SCHEMA_VERSION = 1;

/** Models whose tools WebLLM itself knows. Here every model calls tools whose chat template speaks of them. */
export const functionCallingModelIds = [
  "Hermes-2-Pro-Llama-3-8B-q4f16_1-MLC", "Hermes-2-Pro-Llama-3-8B-q4f32_1-MLC", "Hermes-2-Pro-Mistral-7B-q4f16_1-MLC",
  "Hermes-3-Llama-3.1-8B-q4f32_1-MLC", "Hermes-3-Llama-3.1-8B-q4f16_1-MLC",
];

export enum ModelType {
  "LLM" = 0,
  "embedding" = 1,
  "VLM" = 2,
}
