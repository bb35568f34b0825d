/**
 * Answers that outlive their tab: of each that asks for it one small file in the private file system, appended to as tokens come. It begins
 * with what was asked, as JSON between two numbers that check it; then each token is a record with a check of its own, so that what a killed
 * tab cut off in the middle is seen and left out. A file that is still open belongs to an answer that runs.
 */

import { RequestValidationError } from "../support/errors.ts";
import { hasFileSystem, isNamed, journalFolder, whenUnused } from "./folders.ts";
import { isSync, type SyncFile } from "./draft.ts";

/** Of the files, and of what they hold. */
const FORMAT = 0x774a3031;
const HEADER_BYTES = 12;
const RECORD_BYTES = 8;
/** Journals that are kept; a new one takes the place of the oldest. */
const MAX_JOURNALS = 16;
const MAX_REQUEST_BYTES = 1 << 25;
const MAX_TOKENS = 1 << 20;
/** Another tab may read a file at this moment. */
const ATTEMPTS = 6;
/** Browsers let a worker that is ended go on for two seconds. */
export const PATIENT_ATTEMPTS = 60;

/** What an answer's journal holds. */
export interface JournalContent {
  /** As it was given to `Journal.create`. */
  readonly request: string;
  readonly tokens: readonly number[];
}

/** FNV-1a. */
function checkOf(bytes: Uint8Array): number {
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5) >>> 0;
}

/** Of the token at a place, so that neither zeros nor what another file held there are taken for one. */
function recordOf(token: number, place: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.of(token, (Math.imul(token ^ FORMAT, 0x9e3779b1) ^ Math.imul(place + 1, 0x85ebca6b)) >>> 0);
}

function fileName(id: string): string {
  return encodeURIComponent(id);
}

/** The id of a file; none of one that has no name of ours. */
function idOf(name: string): string[] {
  try {
    return [decodeURIComponent(name)].filter((id) => fileName(id) === name);
  } catch {
    return [];
  }
}

async function open(id: string, create: boolean, attempts = ATTEMPTS): Promise<SyncFile | null> {
  const handle = await (await journalFolder(create)).getFileHandle(fileName(id), { create });
  return isSync(handle) ? whenUnused(attempts, () => handle.createSyncAccessHandle()) : null;
}

export class Journal {
  readonly #id: string;
  #file: SyncFile | null;
  #end: number;
  #tokens: number;

  private constructor(id: string, file: SyncFile, end: number, tokens: number) {
    this.#id = id;
    this.#file = file;
    this.#end = end;
    this.#tokens = tokens;
  }

  /**
   * Begins a journal; null where this thread has no files that it can append to. Raises DOMException, NoModificationAllowedError where an
   * answer of that id runs.
   */
  static async create(id: string, request: string): Promise<Journal | null> {
    if (!hasFileSystem()) return null;
    const bytes = new TextEncoder().encode(request);
    if (bytes.length > MAX_REQUEST_BYTES) return null;
    await makeRoom(id);
    const file = await open(id, true);
    if (file === null) return null;
    try {
      file.truncate(0);
      file.write(bytes, { at: HEADER_BYTES });
      file.write(new Uint8Array(Uint32Array.of(FORMAT, bytes.length, checkOf(bytes)).buffer), { at: 0 }); // now it is whole
    } catch (error) {
      file.close();
      throw error;
    }
    return new Journal(id, file, HEADER_BYTES + bytes.length, 0);
  }

  /** Goes on with a journal, or only reads it; null where there is none. Raises RequestValidationError where it is damaged, and DOMException, as `create` does. */
  static async resume(id: string, onlyReads = false): Promise<{ readonly journal: Journal; readonly content: JournalContent } | null> {
    if (!hasFileSystem()) return null;
    const file = await open(id, false, onlyReads ? ATTEMPTS : PATIENT_ATTEMPTS).catch((error: unknown) => {
      if (isNamed(error, "NotFoundError")) return null;
      throw error;
    });
    if (file === null) return null;
    const content = contentOf(file);
    if (content === null) {
      file.close();
      throw new RequestValidationError(`What is kept under "${id}" is damaged. Delete it.`, { param: "sessionId" });
    }
    const end = HEADER_BYTES + new TextEncoder().encode(content.request).length + RECORD_BYTES * content.tokens.length;
    return { journal: new Journal(id, file, end, content.tokens.length), content };
  }

  /** What storage refuses is the journal's failure and not the answer's: it ends, and what it has can be resumed. */
  append(token: number): void {
    if (this.#file === null || this.#tokens === MAX_TOKENS) return;
    try {
      this.#file.write(new Uint8Array(recordOf(token, this.#tokens).buffer), { at: this.#end });
      this.#tokens++;
      this.#end += RECORD_BYTES;
    } catch {
      this.close();
    }
  }

  /** Leaves what there is for later. */
  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  /** The answer is whole. */
  async remove(): Promise<void> {
    this.close();
    const removal = deleteJournal(this.#id);
    removals.add(removal);
    await removal;
    removals.delete(removal);
  }
}

/** Of answers that have ended here. */
const removals = new Set<Promise<boolean>>();

function contentOf(file: SyncFile): JournalContent | null {
  const bytes = new Uint8Array(Math.min(file.getSize(), HEADER_BYTES + MAX_REQUEST_BYTES + RECORD_BYTES * MAX_TOKENS));
  file.read(bytes, { at: 0 });
  const view = new DataView(bytes.buffer);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== FORMAT) return null;
  const begin = HEADER_BYTES + view.getUint32(4, true);
  const request = bytes.subarray(HEADER_BYTES, begin);
  if (begin > bytes.length || view.getUint32(8, true) !== checkOf(request)) return null;
  const tokens: number[] = [];
  for (let at = begin; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    const [token, check] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    if (recordOf(token, tokens.length)[1] !== check) break;
    tokens.push(token);
  }
  return { request: new TextDecoder().decode(request), tokens };
}

/** Ids of all journals. */
export async function listJournals(): Promise<string[]> {
  if (!hasFileSystem()) return [];
  const ids: string[] = [];
  await Promise.all(removals);
  try {
    for await (const name of (await journalFolder(false)).keys()) ids.push(...idOf(name));
  } catch (error) {
    if (!isNamed(error, "NotFoundError") && !isNamed(error, "SecurityError")) throw error;
  }
  return ids;
}

/** Whether there was one that nobody uses. */
export async function deleteJournal(id: string, attempts = ATTEMPTS): Promise<boolean> {
  if (!hasFileSystem()) return false;
  try {
    const folder = await journalFolder(false);
    await whenUnused(attempts, () => folder.removeEntry(fileName(id)));
    return true;
  } catch {
    return false;
  }
}

/** Deletes the oldest where there are too many; what runs stays. */
async function makeRoom(id: string): Promise<void> {
  const others = (await listJournals()).filter((other) => other !== id);
  if (others.length < MAX_JOURNALS) return;
  const folder = await journalFolder(true);
  const ages = await Promise.all(others.map(async (other) => {
    const file = await folder.getFileHandle(fileName(other)).then((handle) => handle.getFile()).catch(() => null);
    return { other, age: file?.lastModified ?? 0 };
  }));
  let surplus = others.length - MAX_JOURNALS + 1;
  for (const { other } of ages.sort((a, b) => a.age - b.age)) if (surplus > 0 && await deleteJournal(other, 1)) surplus--;
}
