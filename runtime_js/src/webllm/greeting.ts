/** How a page and a service worker begin to speak, each with a lock that the other sees freed when this one ends. */

import { FeatureSupportError, ProtocolError } from "../support/errors.ts";
import { PATIENCE_TICKS, everyTick } from "../support/patience.ts";
import { webLocks, type Locks } from "../support/web_locks.ts";

export interface Hello {
  readonly kind: "hello";
  readonly uuid: string;
  /** The lock that is free when the page has ended. */
  readonly life: string;
}

export interface Welcome {
  readonly kind: "welcome";
  /** The hello's. */
  readonly uuid: string;
  /** The lock that is free when the browser has stopped the service worker. */
  readonly life: string;
  /** Whether there is WebGPU in the service worker: else the engine is in a worker of a page. One of an older build does not say. */
  readonly hasGPU?: boolean;
}

function isGreeting<K extends string>(data: unknown, kind: K): data is { readonly kind: K; readonly uuid: string; readonly life: string } {
  return typeof data === "object" && data !== null && "kind" in data && data.kind === kind
    && "uuid" in data && typeof data.uuid === "string" && "life" in data && typeof data.life === "string";
}

export function isHello(data: unknown): data is Hello {
  return isGreeting(data, "hello");
}

export function isWelcome(data: unknown): data is Welcome {
  return isGreeting(data, "welcome");
}

/** Browsers with service workers have had Web Locks since 2022. */
export async function lockManager(): Promise<Locks> {
  const locks = webLocks();
  if (locks === undefined) throw new FeatureSupportError("This browser has no Web Locks, by which page and service worker know that the other is there.");
  return locks;
}

/** The welcome, where one comes in time. */
export async function answered(welcome: Promise<Welcome>): Promise<Welcome> {
  let stop = (): void => undefined;
  const silence = new Promise<never>((_, reject) => {
    stop = everyTick((ticks) => {
      if (ticks < PATIENCE_TICKS) return;
      reject(new ProtocolError("The service worker says nothing: its script has failed, or makes no ServiceWorkerMLCEngineHandler."));
    });
  });
  return Promise.race([welcome, silence]).finally(() => stop());
}
