/** What is kept in IndexedDB: documents, their texts, and the vectors of their passages in batches as they were made. */

import type { Passage } from "./passages.ts";

export interface StoredDocument {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the file, in hex digits. */
  readonly hash: string;
  readonly bytes: number;
  readonly pages: number | null;
  readonly note: string | null;
  readonly added: number;
  readonly passages: readonly Passage[];
  /** The model that makes its vectors. */
  readonly model: string;
}

interface StoredText {
  readonly id: string;
  readonly text: string;
}

/** float32[passages from `first` on, dimensions] */
interface StoredVectors {
  readonly id: string;
  readonly first: number;
  readonly vectors: Float32Array;
}

export interface Store {
  documents(): Promise<StoredDocument[]>;
  text(id: string): Promise<string>;
  /** In the order of the passages. */
  vectors(id: string): Promise<Float32Array[]>;
  put(document: StoredDocument, text: string): Promise<void>;
  putVectors(id: string, first: number, vectors: Float32Array): Promise<void>;
  /** The document with all that belongs to it. */
  remove(id: string): Promise<void>;
}

type StoreName = "documents" | "texts" | "vectors";

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class DatabaseStore implements Store {
  readonly #database: IDBDatabase;

  constructor(database: IDBDatabase) {
    this.#database = database;
  }

  static async open(name = "rag"): Promise<DatabaseStore> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("documents", { keyPath: "id" });
      request.result.createObjectStore("texts", { keyPath: "id" });
      request.result.createObjectStore("vectors", { keyPath: ["id", "first"] });
    };
    return new DatabaseStore(await result(request));
  }

  documents(): Promise<StoredDocument[]> {
    return result(this.#read("documents").getAll());
  }

  async text(id: string): Promise<string> {
    const stored: StoredText | undefined = await result(this.#read("texts").get(id));
    return stored?.text ?? "";
  }

  async vectors(id: string): Promise<Float32Array[]> {
    const stored: StoredVectors[] = await result(this.#read("vectors").getAll(batchesOf(id)));
    return stored.map(({ vectors }) => vectors);
  }

  put(document: StoredDocument, text: string): Promise<void> {
    return this.#write((store) => {
      store("documents").put(document);
      store("texts").put({ id: document.id, text } satisfies StoredText);
    });
  }

  putVectors(id: string, first: number, vectors: Float32Array): Promise<void> {
    return this.#write((store) => store("vectors").put({ id, first, vectors } satisfies StoredVectors));
  }

  remove(id: string): Promise<void> {
    return this.#write((store) => {
      store("documents").delete(id);
      store("texts").delete(id);
      store("vectors").delete(batchesOf(id));
    });
  }

  #read(name: StoreName): IDBObjectStore {
    return this.#database.transaction(name).objectStore(name);
  }

  /** All of it or nothing. */
  #write(change: (store: (name: StoreName) => IDBObjectStore) => void): Promise<void> {
    const transaction = this.#database.transaction(["documents", "texts", "vectors"], "readwrite");
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
      change((name) => transaction.objectStore(name));
    });
  }
}

function batchesOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id, 0], [id, Infinity]);
}
