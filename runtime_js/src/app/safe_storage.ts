/** Small values that outlive the page. Where the browser refuses storage, or has no room, they live as long as the page. */

export interface SafeStorage {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
}

/** open: gives the storage; reading the property alone can throw. */
export function safeStorage(open: () => Storage): SafeStorage {
  const memory = new Map<string, string>();
  let storage: Storage | undefined;
  try {
    storage = open() ?? undefined; // null in some web views
  } catch {
    storage = undefined;
  }
  const stored = (key: string): string | undefined => {
    try {
      return storage?.getItem(key) ?? undefined;
    } catch {
      return undefined;
    }
  };
  return {
    get: (key) => memory.get(key) ?? stored(key),
    set(key, value) {
      memory.set(key, value);
      try {
        storage?.setItem(key, value);
        if (storage !== undefined) memory.delete(key);
      } catch { // there is no room: this page remembers it
      }
    },
  };
}
