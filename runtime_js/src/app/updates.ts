/** Registers the service worker, and tells when a newer build of the site is there. */

import { ACTIVATE } from "../service-worker/message.ts";

/**
 * onUpdate: called once when a newer build waits or has taken over in another tab; `apply` brings this page to it.
 * The page goes on with its own build until then: its files stay in the old cache.
 */
export async function followUpdates(url: string, onUpdate: (apply: () => void) => void): Promise<void> {
  const container = navigator.serviceWorker;
  const wasControlled = container.controller !== null;
  const reload = (): void => location.reload();
  container.addEventListener("controllerchange", () => {
    if (wasControlled) onUpdate(reload);
  });
  const registration = await container.register(url, { updateViaCache: "none" });
  const offer = (waiting: ServiceWorker): void => onUpdate(() => {
    container.addEventListener("controllerchange", reload);
    waiting.postMessage(ACTIVATE);
  });
  if (registration.waiting !== null && wasControlled) offer(registration.waiting);
  registration.addEventListener("updatefound", () => {
    const installing = registration.installing;
    installing?.addEventListener("statechange", () => {
      if (installing.state === "installed" && registration.active !== null) offer(installing);
    });
  });
}
