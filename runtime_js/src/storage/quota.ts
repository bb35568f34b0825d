/** Room in the browser's storage. */

/** Asks the browser not to evict what we store. Only pages may ask, and the answer changes nothing: a person may leave it open for ever. */
export function askForPersistence(): void {
  if (typeof navigator === "undefined" || typeof navigator.storage?.persist !== "function") return;
  navigator.storage.persist().catch(() => false);
}

/** Bytes that may still be stored, or undefined where the browser does not say. */
export async function freeBytes(): Promise<number | undefined> {
  if (typeof navigator === "undefined" || typeof navigator.storage?.estimate !== "function") return undefined;
  const { quota, usage } = await navigator.storage.estimate().catch((): StorageEstimate => ({}));
  return quota === undefined || usage === undefined ? undefined : quota - usage;
}
