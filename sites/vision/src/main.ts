import { openAlbum } from "./album.ts";
import { describeAll } from "./describe.ts";
import { openModel } from "./engine.ts";
import { Gallery, byId } from "./view.ts";

const status = byId("status", HTMLElement);
const stop = byId("stop", HTMLButtonElement);
const search = byId("search", HTMLInputElement);

async function start(): Promise<void> {
  const gallery = new Gallery();
  // For trying: `?device=cpu`.
  const device = new URLSearchParams(location.search).get("device") === "cpu" ? "cpu" : "auto";
  const [album, model] = await Promise.all([openAlbum(), openModel(device, ({ text }) => { status.textContent = text; })]);
  let running = new AbortController();
  let last: Promise<void> = Promise.resolve(); // folders come one after the other
  const take = (files: FileList | null): void => {
    const cards = gallery.add([...files ?? []].filter(({ type }) => type.startsWith("image/")));
    gallery.search(search.value);
    if (running.signal.aborted) running = new AbortController();
    const { signal } = running;
    stop.hidden = false;
    last = last.then(() => describeAll(cards, album, model, signal)).catch((error: unknown) => {
      if (!signal.aborted) status.textContent = String(error);
    }).finally(() => {
      stop.hidden = true;
      gallery.search(search.value);
    });
  };
  for (const id of ["folder", "files"]) {
    const picker = byId(id, HTMLInputElement);
    picker.addEventListener("change", () => {
      take(picker.files);
      picker.value = "";
    });
  }
  stop.addEventListener("click", () => running.abort());
  search.addEventListener("input", () => gallery.search(search.value));
  byId("controls", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
  status.textContent = "Everything is looked at and kept on this device.";
  document.body.dataset["status"] = "ready";
}

start().catch((error: unknown) => {
  status.textContent = error instanceof Error ? error.message : String(error);
  document.body.dataset["status"] = "failed";
});
