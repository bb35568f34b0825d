/** What a runtime that is no browser gives in a browser's place: Node, Deno and Bun, which set it before anything is loaded. */

/** Of a browser's Blob, as much as storage asks for. */
export interface StoredFile {
  readonly size: number;
  readonly lastModified: number;
  arrayBuffer(): Promise<ArrayBuffer>;
  slice(begin: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** Of a file in a folder, as much as storage asks for; the handles of a browser's private file system are such. */
export interface FileHandle {
  getFile(): Promise<StoredFile>;
  createWritable?(): Promise<{ write(bytes: Uint8Array<ArrayBuffer>): Promise<void>; close(): Promise<void> }>;
}

/** Fails with DOMExceptions of the names that browsers give them. */
export interface Folder {
  getDirectoryHandle(name: string, options?: { readonly create?: boolean }): Promise<Folder>;
  getFileHandle(name: string, options?: { readonly create?: boolean }): Promise<FileHandle>;
  removeEntry(name: string): Promise<void>;
  keys(): AsyncIterable<string>;
}

/** Of a file, in bytes. */
export type Size = { readonly exactly: number } | { readonly atMost: number };

/** Where a model's files lie; absolute URLs. */
export interface Located {
  readonly manifest: string;
  /** Of the folder of the weights, where that is another. */
  readonly weights?: string;
}

/** Outside of browsers it keeps no process alive: whoever waits for a message sets a timer as well. */
export interface Thread<Reply = unknown> {
  onmessage: ((event: { readonly data: Reply }) => void) | null;
  /** Called when the script failed, or could not be started. */
  onerror: (() => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
  terminate(): void;
}

export interface Platform {
  /** URL of the folder that relative addresses are meant from. */
  base(): string;
  /** The model that lies in a folder, or is a manifest, on this machine; undefined where `model` is an address elsewhere. Raises ModelNotFoundError. */
  locate(model: string): Located | undefined;
  /** The folder that keeps what comes over the network. */
  storage(): Folder;
  /**
   * The bytes of a `file:` URL, in `into` if they fit there. size: how many there must be, exactly or at most. Raises DownloadError where it
   * cannot be read, IntegrityError where its size is wrong.
   */
  readFile(url: string, size: Size, into?: ArrayBuffer): Promise<Uint8Array<ArrayBuffer>>;
  /** The file of a `file:` URL, whether it is there or not. */
  file(url: string): FileHandle;
  startThread(script: string): Thread;
  /** Threads that run at a time on this machine. */
  readonly threadCount: number;
}

let current: Platform | undefined;

/** Undefined in a browser. */
export function platform(): Platform | undefined {
  return current;
}

export function setPlatform(given: Platform): void {
  current = given;
}
