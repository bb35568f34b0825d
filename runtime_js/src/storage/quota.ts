/** Room in the browser's storage. */

import { owed } from "../support/patience.ts";

const asked = new WeakSet<StorageManager>();

/**
 * Asks the browser, once, not to evict what we store. Only pages may ask, and the answer changes nothing: a person may leave it open for ever.
 */
export function askForPersistence(): void {
  if (typeof navigator === "undefined" || typeof navigator.storage?.persist !== "function" || asked.has(navigator.storage)) return;
  asked.add(navigator.storage);
  ask(navigator).catch(() => undefined);
}

/** Nobody is asked who has answered already. */
async function ask({ storage, permissions }: Navigator): Promise<void> {
  if (await storage.persisted().catch(() => false)) return;
  const refusal = await permissions?.query({ name: "persistent-storage" }).catch(() => undefined); // some browsers do not know the name
  if (refusal?.state !== "denied") await storage.persist();
}

/** Bytes that may still be stored, or undefined where the browser does not say. */
export async function freeBytes(): Promise<number | undefined> {
  if (typeof navigator === "undefined" || typeof navigator.storage?.estimate !== "function") return undefined;
  const { quota, usage } = await owed("the room in its storage", navigator.storage.estimate()).catch((): StorageEstimate => ({}));
  return quota === undefined || usage === undefined ? undefined : quota - usage;
}
