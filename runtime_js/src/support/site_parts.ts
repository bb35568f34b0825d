/**
 * A site's worker is one script from memory: what it loads later it imports from an address, which the page tells it by the worker's name. Such
 * a part is a script by itself, with its own copies of what it shares.
 */

export type SitePart = "structure" | "cpu";

/** The name of a worker that is to find these parts. */
export function workerName(parts: Readonly<Record<SitePart, string>>): string {
  return JSON.stringify(parts);
}

/** The address of a part, in a worker that the page named so. */
export function addressOf(part: SitePart): string {
  const parts: Readonly<Record<SitePart, string>> = JSON.parse(self.name);
  return parts[part];
}
