/** A picture of what the device's camera sees, where it has one and may be used. */

import { element, icon } from "../../view/dom.ts";
import { WORDS } from "../words/words.ts";
import { showNotice } from "./notice.ts";

const TYPE = "image/jpeg";

export class CameraButton {
  readonly #button = element("button", { type: "button", class: "plain icon" }, icon("camera"));
  readonly #onTaken: (file: File) => void;

  /** behind: the button that it stands behind. */
  constructor(behind: HTMLElement, onTaken: (file: File) => void) {
    this.#onTaken = onTaken;
    for (const name of ["aria-label", "title"]) this.#button.setAttribute(name, WORDS.files.camera);
    this.#button.hidden = true;
    behind.after(this.#button);
    this.#button.addEventListener("click", () => void this.#open());
  }

  show(isOffered: boolean): void {
    this.#button.hidden = !isOffered || !("mediaDevices" in navigator); // a page over http has none
  }

  async #open(): Promise<void> {
    const asked = navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    const stream = await asked.catch((error: unknown) => {
      const isRefused = error instanceof DOMException && ["NotAllowedError", "SecurityError"].includes(error.name);
      showNotice("file", isRefused ? WORDS.files.cameraRefused : WORDS.files.noCamera);
      return undefined;
    });
    if (stream === undefined) return;
    const video = element("video", { playsinline: "", "aria-label": WORDS.files.camera });
    video.muted = true;
    video.srcObject = stream;
    const take = element("button", { type: "button", class: "primary", autofocus: "" }, WORDS.files.capture);
    const leave = element("button", { type: "button", class: "second" }, WORDS.page.cancel);
    const dialog = element("dialog", { class: "picture-dialog", "aria-label": WORDS.files.camera }, video, element("p", { class: "actions" }, take, leave));
    take.addEventListener("click", () => void this.#take(video).then(() => dialog.close()));
    leave.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      for (const track of stream.getTracks()) track.stop();
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
    await video.play().catch(() => undefined); // it was closed meanwhile
  }

  async #take(video: HTMLVideoElement): Promise<void> {
    const canvas = element("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    const taken = await new Promise<Blob | null>((resolve) => { canvas.toBlob(resolve, TYPE, 0.92); });
    if (taken !== null) this.#onTaken(new File([taken], `${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.jpg`, { type: TYPE }));
  }
}
