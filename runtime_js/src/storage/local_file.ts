/** Files of this machine, for runtimes that may read them: they are read where they are, and kept nowhere else. */

import { InternalError } from "../support/errors.ts";
import { platform, type Platform } from "../support/platform.ts";

export function isLocal(url: string): boolean {
  return url.startsWith("file:");
}

/** As `Platform.readFile`. */
export function readLocal(...call: Parameters<Platform["readFile"]>): ReturnType<Platform["readFile"]> {
  const host = platform();
  if (host === undefined) throw new InternalError("a browser's page was given a file");
  return host.readFile(...call);
}
