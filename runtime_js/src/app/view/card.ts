/** The model's card: what it is and how large, before the download; how far it is, during it. */

import type { InitPhase } from "../../api/types.ts";
import type { SiteModel } from "../../page/config.ts";
import { formatBytes, formatCount, formatDuration } from "../../support/format.ts";
import type { Estimate } from "../rate.ts";
import { byId, element } from "../../view/dom.ts";

export interface Progress {
  readonly phase: InitPhase;
  /** 0 to 1. */
  readonly fraction: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly estimate: Estimate | undefined;
  /** Why nothing comes just now: in short, and perhaps a colon and the cause. */
  readonly waiting: string | undefined;
}

const PHASES: Readonly<Record<"stored" | "fetched", Readonly<Record<InitPhase, string>>>> = {
  fetched: { config: "Looking up the model", weights: "Downloading", kernels: "Getting ready", ready: "Ready" },
  stored: { config: "Looking up the model", weights: "Loading from this device", kernels: "Getting ready", ready: "Ready" },
};

export class Card {
  readonly #card = byId("card", HTMLElement);
  readonly #title = byId("card-title", HTMLElement);
  readonly #text = byId("card-text", HTMLElement);
  readonly #start = byId("start", HTMLButtonElement);
  readonly #cancel = byId("cancel", HTMLButtonElement);
  readonly #progress = byId("progress", HTMLElement);
  readonly #bar = byId("bar", HTMLProgressElement);
  readonly #model: SiteModel;
  #stored = false;

  constructor(model: SiteModel, onStart: () => void, onCancel: () => void) {
    this.#model = model;
    this.#start.addEventListener("click", onStart);
    this.#cancel.addEventListener("click", onCancel);
    this.#show("Looking at this device …");
    const facts: readonly (readonly [string, string])[] = [
      ["Parameters", formatCount(model.parameters)],
      ["Download", formatBytes(model.downloadBytes)],
      ["Precision", model.quantization],
      ["Context", `${model.contextLength.toLocaleString("en")} tokens`],
      ["License", model.license ?? "not stated"],
    ];
    byId("facts", HTMLElement).replaceChildren(...facts.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text))));
  }

  hide(): void {
    this.#card.hidden = true;
  }

  /**
   * Ask before anything large is fetched; a stored model only needs a start. wasCutOff: the page has ended during the last one. isSlow: it
   * will run on the CPU.
   */
  offer(stored: boolean, wasCutOff: boolean, isSlow: boolean): void {
    const what = stored ? "The model is on this device already."
      : "This page runs a language model on your own device. It is fetched once and kept for later visits, also offline.";
    this.#show(isSlow ? `${what} It will run on the CPU, which is slower than a GPU, the more so the larger the model is.` : what);
    if (wasCutOff) {
      this.#text.textContent = "The browser ended this page while the model was loading, perhaps for want of memory. "
        + "Close other pages before you start it, or choose a shorter context in the settings.";
    }
    this.#start.textContent = stored ? "Start" : `Download and start (${formatBytes(this.#model.downloadBytes)})`;
    this.#start.hidden = false;
    this.#cancel.hidden = true;
    this.#progress.hidden = true;
  }

  deleting(): void {
    this.#show("Deleting the model from this device …");
    this.#start.hidden = true;
    this.#cancel.hidden = true;
    this.#progress.hidden = true;
  }

  /** stored: the bytes come from this device, not from the network. */
  loading(stored: boolean): void {
    this.#stored = stored;
    this.#show(stored ? "Starting from this device. Nothing is downloaded." : "You can write while it loads.");
    this.#start.hidden = true;
    this.#cancel.hidden = false;
    this.#progress.hidden = false;
    this.update({ phase: "config", fraction: 0, bytesDone: 0, bytesTotal: 0, estimate: undefined, waiting: undefined });
  }

  update(progress: Progress): void {
    const percent = Math.floor(progress.fraction * 100);
    byId("phase", HTMLElement).textContent = PHASES[this.#stored ? "stored" : "fetched"][progress.phase];
    byId("percent", HTMLElement).textContent = `${percent} %`;
    this.#bar.value = progress.fraction;
    byId("amount", HTMLElement).textContent = amountText(progress, this.#stored);
  }

  #show(text: string): void {
    this.#card.hidden = false;
    this.#text.textContent = text;
    this.#title.textContent = this.#model.name;
  }
}

function amountText({ phase, bytesDone, bytesTotal, estimate, waiting }: Progress, stored: boolean): string {
  if (waiting !== undefined) return waiting.replace(/: .*/s, "");
  if (phase !== "weights" || bytesTotal === 0) return "\u00a0";
  const parts = [`${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`];
  if (estimate !== undefined && !stored) parts.push(`${formatBytes(estimate.bytesPerSecond)}/s`, `${formatDuration(estimate.secondsLeft)} left`);
  return parts.join(" · ");
}
