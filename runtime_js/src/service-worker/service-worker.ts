/**
 * The site's service worker: keeps the page's own files, so that a second visit works without a network.
 * The engine stores the model itself; here stored model files are only served and, when a new build takes over, pruned.
 * Nothing is kept in variables: the browser may end this worker at any time and start it again for the next event.
 */

import { modelFolder } from "../storage/folders.ts";
import { ACTIVATE } from "./message.ts";

declare const self: ServiceWorkerGlobalScope;

export interface ServiceWorkerConfig {
  /** Digest of the shell: another one means another build. */
  readonly version: string;
  /** The page's own files, relative to the scope; the first is the page. */
  readonly shell: readonly string[];
  readonly model: {
    /** Relative to the scope, with a slash at the end. */
    readonly folder: string;
    /** Names of the manifest and of all files it names. */
    readonly files: readonly string[];
  };
}

export function startServiceWorker(config: ServiceWorkerConfig): void {
  const scope = self.registration.scope;
  const resolve = (path: string): string => new URL(path, scope).href;
  const page = resolve("./");
  const shell = new Set(config.shell.map(resolve));
  const modelUrl = resolve(config.model.folder);
  const modelFiles = new Map(config.model.files.map((file) => [new URL(file, modelUrl).href, file]));
  // A space cannot be part of a scope: a site below this one has another prefix.
  const shellPrefix = `webllm-build:shell:${scope} `;
  const shellCache = shellPrefix + config.version;

  async function install(): Promise<void> {
    const cache = await caches.open(shellCache);
    // All or nothing, and never from the HTTP cache, which may hold the page of an older build.
    await cache.addAll([...shell].map((url) => new Request(url, { cache: "no-cache" })));
  }

  async function activate(): Promise<void> {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith(shellPrefix) && name !== shellCache).map((name) => caches.delete(name)));
    await prune().catch(() => undefined); // there is no storage, or nothing in it
    await self.clients.claim();
  }

  /** Deletes stored files of the model that this build no longer names. */
  async function prune(): Promise<void> {
    const folder = await modelFolder(modelUrl, false);
    const stale = new Set<string>();
    for await (const name of folder.keys()) stale.add(name);
    for (const name of modelFiles.values()) stale.delete(name);
    await Promise.all([...stale].map((name) => folder.removeEntry(name)));
  }

  async function fromShell(url: string, request: Request): Promise<Response> {
    return (await caches.match(url, { cacheName: shellCache })) ?? fetch(request);
  }

  async function fromStorage(name: string, request: Request): Promise<Response> {
    try {
      const file = await (await modelFolder(modelUrl, false)).getFileHandle(name);
      return new Response(await file.getFile());
    } catch { // it is not stored
      return fetch(request);
    }
  }

  /** What answers a request; undefined leaves it to the browser. */
  function route(request: Request): Promise<Response> | undefined {
    if (request.method !== "GET" || request.headers.has("range")) return undefined;
    const { origin, pathname } = new URL(request.url);
    const url = origin + pathname;
    if (url === page || url === resolve("index.html")) return fromShell(page, request);
    if (request.mode === "navigate") return fetch(request).catch(() => Response.redirect(page));
    if (shell.has(url)) return fromShell(url, request);
    const modelFile = modelFiles.get(url);
    // Who asks past all caches, as the engine does, has looked into the storage already.
    if (modelFile !== undefined && request.cache === "default") return fromStorage(modelFile, request);
    return undefined;
  }

  self.addEventListener("install", (event) => event.waitUntil(install()));
  self.addEventListener("activate", (event) => event.waitUntil(activate()));
  self.addEventListener("message", (event) => {
    if (event.data === ACTIVATE) event.waitUntil(self.skipWaiting());
  });
  self.addEventListener("fetch", (event) => {
    const response = route(event.request);
    if (response !== undefined) event.respondWith(response);
  });
}
