/** WebLLM's interface, name by name. */

export { prebuiltAppConfig } from "./app_config.ts";
export { deleteChatConfigInCache, deleteModelAllInfoInCache, deleteModelInCache, deleteModelWasmInCache, hasModelInCache } from "./cache.ts";
export {
  ChatCompletionRequestUnsupportedFields, postInitAndCheckFieldsChatCompletion, postInitAndCheckFieldsCompletion, postInitAndCheckFieldsEmbedding,
  rejectCompletionResumable,
} from "./checks.ts";
export {
  ARTIFACT_SCHEMA_VERSION, MODEL_PACKAGE_MANIFEST_FILENAME, ModelType, TENSOR_CACHE_MANIFEST_FILENAME, functionCallingModelIds, modelLibURLPrefix,
  modelVersion,
} from "./constants.ts";
export { CreateMLCEngine, MLCEngine } from "./engine.ts";
export { IntegrityError } from "./errors.ts";
export {
  CreateExtensionServiceWorkerMLCEngine, ExtensionServiceWorkerMLCEngine, ExtensionServiceWorkerMLCEngineHandler, type ExtensionPort,
} from "./extension.ts";
export { isValidSRI, verifyIntegrity } from "./integrity.ts";
export type * from "./messages.ts";
export { Chat, Completions, Embeddings } from "./namespaces.ts";
export { CreateServiceWorkerMLCEngine, ServiceWorkerMLCEngine, ServiceWorkerMLCEngineHandler } from "./service_worker.ts";
/** @internal */
export { Package } from "./package.ts";
export type * from "./types.ts";
export { CreateWebWorkerMLCEngine, WebWorkerMLCEngine, WebWorkerMLCEngineHandler } from "./web_worker.ts";
