/**
 * Groups of so many characters of a set that are counted from the end of their run, as thousands of digits are: `\d{1,3}(?=(?:\d{3})*\b)`, which
 * takes each group, and `(?=(\d{3})+(?!\d))`, which finds where one begins. An engine looks ahead to the run's end from each place of it, in
 * time that grows with the square of its length; here a run is counted once.
 */

const SET = String.raw`(\\[dh]|\\p\{[^{}]*\}|\[[^[\]\\&]*\])`;
const [TAKEN, FOUND] = [
  new RegExp(String.raw`^${SET}\{1,(\d{1,2})\}\(\?=\(\?:\1\{\2\}\)\*(\\b|\(\?!\1\))\)$`),
  new RegExp(String.raw`^\(\?=\((?:\?:)?${SET}\{(\d{1,2})\}\)\+(\\b|\(\?!\1\))\)$`),
];
/** Of which each character is one of a word, so that a run has no boundary within. */
const OF_WORDS = ["\\d", "\\p{Nd}", "[0-9]"];

export interface Groups {
  readonly set: string;
  readonly size: number;
  /** What must follow a run. */
  readonly end: string;
  /** Whether a match is the group, and not the place where it begins. */
  readonly isTaken: boolean;
}

/** What an expression of Oniguruma says, where it is one of these. */
export function groupsOf(pattern: string): Groups | undefined {
  const [taken, found] = [TAKEN.exec(pattern), FOUND.exec(pattern)];
  const [, set = "", size = "", end = ""] = taken ?? found ?? [];
  if (Number(size) < 1 || (end === "\\b" && !OF_WORDS.includes(set))) return undefined;
  return { set, size: Number(size), end, isTaken: taken !== null };
}

export class GroupsFromEnd extends RegExp {
  readonly #groups: Groups;
  readonly #end: RegExp;
  #text = "";
  /** Places and texts of a run's matches that were not asked for yet, the next one last. */
  #ahead: { readonly index: number; readonly group: string }[] = [];

  /** set, end: as JavaScript has them. */
  constructor(groups: Groups, set: string, end: string) {
    super(`${set}+`, "gv");
    this.#groups = groups;
    this.#end = new RegExp(end, "vy");
  }

  override exec(text: string): RegExpExecArray | null {
    const next = this.#ahead.at(-1);
    if (this.lastIndex === 0 || text !== this.#text || next === undefined || next.index < this.lastIndex) this.#read(text);
    const match = this.#ahead.pop();
    if (match === undefined) {
      this.lastIndex = 0;
      return null;
    }
    this.lastIndex = match.index + match.group.length;
    return Object.assign([match.group], { 0: match.group, index: match.index, input: text });
  }

  /** Matches of the first run from lastIndex on that has some. */
  #read(text: string): void {
    const { size, isTaken } = this.#groups;
    [this.#text, this.#ahead] = [text, []];
    for (let run = super.exec(text); run !== null; run = this.#ahead.length > 0 ? null : super.exec(text)) {
      this.#end.lastIndex = run.index + run[0].length;
      if (!this.#end.test(text)) continue;
      const characters = [...run[0]];
      let index = run.index;
      for (let [at, end] = [0, characters.length % size]; at < characters.length; [at, end] = [end, end + size]) {
        const group = characters.slice(at, end).join("");
        if (group !== "" && (isTaken || end - at === size)) this.#ahead.push({ index, group: isTaken ? group : "" });
        index += group.length;
      }
      this.#ahead.reverse();
    }
  }
}
