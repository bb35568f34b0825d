// Keeps the files of this build, so that the page opens without a network. The engine keeps the weights itself.
// VERSION and FILES are written here by vite.config.ts.

const NAME = "rag-";

addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME + VERSION).then((cache) => cache.addAll(FILES)));
});

addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(NAME) && name !== NAME + VERSION);
    await Promise.all(old.map((name) => caches.delete(name)));
    await clients.claim();
  })());
});

addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith((async () => {
    const cache = await caches.open(NAME + VERSION);
    return await cache.match(event.request, { ignoreSearch: event.request.mode === "navigate" }) ?? fetch(event.request);
  })());
});
