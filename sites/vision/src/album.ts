/** Descriptions by what is in a file, so that a picture is described once, wherever it lies and whatever it is called. */

export interface Album {
  get(key: string): Promise<string | undefined>;
  put(key: string, description: string): Promise<void>;
}

export async function keyOf(picture: Blob): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await picture.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

const STORE = "descriptions";

export async function openAlbum(name = "vision"): Promise<Album> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  const database = await result(request);
  const store = (mode: IDBTransactionMode): IDBObjectStore => database.transaction(STORE, mode).objectStore(STORE);
  return {
    async get(key) {
      const found: unknown = await result(store("readonly").get(key));
      return typeof found === "string" ? found : undefined;
    },
    async put(key, description) {
      await result(store("readwrite").put(description, key));
    },
  };
}
