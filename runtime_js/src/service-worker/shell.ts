/** The caches of a site's own files: one for each build, and those of older builds for as long as a page of them is open. */

import { sha256 } from "../support/digest.ts";

declare const self: ServiceWorkerGlobalScope;

/** What a file's name says of its content. */
const HASH = /[.]([0-9a-f]{16,64})[.][a-z0-9]+$/;

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
  /** Holds the ids of pages that were open when this build took over. */
  readonly #olderPages: string;

  /** urls: all files that are stored at once; `page` is one of them. */
  constructor(page: string, urls: ReadonlySet<string>, occasional: ReadonlySet<string>, version: string) {
    const { scope } = self.registration;
    this.#page = page;
    this.#urls = urls;
    this.#occasional = occasional;
    this.#version = version;
    // A space cannot be part of a scope: a site below this one has another prefix.
    this.#prefix = `webllm-build:shell:${scope} `;
    this.#olderPages = `${scope}?older-pages`;
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
    await Promise.all(files.map(([url, response]) => cache.put(url, response)));
  }

  async #fetch(url: string): Promise<Response> {
    const response = await fetch(url, { cache: "no-cache" }); // the HTTP cache may hold the page of an older build
    const body = new Uint8Array(await response.arrayBuffer());
    if (!response.ok || !await this.#isOfThisBuild(url, body)) throw new Error(`${url} is not of this build`);
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

  async respond(url: string, request: Request): Promise<Response> {
    return await fromCache(url, this.#name) ?? (this.#occasional.has(url) ? this.#keep(url) : fetch(request));
  }

  async #keep(url: string): Promise<Response> {
    const response = await this.#fetch(url);
    await caches.open(this.#name).then((cache) => cache.put(url, response.clone())).catch(() => undefined); // there is no room
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

  /** Notes which pages are open while this build takes over. */
  async takeOver(): Promise<void> {
    if (!await this.hasOlder()) return;
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const ids = pages.filter(({ url }) => url.startsWith(self.registration.scope)).map(({ id }) => id);
    await (await caches.open(this.#name)).put(this.#olderPages, new Response(ids.join(" ")));
  }

  async hasOlder(): Promise<boolean> {
    return (await this.#older()).length > 0;
  }

  /** Deletes the caches of older builds when no page of them is open any more; whether they are gone. */
  async dropOlder(): Promise<boolean> {
    const cache = await caches.open(this.#name);
    const ids = await (await cache.match(this.#olderPages))?.text() ?? "";
    const open = await Promise.all(ids.split(" ").filter(Boolean).map((id) => self.clients.get(id)));
    if (open.some((page) => page !== undefined)) return false;
    await Promise.all((await this.#older()).map((name) => caches.delete(name)));
    await cache.delete(this.#olderPages);
    return true;
  }
}
