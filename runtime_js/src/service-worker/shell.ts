/** The caches of a site's own files: one for each build, and those of older builds for as long as a page of them may be open. */

import { sha256 } from "../support/digest.ts";

declare const self: ServiceWorkerGlobalScope;

/** What a file's name says of its content. */
const HASH = /[.]([0-9a-f]{16,64})[.][a-z0-9]+$/;

/** What the server has under a name is of another build. */
class AnotherBuildError extends Error {}

/** A cache that cannot be read is none: the network may be there. */
async function fromCache(url: string, cacheName: string): Promise<Response | undefined> {
  return caches.match(url, { cacheName }).catch(() => undefined);
}

export class Shell {
  readonly #page: string;
  readonly #urls: ReadonlySet<string>;
  /** Files that are stored when they are first asked for. */
  readonly #occasional: ReadonlySet<string>;
  readonly #version: string;
  readonly #prefix: string;
  /** A build's cache also has an entry for each page of it that is open or on its way, by the id of its client. */
  readonly #pages: string;
  /** And one where nothing is left of older builds. */
  readonly #alone: string;

  /** urls: all files that are stored at once; `page` is one of them. */
  constructor(page: string, urls: ReadonlySet<string>, occasional: ReadonlySet<string>, version: string) {
    const { scope } = self.registration;
    this.#page = page;
    this.#urls = urls;
    this.#occasional = occasional;
    this.#version = version;
    // A space cannot be part of a scope: a site below this one has another prefix.
    this.#prefix = `webllm-build:shell:${scope} `;
    this.#pages = `${scope}?page=`;
    this.#alone = `${scope}?alone`;
  }

  get #name(): string {
    return this.#prefix + this.#version;
  }

  async #older(): Promise<string[]> {
    return (await caches.keys()).filter((name) => name.startsWith(this.#prefix) && name !== this.#name);
  }

  /** Stores all files or none. Rejects where one is of another build: the site is just being deployed. */
  async install(): Promise<void> {
    const files = await Promise.all([...this.#urls].map(async (url) => [url, await this.#fetch(url)] as const));
    const cache = await caches.open(this.#name);
    await cache.delete(this.#alone); // of an earlier life of the same build
    await Promise.all(files.map(([url, response]) => cache.put(url, response)));
  }

  async #fetch(url: string): Promise<Response> {
    return this.#verified(url, await fetch(url, { cache: "no-cache" })); // the HTTP cache may hold the page of an older build
  }

  /** The file as it is stored. Raises AnotherBuildError. */
  async #verified(url: string, response: Response): Promise<Response> {
    const body = new Uint8Array(await response.arrayBuffer());
    if (!response.ok || !await this.#isOfThisBuild(url, body)) throw new AnotherBuildError(`${url} is not of this build`);
    const headers = new Headers(response.headers);
    for (const name of ["content-encoding", "content-length"]) headers.delete(name); // they are of the body on its way
    return new Response(body, { headers });
  }

  /** Files are named by their content. The page, which some hosts add something to, names its build. */
  async #isOfThisBuild(url: string, body: Uint8Array<ArrayBuffer>): Promise<boolean> {
    if (url === this.#page) return new TextDecoder().decode(body).includes(this.#version);
    const hash = HASH.exec(url)?.[1];
    return hash === undefined || (await sha256(body)).startsWith(hash);
  }

  has(url: string): boolean {
    return this.#urls.has(url) || this.#occasional.has(url);
  }

  /** client: what the page will be called. A newer build learns of it before it can ask for anything. */
  async respondPage(request: Request, client: string): Promise<Response> {
    const kept = await fromCache(this.#page, this.#name);
    const response = kept ?? await fetch(request);
    if (kept === undefined) {
      const page = await this.#verified(this.#page, response.clone()).catch(() => undefined);
      if (page === undefined) return response; // of another build, or another site
      await this.#put(this.#page, page);
    }
    if (client !== "") await this.#put(this.#pages + client, new Response());
    return response;
  }

  /** Let the next page come from the network. */
  async forgetPage(): Promise<void> {
    await (await caches.open(this.#name)).delete(this.#page);
  }

  async #put(what: string, response: Response): Promise<void> {
    await caches.open(this.#name).then((cache) => cache.put(what, response)).catch(() => undefined); // there is no room
  }

  /** A file that was lost is fetched again; where it is gone, so is this build, and the next page comes from the network. */
  async respond(url: string): Promise<Response> {
    const found = await fromCache(url, this.#name);
    if (found !== undefined) return found;
    const response = await this.#fetch(url).catch(async (error: unknown) => {
      if (error instanceof AnotherBuildError) await this.forgetPage();
      throw error;
    });
    await this.#put(url, response.clone());
    return response;
  }

  /** For pages of an older build. */
  async respondFromOlder(url: string, request: Request): Promise<Response> {
    for (const cacheName of await this.#older().catch(() => [])) {
      const found = await fromCache(url, cacheName);
      if (found !== undefined) return found;
    }
    return fetch(request);
  }

  /** Forgets pages of this build that are closed. newest: a page that is on its way. */
  async forgetClosed(newest: string): Promise<void> {
    const cache = await caches.open(this.#name);
    const ids = (await this.#noted(this.#name)).filter((id) => id !== newest);
    await Promise.all(ids.map(async (id) => await self.clients.get(id) ?? cache.delete(this.#pages + id)));
  }

  /** Ids of the pages that a build has given out. */
  async #noted(cacheName: string): Promise<string[]> {
    const noted = await (await caches.open(cacheName)).keys();
    return noted.filter(({ url }) => url.startsWith(this.#pages)).map(({ url }) => url.slice(this.#pages.length));
  }

  async isAlone(): Promise<boolean> {
    return await caches.match(this.#alone, { cacheName: this.#name }) !== undefined;
  }

  /**
   * Whether a page of an older build may be open: one of this site's that this build did not give out, or one that an older build gave out
   * and that is on its way, which only `get` waits for.
   */
  async isOlderOpen(isPage: (url: string) => boolean): Promise<boolean> {
    const own = new Set(await this.#noted(this.#name));
    const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    if (windows.some(({ id, url }) => isPage(url) && !own.has(id))) return true;
    const older = (await Promise.all((await this.#older()).map((name) => this.#noted(name)))).flat();
    const open = await Promise.all(older.map((id) => self.clients.get(id)));
    return open.some((page) => page !== undefined);
  }

  /** Deletes the caches of older builds. While a newer one is being installed or waits, that one's is among the others: it will do this. */
  async dropOlder(): Promise<void> {
    const older = await this.#older();
    const { installing, waiting } = self.registration;
    if (installing !== null || waiting !== null) return;
    await Promise.all(older.map((name) => caches.delete(name)));
    await this.#put(this.#alone, new Response());
  }
}
