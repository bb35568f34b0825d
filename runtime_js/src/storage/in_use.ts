/** Which stored models pages of this origin use: each page holds a lock for the model that it runs, as long as it does. */

import { holdLock } from "../support/web_locks.ts";
import { folderOf } from "./folders.ts";

const PREFIX = "webllm-build:used:";

/** Says that this page runs a model, until the signal aborts. */
export function markInUse(manifest: string, until: AbortSignal): void {
  if (typeof navigator === "undefined" || navigator.locks === undefined) return;
  const { locks } = navigator;
  // Each page has one of its own, and none waits for another's.
  holdLock(locks, `${PREFIX}${crypto.randomUUID()} ${folderOf(manifest)}`, until).catch(() => undefined);
}

/** The folders whose models pages run, or download at this moment, and how many do. Empty where the browser does not say. */
export async function foldersInUse(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  if (typeof navigator === "undefined" || navigator.locks === undefined) return counts;
  const { held = [] } = await navigator.locks.query().catch((): LockManagerSnapshot => ({}));
  for (const { name = "" } of held) {
    const [, folder] = name.startsWith(PREFIX) ? name.split(" ") : [];
    if (folder !== undefined) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return counts;
}
