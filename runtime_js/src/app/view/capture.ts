/** Buttons behind the one that adds files, for what the device itself takes: its camera's pictures, its microphone's sounds. */

import { element, icon, type IconName } from "../../view/dom.ts";
import { showNotice } from "./notice.ts";

export interface CaptureWords {
  readonly label: string;
  /** Where the device may not be used, and where there is none. */
  readonly refused: string;
  readonly missing: string;
}

export class CaptureButton {
  readonly #button: HTMLButtonElement;
  readonly #words: CaptureWords;
  readonly #wants: MediaStreamConstraints;
  readonly #use: (stream: MediaStream) => Promise<void>;

  /** behind: the button that it stands behind. use: gets the device, and ends it. */
  constructor(behind: HTMLElement, sign: IconName, words: CaptureWords, wants: MediaStreamConstraints, use: (stream: MediaStream) => Promise<void>) {
    [this.#words, this.#wants, this.#use] = [words, wants, use];
    this.#button = element("button", { type: "button", class: "plain icon", "aria-label": words.label, title: words.label }, icon(sign));
    this.#button.hidden = true;
    behind.after(this.#button);
    this.#button.addEventListener("click", () => void this.#open());
  }

  show(isOffered: boolean): void {
    this.#button.hidden = !isOffered || !("mediaDevices" in navigator); // a page over http has none
  }

  async #open(): Promise<void> {
    this.#button.disabled = true; // while the browser asks
    try {
      const stream = await navigator.mediaDevices.getUserMedia(this.#wants).catch((error: unknown) => {
        const isRefused = error instanceof DOMException && ["NotAllowedError", "SecurityError"].includes(error.name);
        showNotice("file", isRefused ? this.#words.refused : this.#words.missing);
        return undefined;
      });
      if (stream !== undefined) await this.#use(stream);
    } finally {
      this.#button.disabled = false;
    }
  }
}
