/** The engine that a thread belongs to: its locks count for nothing when that has ended. */

import { workerData } from "node:worker_threads";
import { isRecord } from "../support/fields.ts";

const KEY = "webllmBuildEngine";

/** What a thread of an engine is given. */
export function ownedBy(owner: string): Readonly<Record<string, string>> {
  return { [KEY]: owner };
}

const given: unknown = workerData;
/** Of this thread; the same in all threads of an engine. */
export const OWNER = isRecord(given) && typeof given[KEY] === "string" ? given[KEY] : "";
/** What an engine's thread is told that is to end. */
export const END = "end";
