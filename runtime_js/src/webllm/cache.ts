/** What is stored of a model. Its program, settings and weights are one set of files here, which come and go together. */

import * as own from "../api/cache.ts";
import { findRecord, locate, prebuiltAppConfig } from "./app_config.ts";
import type { AppConfig } from "./types.ts";

/** Whether the model loads without the network. Rejects with a ModelNotFoundError. */
export async function hasModelInCache(modelId: string, appConfig: AppConfig = prebuiltAppConfig): Promise<boolean> {
  const record = locate(findRecord(modelId, appConfig));
  return own.hasModelInCache(record.model_id, { model_list: [record] });
}

export async function deleteModelAllInfoInCache(modelId: string, appConfig: AppConfig = prebuiltAppConfig): Promise<void> {
  const record = locate(findRecord(modelId, appConfig));
  await own.deleteModelInCache(record.model_id, { model_list: [record] });
}

export const deleteModelInCache = deleteModelAllInfoInCache;

/** Frees nothing by itself: the settings are a few kilobytes beside the weights. */
export async function deleteChatConfigInCache(modelId: string, appConfig: AppConfig = prebuiltAppConfig): Promise<void> {
  findRecord(modelId, appConfig);
}

/** As above. */
export async function deleteModelWasmInCache(modelId: string, appConfig: AppConfig = prebuiltAppConfig): Promise<void> {
  findRecord(modelId, appConfig);
}
