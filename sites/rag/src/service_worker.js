// Keeps the files of this build, so that the page opens without a network; what reads PDFs from when the page first reads one.
// VERSION, FILES and PDF_FILES are written here by vite.config.ts.

const NAME = "rag-";

async function keep(files) {
  const cache = await caches.open(NAME + VERSION);
  const missing = await Promise.all(files.map(async (file) => (await cache.match(file) === undefined ? [file] : [])));
  await cache.addAll(missing.flat());
}

addEventListener("install", (event) => {
  event.waitUntil(keep(FILES));
});

addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(NAME) && name !== NAME + VERSION);
    await Promise.all(old.map((name) => caches.delete(name)));
    await clients.claim();
  })());
});

addEventListener("message", (event) => {
  if (event.data === "pdf") event.waitUntil(keep(PDF_FILES));
});

addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  event.respondWith((async () => {
    const cache = await caches.open(NAME + VERSION);
    return await cache.match(event.request.mode === "navigate" ? "./" : event.request) ?? fetch(event.request);
  })());
});
