/** A verified file, of which parts are read. */

import type { FileHandle } from "../support/platform.ts";
import { isSync } from "./draft.ts";

export interface RangeFile {
  /** Fills `into` with the bytes from `at` on; at once, where the platform can. Raises, or rejects with, an error where they are not there. */
  read(at: number, into: Uint8Array<ArrayBuffer>): Promise<void> | void;
  close(): void;
}

/** A copy in memory. */
export function heldFile(bytes: Uint8Array<ArrayBuffer>): RangeFile {
  return { read: (at, into) => into.set(bytes.subarray(at, at + into.length)), close: () => undefined };
}

function checkWhole(read: number, wanted: number): void {
  if (read !== wanted) throw new Error(`the file ends ${wanted - read} bytes too early`);
}

/** Null where the file has another size. While it is open, no other page deletes it in a dedicated worker. */
export async function openRanges(handle: FileHandle, size: number): Promise<RangeFile | null> {
  const file = isSync(handle) ? await handle.createSyncAccessHandle({ mode: "read-only" }).catch(() => null) : null;
  if (file !== null) {
    if (file.getSize() === size) return { read: (at, into) => checkWhole(file.read(into, { at }), into.length), close: () => file.close() };
    file.close();
    return null;
  }
  const blob = await handle.getFile(); // not in a dedicated worker, or open elsewhere
  if (blob.size !== size) return null;
  return {
    read: async (at, into) => {
      const bytes = new Uint8Array(await blob.slice(at, at + into.length).arrayBuffer());
      checkWhole(bytes.length, into.length);
      into.set(bytes);
    },
    close: () => undefined,
  };
}
