/** The model's card: what it is and how large, before the download; how far it is, during it. */

import type { InitPhase } from "../../api/types.ts";
import type { SiteModel } from "../../page/config.ts";
import { fill } from "../words/fill.ts";
import { formatBytes, formatCount, formatDuration, formatPercent, formatPlural, formatRate } from "../words/format.ts";
import { WORDS } from "../words/words.ts";
import type { Wait } from "../../support/waiting.ts";
import type { Estimate } from "../rate.ts";
import { byId, element } from "../../view/dom.ts";

export interface Progress {
  readonly phase: InitPhase;
  /** 0 to 1. */
  readonly fraction: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly estimate: Estimate | undefined;
  /** Why nothing comes just now. */
  readonly waiting: Wait["kind"] | undefined;
}

function phaseText(phase: InitPhase, isStored: boolean): string {
  const { looksUp, downloading, loading, gettingReady, ready } = WORDS.card;
  return { config: looksUp, weights: isStored ? loading : downloading, kernels: gettingReady, ready }[phase];
}

export class Card {
  readonly #card = byId("card", HTMLElement);
  readonly #title = byId("card-title", HTMLElement);
  readonly #text = byId("card-text", HTMLElement);
  readonly #start = byId("start", HTMLButtonElement);
  readonly #cancel = byId("cancel", HTMLButtonElement);
  readonly #progress = byId("progress", HTMLElement);
  readonly #bar = byId("bar", HTMLProgressElement);
  #model: SiteModel;
  #stored = false;

  constructor(model: SiteModel, onStart: () => void, onCancel: () => void) {
    this.#model = model;
    this.#start.addEventListener("click", onStart);
    this.#cancel.addEventListener("click", onCancel);
    this.describe(model);
    this.#show(WORDS.card.looking);
  }

  /** Another model is what it is about. */
  describe(model: SiteModel): void {
    this.#model = model;
    const words = WORDS.card;
    const facts: readonly (readonly [string, string])[] = [
      [words.parameters, formatCount(model.parameters)],
      [words.download, formatBytes(model.downloadBytes)],
      [words.precision, model.quantization],
      [words.context, formatPlural(words.tokens, model.contextLength)],
      [words.license, model.license ?? words.unknown],
    ];
    byId("facts", HTMLElement).replaceChildren(...facts.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text))));
  }

  /** How the model would run here; "" where that is not known. */
  verdict(text: string): void {
    byId("verdict", HTMLElement).textContent = text;
  }

  /** Why this model is offered. */
  note(text: string): void {
    this.#text.textContent = text;
  }

  hide(): void {
    this.#card.hidden = true;
  }

  /**
   * Ask before anything large is fetched; a stored model only needs a start. wasCutOff: the page has ended during the last one. isSlow: it
   * will run on the CPU.
   */
  offer(stored: boolean, wasCutOff: boolean, isSlow: boolean): void {
    const words = WORDS.card;
    const what = stored ? words.isStored : words.offer;
    this.#show(wasCutOff ? words.wasCutOff : isSlow ? `${what} ${words.isSlow}` : what);
    this.#start.textContent = stored ? words.start : fill(words.fetchAndStart, { size: formatBytes(this.#model.downloadBytes) });
    this.#start.hidden = false;
    this.#cancel.hidden = true;
    this.#progress.hidden = true;
  }

  /** The offered model will not be kept: there is no room. */
  offerUnkept(): void {
    this.#start.textContent = fill(WORDS.card.fetchUnkept, { size: formatBytes(this.#model.downloadBytes) });
  }

  deleting(): void {
    this.#show(WORDS.card.deleting);
    this.#start.hidden = true;
    this.#cancel.hidden = true;
    this.#progress.hidden = true;
  }

  /** stored: the bytes come from this device, not from the network. */
  loading(stored: boolean): void {
    this.#stored = stored;
    this.#show(stored ? WORDS.card.starting : WORDS.card.writeMeanwhile);
    this.#start.hidden = true;
    this.#cancel.hidden = false;
    this.#progress.hidden = false;
    this.update({ phase: "config", fraction: 0, bytesDone: 0, bytesTotal: 0, estimate: undefined, waiting: undefined });
  }

  update(progress: Progress): void {
    byId("phase", HTMLElement).textContent = phaseText(progress.phase, this.#stored);
    byId("percent", HTMLElement).textContent = formatPercent(progress.fraction);
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
  if (waiting !== undefined) return WORDS.waits[waiting];
  if (phase !== "weights" || bytesTotal === 0) return "\u00a0";
  const parts = [fill(WORDS.card.amount, { done: formatBytes(bytesDone), total: formatBytes(bytesTotal) })];
  if (estimate !== undefined && !stored) parts.push(formatRate(estimate.bytesPerSecond), fill(WORDS.card.left, { time: formatDuration(estimate.secondsLeft) }));
  return parts.join(" · ");
}
