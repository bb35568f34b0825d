/** A selection outlives the nodes that it is in, where others with the same text take their place. */

/** Whether something in an element is selected. Browsers lay the page out to tell, where it was changed. */
export function isSelected(parent: Element): boolean {
  const selection = document.getSelection();
  return selection !== null && [selection.anchorNode, selection.focusNode].some((node) => parent.contains(node));
}

/** Replace what is in `parent` by nodes of the same text. */
export function replaceKept(parent: Element, nodes: readonly (Node | string)[]): void {
  if (parent.firstChild === null) parent.replaceChildren(...nodes);
  else new KeptSelection(parent, /[^]/g).draw(() => parent.replaceChildren(...nodes));
}

type Point = readonly [node: Node | null, offset: number];

/** The two ends of a selection: characters before them, or what is elsewhere. */
type Places = readonly (number | Point)[];

/** A selection in what is drawn again and again, with the same text and more behind it. */
export class KeptSelection {
  readonly #parent: Element;
  readonly #lasting: RegExp;
  /** Where it was, as long as the text up to there is not drawn again, and what it is meanwhile. */
  #waiting: { readonly places: Places; readonly ends: readonly Point[] } | undefined;

  /** lasting: a character that is there afterwards; others may come and go. */
  constructor(parent: Element, lasting: RegExp) {
    [this.#parent, this.#lasting] = [parent, lasting];
  }

  draw<Result>(change: () => Result): Result {
    const selection = this.#parent.getRootNode() instanceof Document ? document.getSelection() : null;
    if (selection === null) return change();
    const before = endsOf(selection);
    const waiting = this.#waiting !== undefined && isSame(before, this.#waiting.ends) ? this.#waiting : undefined;
    const places = waiting?.places ?? before.map((end) => this.#placeOf(end));
    this.#waiting = undefined;
    if (!places.some((place) => typeof place === "number")) return change();
    const result = change();
    if (waiting === undefined && isSame(before, endsOf(selection))) return result;
    const [anchor, focus] = places.map((place, index) => (typeof place === "number" ? this.#pointAt(place, place < Number(places[1 - index])) : place));
    if (anchor === undefined || focus === undefined) this.#waiting = { places, ends: endsOf(selection) };
    else if (anchor[0] !== null && focus[0] !== null) selection.setBaseAndExtent(anchor[0], anchor[1], focus[0], focus[1]);
    return result;
  }

  #placeOf([node, offset]: Point): number | Point {
    if (node === null || !this.#parent.contains(node)) return [node, offset];
    const range = document.createRange();
    range.setStart(this.#parent, 0);
    range.setEnd(node, offset);
    return [...range.toString().matchAll(this.#lasting)].length;
  }

  /** The point behind so many characters. isBegin: where a selection begins, which is before the next one. */
  #pointAt(place: number, isBegin: boolean): Point | undefined {
    const texts = document.createTreeWalker(this.#parent, NodeFilter.SHOW_TEXT);
    let rest = place;
    for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
      const found = [...(node.textContent ?? "").matchAll(this.#lasting)];
      if (isBegin ? rest < found.length : rest <= found.length) return [node, isBegin ? (found[rest]?.index ?? 0) : rest === 0 ? 0 : (found[rest - 1]?.index ?? 0) + 1];
      rest -= found.length;
    }
    return undefined;
  }
}

function endsOf({ anchorNode, anchorOffset, focusNode, focusOffset }: Selection): readonly Point[] {
  return [[anchorNode, anchorOffset], [focusNode, focusOffset]];
}

function isSame(some: readonly Point[], others: readonly Point[]): boolean {
  return some.every(([node, offset], index) => node === others[index]?.[0] && offset === others[index]?.[1]);
}
