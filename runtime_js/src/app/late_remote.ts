/** The site's remote model, as the page knows it before anybody wants it. */

import type { RemoteConfig } from "../page/config.ts";
import { AbortError } from "../support/errors.ts";
import type { Outcome, Piece } from "./engine.ts";
import type { RemoteAnswers, RemoteQuestion } from "./remote/main.ts";
import { safeStorage } from "./safe_storage.ts";
import { describeProblem } from "./problems.ts";
import { fill } from "./words/fill.ts";
import { WORDS } from "./words/words.ts";

type Part = typeof import("./remote/main.ts");

/** What went wrong, in the visitor's words and in the error's own. */
function problemText(error: unknown): string {
  const { title, fix, details } = describeProblem(error, "answer");
  return `${title}. ${fix} (${details})`;
}

export class LateRemote {
  readonly #config: RemoteConfig;
  #answers: RemoteAnswers | undefined;
  #running: AbortController | undefined;
  #isRefused = false;

  constructor(config: RemoteConfig) {
    this.#config = config;
  }

  get isAnswering(): boolean {
    return this.#running !== undefined;
  }

  /** Whether the visitor let nothing leave. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  async #load(): Promise<RemoteAnswers> {
    const { RemoteAnswers }: Part = await import(this.#config.script);
    return this.#answers ??= new RemoteAnswers(this.#config, safeStorage(() => sessionStorage), WORDS.remote);
  }

  /** Whether what is written may leave. The visitor is asked once; isWanted: again, where the answer was no. */
  async allows(isWanted: boolean): Promise<boolean> {
    const answers = await this.#load();
    if (isWanted) answers.reconsider();
    const allows = await answers.allows();
    this.#isRefused = !allows;
    return allows;
  }

  /** by: who gives the piece, in words. Gives what was wrong, where something was. */
  async answer(question: RemoteQuestion, onPiece: (piece: Piece, by: string) => void): Promise<Outcome & { readonly problem?: string }> {
    const { signal } = this.#running = new AbortController();
    try {
      const answers = await this.#load();
      const names = { device: WORDS.remote.device, remote: this.#config.host };
      return await answers.answer(question, signal, (piece, by) => onPiece(piece, by.map((where) => names[where]).reduce((first, second) => fill(WORDS.remote.then, { first, second }))));
    } catch (error) {
      const wasStopped = error instanceof AbortError || signal.aborted;
      return { ending: wasStopped ? "abort" : "failed", speed: undefined, ...(!wasStopped && { problem: problemText(error) }) };
    } finally {
      this.#running = undefined;
    }
  }

  stop(): void {
    this.#running?.abort();
  }
}
