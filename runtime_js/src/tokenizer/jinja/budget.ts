/** What rendering a template may do at most, so that a hostile one ends: turns of loops, calls, and characters of all texts that it makes. */

const MOST_WORK = 1 << 24;
const MOST_CHARACTERS = 1 << 24;
const MOST_CALLS = 200;

let left = 0;
let calls = 0;

/** Begins anew: rendering is not interrupted. */
export function begin(): void {
  [left, calls] = [MOST_WORK, 0];
}

export function spend(work: number): void {
  left -= work;
  if (left < 0) throw new Error("the template does not come to an end: it takes more than 16 million steps");
}

/** Before a text of so many characters is made. */
export function spendText(length: number): void {
  if (length > MOST_CHARACTERS) throw new Error(`the template makes a text of more than ${MOST_CHARACTERS} characters`);
  spend(1 + (length >> 3));
}

/** A call within another. */
export function called<T>(run: () => T): T {
  if (++calls > MOST_CALLS) throw new Error(`the template calls itself more than ${MOST_CALLS} times`);
  spend(16);
  const result = run();
  calls--;
  return result;
}
