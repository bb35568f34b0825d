/** Nodes that are right stay where they are: a selection in them survives. */

/** Make `node` equal to `wanted` where it can be, or put that in its place; gives the one that stands there then. */
export function adaptOrReplace(node: ChildNode, wanted: ChildNode): ChildNode {
  if (adapt(node, wanted)) return node;
  node.replaceWith(wanted);
  return wanted;
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
  const [standing, children] = [[...old.childNodes], [...wanted.childNodes]];
  children.forEach((child, index) => {
    const former = standing[index];
    if (former === undefined) old.append(child);
    else adaptOrReplace(former, child);
  });
  for (const former of standing.slice(children.length)) former.remove();
  return true;
}
