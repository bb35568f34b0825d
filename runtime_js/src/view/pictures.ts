/** Pictures that came with a question: small, and large in a dialog. */

import { element } from "./dom.ts";
import type { Message, Picture } from "./message.ts";

/** What stands for it where it is not seen. */
export function altOf({ name, description = "" }: Picture): string {
  return description.trim() === "" ? name : description;
}

/** An address that is given back when the picture is drawn. */
export function imageOf(picture: Picture): HTMLImageElement {
  const url = URL.createObjectURL(picture.data);
  const image = element("img", { src: url, alt: altOf(picture), decoding: "async" });
  for (const event of ["load", "error"]) image.addEventListener(event, () => URL.revokeObjectURL(url), { once: true });
  return image;
}

/** Shows it as large as the page is, until it is pressed or left. */
export function enlarge(picture: Picture): void {
  const close = element("button", { type: "button", class: "plain", autofocus: "" }, imageOf(picture));
  const dialog = element("dialog", { class: "picture-dialog", "aria-label": altOf(picture) }, close, element("p", { dir: "auto" }, altOf(picture)));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({ target }) => { if (target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** A small picture that can be pressed. */
export function thumbnail(picture: Picture): HTMLButtonElement {
  const button = element("button", { type: "button", class: "thumbnail", title: picture.name }, imageOf(picture));
  button.addEventListener("click", () => enlarge(picture));
  return button;
}

export function pictures({ pictures: shown = [] }: Message): HTMLElement[] {
  return shown.length === 0 ? [] : [element("div", { class: "pictures" }, ...shown.map(thumbnail))];
}
