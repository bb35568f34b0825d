/** A file as text. What it says is only ever shown as text, and has bounds. */

import type { Section } from "../passages.ts";
import { readText } from "./text.ts";

export const MAX_FILE_BYTES = 64 << 20;
/** About two thousand pages. */
export const MAX_CHARACTERS = 5_000_000;

export interface ReadDocument {
  readonly text: string;
  readonly sections: readonly Section[];
  /** What the user should know: pages without text. */
  readonly note: string | null;
}

/** Tells what is being done, with a part of the whole from 0 to 1. */
export type Progress = (what: string, done: number) => void;

/** A file that cannot be taken, and why. */
export class DocumentError extends Error {
  override readonly name = "DocumentError";
}

/** Raises DocumentError, or the signal's reason. */
export async function readDocument(name: string, bytes: Uint8Array<ArrayBuffer>, progress: Progress, signal: AbortSignal): Promise<ReadDocument> {
  if (bytes.length === 0) throw new DocumentError("The file is empty.");
  const isPdf = /\.pdf$/i.test(name) || String.fromCharCode(...bytes.subarray(0, 5)) === "%PDF-";
  // What reads PDFs is larger than all else here, and is fetched with the first of them.
  const read = isPdf ? (await import("./pdf.ts")).readPdf : readText;
  const document = await read(name, bytes, progress, signal);
  if (!/\S/.test(document.text)) throw new DocumentError(isPdf ? SCANNED : "The file has no text in it.");
  return document;
}

const SCANNED = "The PDF has no text: its pages are pictures, as a scanner makes them. Run text recognition (OCR) on it first.";
