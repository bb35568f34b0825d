/** The model, which lives in the offscreen document. */

import { CreateExtensionServiceWorkerMLCEngine, modelId, prebuiltAppConfig, type ExtensionServiceWorkerMLCEngine, type InitProgressReport } from "smollm2-135m";

declare const WEIGHTS: string;

const [record] = prebuiltAppConfig.model_list;

/** Tokens of a page, questions and answers together: a longer page would keep the reader waiting. */
export const CONTEXT = Math.min(8192, record?.overrides?.context_window_size ?? 4096);

export function openModel(progress: (report: InitProgressReport) => void): Promise<ExtensionServiceWorkerMLCEngine> {
  const weights = new URL(WEIGHTS, location.href).href;
  return CreateExtensionServiceWorkerMLCEngine(modelId, {
    offscreen: "engine.html",
    appConfig: { model_list: prebuiltAppConfig.model_list.map((known) => ({ ...known, weights })) },
    initProgressCallback: progress,
  }, { context_window_size: CONTEXT });
}
