/** Nodes that grow at their end. They stand in parts, each of which the browser leaves out of its work where it is out of sight. */

import { adaptOrReplace } from "./adapt.ts";

/** Characters of a part, and its nodes, behind which another one begins: what has few letters, as formulas have, may be tall. */
const [ROOM, NODES] = [2048, 16];

export class Parts {
  readonly #parent: Element;
  readonly #begin: () => Element;
  /** Those that may still change: the last ones. */
  #fluid: ChildNode[] = [];

  /** parent: has nothing but parts; begin: makes a further one. */
  constructor(parent: Element, begin: () => Element) {
    this.#parent = parent;
    this.#begin = begin;
  }

  /** What stands behind the nodes that stay. */
  show(nodes: readonly ChildNode[]): void {
    nodes.forEach((node, index) => this.#put(index, node));
    for (const node of this.#fluid.splice(nodes.length)) {
      const part = node.parentElement;
      node.remove();
      if (part?.firstChild === null) part.remove();
    }
  }

  /** Nodes that stay as they are; gives those that stand there now. */
  settle(nodes: readonly ChildNode[]): ChildNode[] {
    nodes.forEach((node, index) => this.#put(index, node));
    return this.#fluid.splice(0, nodes.length);
  }

  /** A node that stays, itself. */
  settleItself(node: ChildNode): void {
    const former = this.#fluid.shift();
    if (former === undefined) this.#place().append(node);
    else former.replaceWith(node);
  }

  /** What stands there is made equal to the wanted node where it can be: a selection in it survives. */
  #put(index: number, wanted: ChildNode): void {
    const former = this.#fluid[index];
    if (former === undefined) this.#place().append(wanted);
    this.#fluid[index] = former === undefined ? wanted : adaptOrReplace(former, wanted);
  }

  /** By what stands before it, so that an answer looks the same however it came. */
  #place(): Element {
    const last = this.#parent.lastElementChild;
    if (last !== null && last.childNodes.length < NODES && last.textContent.length <= ROOM) return last;
    const part = this.#begin();
    this.#parent.append(part);
    return part;
  }
}
