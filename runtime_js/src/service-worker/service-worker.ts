/**
 * The site's service worker: keeps the page's own files, so that a second visit works without a network.
 * The engine stores the model itself; here stored model files are only served and, when no page of an older build is left, pruned.
 * Nothing is kept in variables: the browser may end this worker at any time and start it again for the next event.
 */

import { askPages, pagesBelow } from "../endpoint/ask.ts";
import { mayBeAnswered } from "../endpoint/messages.ts";
import { deleteFiles, modelFolder } from "../storage/folders.ts";
import { languageOf } from "../support/languages.ts";
import { isolated } from "./isolation.ts";
import { ACTIVATE, isOfAnother } from "./message.ts";
import { fileResponse } from "./range.ts";
import { Shell } from "./shell.ts";

declare const self: ServiceWorkerGlobalScope;

export interface ServiceWorkerConfig {
  /** Digest of the shell: another one means another build. The page holds it. */
  readonly version: string;
  /** The page's own files, relative to the scope; the first is the page. */
  readonly shell: readonly string[];
  /** Scripts with the words of languages, of which only the visitor's is stored. */
  readonly words: Readonly<Record<string, string>>;
  /** The page that measures, which is not stored. */
  readonly bench: string;
  /** Whether pages are isolated, so that they have threads: static hosts send no such headers. */
  readonly threads: boolean;
  /** Whether requests to `v1/` are answered by the model of an open page. */
  readonly endpoint: boolean;
  readonly model: {
    /** Relative to the scope, with a slash at the end. */
    readonly folder: string;
    /** Names of the manifest and of all files it names. */
    readonly files: readonly string[];
  };
}

/** For how long a visit's own work may keep the next build waiting. */
const PATIENCE_MS = 10_000;

/** Whether the server has no such script any more; many hosts send a page where a file is missing, which no browser takes for a service worker. */
function isGone({ ok, status, headers }: Response): boolean {
  return ok ? /\bhtml\b/i.test(headers.get("content-type") ?? "") : [404, 410].includes(status);
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

export function startServiceWorker(config: ServiceWorkerConfig): void {
  const resolve = (path: string): string => new URL(path, self.registration.scope).href;
  const page = resolve("./");
  const assets = resolve("assets/");
  const words = Object.values(config.words).map(resolve);
  const shell = new Shell(page, new Set([...config.shell, ...wordsOf(self.navigator.languages)].map(resolve)), new Set(words), config.version);
  const modelUrl = resolve(config.model.folder);
  const endpoint = resolve("v1/");
  const modelFiles = new Map(config.model.files.map((file) => [new URL(file, modelUrl).href, file]));

  /** The words that a page will want, unless somebody has chosen other ones. */
  function wordsOf(wished: readonly string[]): readonly string[] {
    const [language] = languageOf(wished);
    const script = config.words[language];
    return script === undefined ? [] : [script];
  }

  const isPage = (url: string): boolean => [page, resolve("index.html"), resolve(config.bench)].includes(withoutQuery(url));

  /**
   * Deletes what is left of older builds, unless one of their pages may be open: it may need its files once more. Nothing is deleted as this
   * build takes over, when pages of the older one may be on their way, and nobody sees them.
   */
  async function tidy(): Promise<void> {
    if (await shell.isAlone() || await shell.isOlderOpen(isPage)) return;
    const isPruned = await deleteFiles(modelUrl, new Set(config.model.files)).catch(() => true); // there is no storage
    if (isPruned) await shell.dropOlder();
  }

  async function fromStorage(name: string, request: Request): Promise<Response> {
    try {
      const file = await (await (await modelFolder(modelUrl, false)).getFileHandle(name)).getFile();
      if (file instanceof Blob) return fileResponse(file, request.headers);
    } catch {
      // It is not stored.
    }
    return fetch(request);
  }

  /** A site that was taken away would stay where it is installed, and hide what has come in its place: the next visit is the server's again. */
  async function leaveWhenGone(): Promise<void> {
    const script = await fetch(self.location.href, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => undefined);
    if (script === undefined || !isGone(script)) return;
    await shell.forgetPage(); // this one may register the worker again
    await self.registration.unregister();
  }

  const ours = (response: Promise<Response>): Promise<Response> => (config.threads ? response.then(isolated) : response);

  /** What answers a request; undefined leaves it to the browser. client: the page that it becomes, if it does. */
  function route(request: Request, client: string): Promise<Response> | undefined {
    const url = withoutQuery(request.url);
    if (config.endpoint && url.startsWith(endpoint) && mayBeAnswered(request)) return ours(pagesBelow(page).then((pages) => askPages(request, url.slice(page.length), pages.filter((one) => isPage(one.url)), page)));
    if (request.method !== "GET") return undefined;
    const modelFile = modelFiles.get(url);
    // Who asks past all caches, as the engine does, has looked into the storage already.
    if (modelFile !== undefined) return request.cache === "default" ? fromStorage(modelFile, request) : undefined;
    if (request.headers.has("range")) return undefined;
    if (url === page || url === resolve("index.html")) return ours(shell.respondPage(request, client));
    if (request.mode === "navigate") {
      const answer = fetch(request).catch(() => Response.redirect(page));
      return url === resolve(config.bench) ? ours(answer) : answer; // what else lies below may need resources of others
    }
    if (shell.has(url)) return ours(shell.respond(url));
    return url.startsWith(assets) ? ours(shell.respondFromOlder(url, request)) : undefined;
  }

  self.addEventListener("install", (event) => event.waitUntil(shell.install()));
  self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener("message", (event) => {
    if (event.data === ACTIVATE) event.waitUntil(self.skipWaiting());
    else if (isOfAnother(config.version, event.data)) event.ports[0]?.postMessage(config.version);
  });
  self.addEventListener("fetch", (event) => {
    const { request, resultingClientId } = event;
    const response = route(request, resultingClientId);
    if (response === undefined) return;
    event.respondWith(response);
    // A page that asks for something may have taken the place of the last older one.
    event.waitUntil(request.mode === "navigate" ? Promise.all([shell.forgetClosed(resultingClientId), leaveWhenGone()]) : tidy());
  });
}
