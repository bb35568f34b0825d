/** What the thread that reads files is asked, and says. */

import type { WireError } from "../../support/errors.ts";
import type { Wait } from "../../support/waiting.ts";
import type { FileEntry } from "../manifest.ts";
import type { Urls } from "../source.ts";

export interface ReaderRequest {
  /** Whether the file is only brought to storage: nothing of it comes back. */
  readonly isFetch: boolean;
  /** URL of the model's manifest, which names its folder in storage. */
  readonly manifest: string;
  readonly entry: FileEntry;
  readonly urls: Urls;
  /** Why nothing more is stored, if so. */
  readonly warning: string | undefined;
  readonly into: ArrayBuffer | undefined;
}

export type ReaderReply =
  /** The script runs; said at first, and with every tick. */
  | { readonly kind: "alive" }
  | { readonly kind: "progress"; readonly bytes: number }
  | { readonly kind: "waiting"; readonly reason: Wait }
  | { readonly kind: "failed"; readonly url: string }
  /** bytes: of a file that is read. */
  | { readonly kind: "done"; readonly bytes: Uint8Array<ArrayBuffer> | undefined; readonly warning: string | undefined }
  | { readonly kind: "error"; readonly error: WireError };
