/** Nodes that are right stay where they are: a selection in them survives. */

/** Put a node at this place among the children of `parent`. What stands there is made equal to it where it can be; gives what stands there then. */
export function adaptNode(parent: Node, index: number, wanted: ChildNode): ChildNode {
  const former = parent.childNodes[index];
  if (former === undefined) parent.appendChild(wanted);
  else if (adapt(former, wanted)) return former;
  else former.replaceWith(wanted);
  return wanted;
}

/** Make `node` equal to `wanted`, or put that in its place. */
export function adaptOrReplace(node: ChildNode, wanted: ChildNode): void {
  if (!adapt(node, wanted)) node.replaceWith(wanted);
}

/** Only the first `count` children stay. */
export function removeFrom(parent: Node, count: number): void {
  for (let last = parent.lastChild; last !== null && parent.childNodes.length > count; last = parent.lastChild) last.remove();
}

/** False where the node is of another kind and must be replaced. */
function adapt(old: Node, wanted: Node): boolean {
  if (old.isEqualNode(wanted)) return true;
  if (old instanceof Text && wanted instanceof Text) {
    if (wanted.data.startsWith(old.data)) old.appendData(wanted.data.slice(old.length));
    else old.data = wanted.data;
    return true;
  }
  if (!(old instanceof Element && wanted instanceof Element) || !old.cloneNode(false).isEqualNode(wanted.cloneNode(false))) return false;
  const children = [...wanted.childNodes];
  children.forEach((child, index) => adaptNode(old, index, child));
  removeFrom(old, children.length);
  return true;
}
