/** What the engine says on the console, from a level on. One level for the whole realm. */

export const LOG_LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "SILENT"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

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
