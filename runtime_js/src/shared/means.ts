/** What the workers of a group need of their browser. */

import type { ModelSource } from "../storage/source.ts";
import { isStored } from "../storage/stored.ts";
import { webLocks, type Locks } from "../support/web_locks.ts";

export interface Means {
  readonly locks: Locks;
  channel(name: string): BroadcastChannel;
  /** Whether the model can be loaded without a network. */
  isStored(source: ModelSource): Promise<boolean>;
}

/** Undefined where workers cannot find each other. */
export function meansHere(): Means | undefined {
  const locks = webLocks();
  if (locks === undefined || typeof BroadcastChannel === "undefined") return undefined;
  return { locks, channel: (name) => new BroadcastChannel(name), isStored: (source) => isStored(source).catch(() => false) };
}
