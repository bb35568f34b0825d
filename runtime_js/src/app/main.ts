/** Entry point of the page's script. */

import { WebGPUNotAvailableError } from "../support/errors.ts";
import { readConfig } from "../page/config.ts";
import { Controller } from "./controller.ts";
import { keepIn } from "./keep.ts";
import { INSECURE_PAGE, describeProblem, type Problem } from "./problems.ts";
import { followUpdates } from "./updates.ts";
import { byId } from "./view/dom.ts";
import { showNotice } from "./view/notice.ts";
import { followTheme } from "./view/theme.ts";

/** What keeps every model from running here; undefined where nothing does. */
async function findObstacle(): Promise<Problem | undefined> {
  if (!isSecureContext) return INSECURE_PAGE;
  const adapter = "gpu" in navigator ? await navigator.gpu.requestAdapter() : null;
  if (adapter === null) return describeProblem(new WebGPUNotAvailableError("no WebGPU adapter was found"));
  return undefined;
}

followTheme(keepIn(() => localStorage));
const config = readConfig(byId("webllm-config", HTMLScriptElement).text, location.href);
const controller = new Controller(config);
if ("serviceWorker" in navigator) {
  // Without a service worker (private windows, some embedded browsers) only the offline visit is missing.
  followUpdates(config.serviceWorker, (apply) => {
    showNotice("A new version of this page is ready. Your conversation is kept.", "Load it", apply);
  }).catch(() => undefined);
}
const obstacle = await findObstacle();
if (obstacle === undefined) await controller.open();
else controller.fail(obstacle);
