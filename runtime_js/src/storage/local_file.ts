/** Files of this machine, for runtimes that may read them: they are read where they are, and kept nowhere else. */

import { InternalError } from "../support/errors.ts";
import { platform, type Platform } from "../support/platform.ts";
import { openRanges, type RangeFile } from "./range_file.ts";

export function isLocal(url: string): boolean {
  return url.startsWith("file:");
}

function host(): Platform {
  const found = platform();
  if (found === undefined) throw new InternalError("a browser's page was given a file");
  return found;
}

/** As `Platform.readFile`. */
export function readLocal(...call: Parameters<Platform["readFile"]>): ReturnType<Platform["readFile"]> {
  return host().readFile(...call);
}

/** A file of this machine, to be read by parts; undefined where the URL is another's. It resolves to null where the file has another size. */
export function openLocal(url: string, size: number): Promise<RangeFile | null> | undefined {
  return isLocal(url) ? openRanges(host().file(url), size) : undefined;
}
