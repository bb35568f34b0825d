/** Registers the service worker, tells when a newer build of the site is there, and brings the page to it. */

import { ACTIVATE, comparing } from "../service-worker/message.ts";
import { scriptUrl } from "../support/script_url.ts";

/** Undefined where there are none: private windows, frames without an origin, some embedded browsers, pages over http. */
export function serviceWorkers(): ServiceWorkerContainer | undefined {
  try {
    return "serviceWorker" in navigator ? navigator.serviceWorker : undefined;
  } catch { // a frame may not even ask
    return undefined;
  }
}

/**
 * build: this page's. onUpdate: called when a newer build waits or has taken over, perhaps while this page was on its way; `apply` brings this page to it.
 * Until then the page goes on with its own build, whose engine it holds in memory.
 */
export async function followUpdates(url: string, build: string, onUpdate: (apply: () => void) => void): Promise<void> {
  const container = serviceWorkers();
  if (container === undefined) return;
  const offer = (): void => onUpdate(() => void loadNewest());
  const compare = (): void => {
    const { controller } = container;
    if (controller === null) return;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = offer;
    controller.postMessage(comparing(build), [port2]);
  };
  compare();
  container.addEventListener("controllerchange", compare);
  addEventListener("pageshow", ({ persisted }) => { if (persisted) compare(); });
  const registration = await container.register(scriptUrl(url), { updateViaCache: "none" });
  const follow = (worker: ServiceWorker | null): void => {
    worker?.addEventListener("statechange", () => {
      if (worker.state === "installed" && registration.active !== null) offer();
    });
  };
  if (registration.waiting !== null && container.controller !== null) offer();
  follow(registration.installing);
  registration.addEventListener("updatefound", () => follow(registration.installing));
}

/** Ask the server whether there is a newer build; whoever follows is told. */
export function lookForUpdate(): void {
  serviceWorkers()?.getRegistration().then((registration) => registration?.update()).catch(() => undefined); // no network, no news
}

/** A build that is not there by then, or does not take over, waits for the next visit. */
const PATIENCE_MS = 10_000;

/** Load the page again, in the newest build that the browser has or can fetch soon. */
export async function loadNewest(): Promise<void> {
  let isLoading = false;
  const reload = (): void => {
    if (!isLoading) location.reload(); // a second time would begin anew
    isLoading = true;
  };
  const isLate = setTimeout(reload, PATIENCE_MS);
  const container = serviceWorkers();
  container?.addEventListener("controllerchange", reload); // another tab may let it take over, too
  const registration = await container?.getRegistration().catch(() => undefined);
  await registration?.update().catch(() => undefined);
  const next = registration?.waiting ?? (await installed(registration?.installing));
  if (next === undefined) return reload();
  clearTimeout(isLate);
  setTimeout(() => void registration?.unregister().finally(reload), PATIENCE_MS); // another site's, which has come in this one's place, takes no notice
  next.postMessage(ACTIVATE);
}

/** A worker that is being installed, when it is done; undefined where that fails. */
function installed(worker: ServiceWorker | null | undefined): Promise<ServiceWorker | undefined> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (worker?.state === "installed") resolve(worker);
      else if (worker?.state !== "installing") resolve(undefined);
    };
    worker?.addEventListener("statechange", look);
    look();
  });
}
