/** Small values that outlive the page. Where the browser refuses storage, or has no room, they live as long as the page. */

export interface SafeStorage {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
}

/** The folder of this site, without its last slash: an origin may have several. */
export function thisSite(): string {
  return typeof document === "undefined" ? "" : new URL(".", document.baseURI).pathname.slice(0, -1);
}

/** open: gives the storage; reading the property alone can throw. site: whose values these are, of those that share the storage. */
export function safeStorage(open: () => Storage, site: string = thisSite()): SafeStorage {
  const memory = new Map<string, string>();
  let storage: Storage | undefined;
  try {
    storage = open() ?? undefined; // null in some web views
  } catch {
    storage = undefined;
  }
  const stored = (key: string): string | undefined => {
    try {
      return storage?.getItem(key + site) ?? undefined;
    } catch {
      return undefined;
    }
  };
  return {
    get: (key) => memory.get(key) ?? stored(key),
    set(key, value) {
      memory.set(key, value);
      try {
        storage?.setItem(key + site, value);
        if (storage !== undefined) memory.delete(key);
      } catch { // there is no room: this page remembers it
      }
    },
  };
}
