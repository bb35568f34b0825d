/** Puts the runs of text of a PDF's page together to lines, and these to paragraphs. */

/** transform: [a, b, c, d, x, y] in points, y upwards. height: of the letters, 0 of a line's mere end. */
export interface Run {
  readonly str: string;
  readonly hasEOL: boolean;
  readonly transform: readonly number[];
  readonly height: number;
}

interface Line {
  readonly text: string;
  readonly y: number;
  readonly height: number;
}

/** Distances of lines, in heights of letters, from which a new paragraph begins. */
const PARAGRAPH = 1.7;
/** Letters of another size: a heading. */
const OTHER_SIZE = 1.15;

export function pageText(runs: readonly Run[]): string {
  let text = "";
  let before: Line | undefined;
  for (const line of lines(runs)) {
    if (before === undefined) text = line.text;
    else if (isNewParagraph(before, line)) text += `\n\n${line.text}`;
    else if (/\p{L}-$/u.test(before.text) && /^\p{Ll}/u.test(line.text)) text = text.slice(0, -1) + line.text;
    else text += ` ${line.text}`;
    before = line;
  }
  return text;
}

function isNewParagraph(before: Line, line: Line): boolean {
  const height = Math.max(before.height, line.height, 1);
  const ratio = Math.max(before.height, 1) / Math.max(line.height, 1);
  return Math.abs(before.y - line.y) > PARAGRAPH * height || ratio > OTHER_SIZE || 1 / ratio > OTHER_SIZE;
}

function lines(runs: readonly Run[]): Line[] {
  const found: Line[] = [];
  let text = "";
  let [y, height] = [0, 0];
  const close = (): void => {
    const line = text.replace(/\s+/g, " ").trim();
    if (line !== "") found.push({ text: line, y, height });
    [text, height] = ["", 0];
  };
  for (const run of runs) {
    if (run.str.trim() !== "") {
      y = run.transform[5] ?? 0;
      height = Math.max(height, run.height);
    }
    text += run.str;
    if (run.hasEOL) close();
  }
  close();
  return found;
}
