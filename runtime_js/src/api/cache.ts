/** What is stored of a model on this device. */

import { deleteFolder } from "../storage/folders.ts";
import { isStored } from "../storage/model_folder.ts";
import { resolveModel } from "./config.ts";
import type { AppConfig } from "./types.ts";

/** Whether the manifest and every file it names are stored: the model then loads without the network. */
export async function hasModelInCache(modelId: string, appConfig?: AppConfig): Promise<boolean> {
  return isStored(resolveModel(modelId, appConfig));
}

/** Deletes all stored files of a model. */
export async function deleteModelInCache(modelId: string, appConfig?: AppConfig): Promise<void> {
  await deleteFolder(resolveModel(modelId, appConfig).manifest);
}
