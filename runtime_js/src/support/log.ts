/** What the engine says on the console, from a level on. One level for the whole realm. */

import { LOG_LEVELS } from "../api/config.ts";
import type { LogLevel } from "../api/types.ts";

let threshold: LogLevel = "WARN";

export function setLogLevel(level: LogLevel): void {
  threshold = level;
}

function isHeard(level: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(threshold);
}

export const log = {
  info(message: string): void {
    if (isHeard("INFO")) console.info(message);
  },
  warn(message: string): void {
    if (isHeard("WARN")) console.warn(message);
  },
};
