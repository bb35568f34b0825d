/** A selection outlives the nodes that it is in, where others with the same text take their place. */

/** Whether something in an element is selected. Browsers lay the page out to tell, where it was changed. */
export function isSelected(parent: Element): boolean {
  const selection = document.getSelection();
  return selection !== null && [selection.anchorNode, selection.focusNode].some((node) => parent.contains(node));
}

/** Replace what is in `parent` by nodes of the same text. */
export function replaceKept(parent: Element, nodes: readonly (Node | string)[]): void {
  if (parent.firstChild === null) return parent.replaceChildren(...nodes);
  const root = parent.getRootNode();
  const selection = document.getSelection();
  const ends = selection === null || !(root instanceof Document) ? [] : [[selection.anchorNode, selection.anchorOffset], [selection.focusNode, selection.focusOffset]] as const;
  const places = ends.map(([node, offset]) => (node !== null && parent.contains(node) ? textBefore(parent, node, offset) : undefined));
  parent.replaceChildren(...nodes);
  if (selection === null || places.every((place) => place === undefined)) return;
  const [anchor, focus] = ends.map(([node, offset], index) => {
    const place = places[index];
    return place === undefined ? [node, offset] as const : pointAt(parent, place);
  });
  if (anchor?.[0] && focus?.[0]) selection.setBaseAndExtent(anchor[0], anchor[1], focus[0], focus[1]);
}

/** Characters of `parent` before a point in it. */
function textBefore(parent: Element, node: Node, offset: number): number {
  const range = document.createRange();
  range.setStart(parent, 0);
  range.setEnd(node, offset);
  return range.toString().length;
}

/** The point behind so many characters of `parent`. */
function pointAt(parent: Element, place: number): readonly [Node, number] {
  const texts = document.createTreeWalker(parent, NodeFilter.SHOW_TEXT);
  let rest = place;
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const length = node.textContent?.length ?? 0;
    if (rest <= length) return [node, rest];
    rest -= length;
  }
  return [parent, parent.childNodes.length];
}
