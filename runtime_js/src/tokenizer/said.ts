/** Answers as they were made: a text may be other tokens than those that a model has written it in. */

/** Of that many prompts the answers are known. */
const MOST = 8;

/** A prompt's text with its answer's, and the tokens of both. */
interface Said {
  readonly text: string;
  readonly tokens: readonly number[];
}

export class SaidTexts {
  /** What came last comes last. */
  #all: readonly Said[] = [];

  add(text: string, tokens: readonly number[]): void {
    this.#all = [...this.#all, { text, tokens }].slice(-MOST);
  }

  /** The longest that the text begins with. */
  find(text: string): Said | undefined {
    const known = this.#all.filter((said) => text.startsWith(said.text));
    return known.reduce<Said | undefined>((best, said) => (best !== undefined && best.text.length > said.text.length ? best : said), undefined);
  }
}
