/** What came with a question beside text: pictures, small, and large in a dialog, and sounds with a player. */

import { element } from "./dom.ts";
import { isSound, mediaOf, type MediaFile, type Message } from "./message.ts";

/** What stands for it where it is not seen, or heard. */
export function altOf({ name, description = "" }: MediaFile): string {
  return description.trim() === "" ? name : description;
}

/** An address that is given back when the picture is drawn. */
export function imageOf(picture: MediaFile): HTMLImageElement {
  const url = URL.createObjectURL(picture.data);
  const image = element("img", { src: url, alt: altOf(picture), decoding: "async" });
  for (const event of ["load", "error"]) image.addEventListener(event, () => URL.revokeObjectURL(url), { once: true });
  return image;
}

/** Shows it as large as the page is, until it is pressed or left. */
export function enlarge(picture: MediaFile): void {
  const close = element("button", { type: "button", class: "plain", autofocus: "" }, imageOf(picture));
  const dialog = element("dialog", { class: "picture-dialog", "aria-label": altOf(picture) }, close, element("p", { dir: "auto" }, altOf(picture)));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({ target }) => { if (target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** A small picture that can be pressed. */
function thumbnail(picture: MediaFile): HTMLElement {
  const button = element("button", { type: "button", class: "thumbnail", title: picture.name }, imageOf(picture));
  button.addEventListener("click", () => enlarge(picture));
  return button;
}

/** A player reads its file for as long as it is there. */
const players = new FinalizationRegistry<string>((url) => URL.revokeObjectURL(url));

function player(sound: MediaFile): HTMLElement {
  const url = URL.createObjectURL(sound.data);
  const audio = element("audio", { src: url, controls: "", preload: "metadata", title: sound.name, "aria-label": altOf(sound) });
  players.register(audio, url);
  return audio;
}

export const shownFile = (file: MediaFile): HTMLElement => (isSound(file) ? player(file) : thumbnail(file));

export function media(message: Message): HTMLElement[] {
  const files = mediaOf(message);
  return files.length === 0 ? [] : [element("div", { class: "media" }, ...files.map(shownFile))];
}
