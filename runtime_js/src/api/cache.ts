/** What is stored of a model on this device. */

import { deleteStored, isStored } from "../storage/stored.ts";
import { resolveModel } from "./config.ts";
import type { AppConfig } from "./types.ts";

/** Whether the manifest and every file it names are stored: the model then loads without the network. */
export async function hasModelInCache(modelId: string, appConfig?: AppConfig): Promise<boolean> {
  return isStored(resolveModel(modelId, appConfig));
}

/** Deletes the stored files of a model; those that another model of the same folder needs stay. */
export async function deleteModelInCache(modelId: string, appConfig?: AppConfig): Promise<void> {
  await deleteStored(resolveModel(modelId, appConfig));
}
