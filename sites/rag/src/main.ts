import { devicesOf } from "./devices.ts";
import { Library } from "./library.ts";
import { loadModels } from "./models.ts";
import { DatabaseStore } from "./store.ts";
import { Conversation } from "./view/conversation.ts";
import { DocumentList } from "./view/documents.ts";
import { byId, messageOf } from "./view/dom.ts";
import { Viewer } from "./view/viewer.ts";

const status = byId("status", HTMLElement);

// A file that is dropped before the page can take it would replace the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());

async function start(): Promise<void> {
  const store = await DatabaseStore.open();
  const { writer, embedder } = await loadModels(devicesOf(location.href), ({ text }) => {
    status.textContent = text;
  });
  const library = await Library.open(store, embedder);
  const viewer = new Viewer(library);
  new DocumentList(library, (document) => void viewer.show(document));
  new Conversation(library, writer, viewer);
  status.textContent = "Everything is computed on this device.";
  document.body.dataset.status = "ready";
}

start().catch((error: unknown) => {
  status.textContent = messageOf(error);
  document.body.dataset.status = "failed";
});

if (import.meta.env.PROD) void navigator.serviceWorker?.register("./sw.js");
