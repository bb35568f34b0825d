/** Room in the browser's storage. */

import { owed } from "../support/patience.ts";

const asked = new WeakSet<StorageManager>();

/**
 * Asks the browser, once, not to evict what we store. Only pages may ask. Resolves with the answer, which a person may leave open for ever: nothing
 * must wait for it.
 */
export async function askForPersistence(): Promise<void> {
  if (typeof navigator === "undefined" || typeof navigator.storage?.persist !== "function" || asked.has(navigator.storage)) return;
  asked.add(navigator.storage);
  await ask(navigator).catch(() => undefined);
}

/** Asks again, because a person wants it; whether the browser agrees. */
export async function persist(): Promise<boolean> {
  return typeof navigator !== "undefined" && await navigator.storage?.persist?.().catch(() => false) === true;
}

/** Whether the browser evicts nothing by itself. */
export async function isPersistent(): Promise<boolean> {
  return typeof navigator !== "undefined" && await navigator.storage?.persisted?.().catch(() => false) === true;
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
