/** Entry point of the page's script. */

import { readConfig } from "../page/config.ts";
import { timesMissed, showIncomplete } from "../page/missing.ts";
import { takeRequests } from "../endpoint/take.ts";
import { requestAdapter } from "../executor/adapter.ts";
import { Chat } from "./chat.ts";
import { Continuation } from "./continuation.ts";
import { safeStorage } from "./safe_storage.ts";
import { followLife } from "./lifecycle.ts";
import { describeProblem, insecurePage, wasmForbidden, type Problem } from "./problems.ts";
import { followStorage } from "./late_storage.ts";
import { followUpdates, loadNewest, serviceWorkers } from "./updates.ts";
import { byId } from "../view/dom.ts";
import { showNotice } from "./view/notice.ts";
import { followTheme } from "./view/theme.ts";
import { wishedLanguages } from "./words/choice.ts";
import { sayPage } from "./words/page.ts";
import { WORDS, speak } from "./words/words.ts";

/** The shortest module of WebAssembly: its name and version. */
const EMPTY_MODULE = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);

/** What is wrong with the GPU; undefined where there is one. */
const findGpuObstacle = (): Promise<Problem | undefined> => requestAdapter().then(() => undefined, (error: unknown) => describeProblem(error, "start"));

/** What keeps every model from running here; undefined where nothing does. */
async function findObstacle(): Promise<Problem | undefined> {
  if (!isSecureContext) return insecurePage();
  return WebAssembly.compile(EMPTY_MODULE).then(() => undefined, wasmForbidden);
}

/**
 * A page without words is one of another build than the files on the server. It is loaded again once; whoever reads it hears of it then. Where the
 * server cannot be reached, the browser would show an error of its own in the page's place.
 */
async function becomeWhole(error: unknown): Promise<never> {
  const isThere = await fetch(location.href, { method: "HEAD" }).then(() => true, () => false);
  if (isThere && timesMissed(config.build) === 0) await loadNewest();
  showIncomplete();
  throw error;
}

followTheme(safeStorage(() => localStorage));
const config = readConfig(byId("webllm-config", HTMLScriptElement).text, location.href);
await speak(wishedLanguages(safeStorage(() => localStorage), config.language), config.words).catch(becomeWhole);
sayPage();
const page = config.task === "chat" ? new Chat(config) : new Continuation(config);
followLife({ save: () => page.save(), wake: () => void page.model.wake() });
// Without a service worker only the offline visit is missing.
followUpdates(config.serviceWorker, config.build, (apply) => {
  showNotice("update", WORDS.notice.update, { label: WORDS.notice.load, press: apply });
}).catch(() => undefined);
followStorage(config.storage, page.model);
const workers = serviceWorkers();
if (config.endpoint !== undefined && workers !== undefined) takeRequests(workers, config.endpoint, (model) => page.model.hostFor(model));
const ofGpu = await findGpuObstacle();
const obstacle = await findObstacle() ?? (page.model.model.runsOnCpu ? undefined : ofGpu);
if (obstacle === undefined) await page.model.open(ofGpu === undefined);
else page.model.fail(obstacle);
