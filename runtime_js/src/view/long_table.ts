/**
 * A table that is long, or may become so: its columns keep the widths that its first rows ask for, so that each further row is laid out by itself. A table's own
 * layout would look at all cells again. Its rows stand in several bodies, and roles say what browsers forget of a table that is laid out otherwise.
 */

import { element } from "./dom.ts";
import { Parts } from "./parts.ts";

/** Of a column, in widths of a digit: with what is around a cell's text. */
const [LEAST, MOST, AROUND] = [16, 44, 4];
/** Letters of scripts whose letters are about two digits wide. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/gu;

export class LongTable {
  readonly #parts: Parts;

  /** table: as it was drawn, with its first rows. */
  constructor(table: HTMLTableElement) {
    const widths = columns([...table.rows]);
    const least = widths.map((width) => Math.min(width, LEAST));
    const sum = (values: readonly number[]): string => `${values.reduce((all, value) => all + value, 0)}ch`;
    table.classList.add("long");
    table.setAttribute("role", "table");
    table.style.setProperty("--columns", widths.map((width, index) => `minmax(${least[index]}ch, ${width}fr)`).join(" "));
    table.style.setProperty("--wanted", sum(widths));
    table.style.setProperty("--least", sum(least));
    for (const group of [table.tHead, ...table.tBodies]) if (group !== null) group.setAttribute("role", "rowgroup");
    for (const row of table.rows) giveRoles(row);
    this.#parts = new Parts(table, () => element("tbody", { role: "rowgroup" }));
  }

  /** Its next rows, in a table that was drawn of them. */
  static rowsOf(drawn: ParentNode): HTMLTableRowElement[] {
    const rows = [...drawn.querySelectorAll<HTMLTableRowElement>("tbody > tr")];
    rows.forEach(giveRoles);
    return rows;
  }

  show(rows: readonly ChildNode[]): void {
    this.#parts.show(rows);
  }

  settle(rows: readonly ChildNode[]): ChildNode[] {
    return this.#parts.settle(rows);
  }
}

function giveRoles(row: HTMLTableRowElement): void {
  row.setAttribute("role", "row");
  for (const cell of row.cells) cell.setAttribute("role", cell.tagName === "TH" ? "columnheader" : "cell");
}

function columns(rows: readonly HTMLTableRowElement[]): number[] {
  const widths: number[] = [];
  for (const { cells } of rows) {
    [...cells].forEach(({ textContent: text }, index) => {
      const width = text.length + (text.match(WIDE)?.length ?? 0) + AROUND;
      widths[index] = Math.min(MOST, Math.max(widths[index] ?? 0, width));
    });
  }
  return widths;
}
