/** Which beginnings of token lists are known: a radix tree, whose lookups take as long as what they find, however much it holds. */

interface Node<T> {
  /** Tokens between the parent and here; only the root has none. */
  edge: number[];
  /** Tokens from the root to here. */
  depth: number;
  parent: Node<T> | null;
  readonly children: Map<number, Node<T>>;
  /** Whose tokens end here. */
  readonly values: Set<T>;
}

export interface Match<T> {
  readonly value: T;
  /** Tokens that its list and the asked one begin with. */
  readonly length: number;
}

function node<T>(edge: number[], depth: number, parent: Node<T> | null): Node<T> {
  return { edge, depth, parent, children: new Map(), values: new Set() };
}

export class PrefixTree<T> {
  readonly #root: Node<T> = node([], 0, null);
  readonly #ends = new Map<T, Node<T>>();

  /** Says which tokens a value stands for. Of one that is known they begin with those that it had, and only the others are looked at. */
  set(value: T, tokens: readonly number[]): void {
    const before = this.#ends.get(value);
    const end = this.#walk(before ?? this.#root, tokens);
    if (end === before) return;
    end.values.add(value);
    this.#ends.set(value, end);
    if (before === undefined) return;
    before.values.delete(value);
    this.#tidy(before);
  }

  delete(value: T): void {
    const end = this.#ends.get(value);
    if (end === undefined) return;
    this.#ends.delete(value);
    end.values.delete(value);
    this.#tidy(end);
  }

  /** All values, those first that have the most in common with `tokens`. */
  *matches(tokens: readonly number[]): Generator<Match<T>, void, undefined> {
    let [at, length]: [Node<T>, number] = [this.#root, 0];
    let seen: Node<T> | null = null; // the part of the tree that was given out
    for (let next = at.children.get(tokens[0] ?? -1); next !== undefined; next = at.children.get(tokens[length] ?? -1)) {
      const common = commonLength(next.edge, tokens, length);
      length += common;
      at = next;
      if (common < next.edge.length) break;
    }
    for (let top: Node<T> | null = at; top !== null; top = top.parent) {
      for (const value of under(top, seen)) yield { value, length: Math.min(length, top.depth) };
      seen = top;
    }
  }

  /** Values whose tokens continue those of `value`, or are the same. */
  *beyond(value: T): Generator<T, void, undefined> {
    const end = this.#ends.get(value);
    if (end !== undefined) for (const other of under(end, null)) if (other !== value) yield other;
  }

  /** Values whose tokens are a beginning of `value`'s, or the same. */
  *before(value: T): Generator<T, void, undefined> {
    for (let at = this.#ends.get(value) ?? null; at !== null; at = at.parent) {
      for (const other of at.values) if (other !== value) yield other;
    }
  }

  /** The node where `tokens` end, on the way from `from`, which they reach. */
  #walk(from: Node<T>, tokens: readonly number[]): Node<T> {
    let at = from;
    while (at.depth < tokens.length) {
      const next = at.children.get(tokens[at.depth] ?? -1);
      if (next === undefined) {
        const end = node(tokens.slice(at.depth), tokens.length, at);
        at.children.set(end.edge[0] ?? -1, end);
        return end;
      }
      const common = commonLength(next.edge, tokens, at.depth);
      at = common === next.edge.length ? next : this.#cut(next, common);
    }
    return at;
  }

  /** A new node on the way to `below`, behind `length` tokens of its edge. */
  #cut(below: Node<T>, length: number): Node<T> {
    const middle = node(below.edge.slice(0, length), below.depth - below.edge.length + length, below.parent);
    below.parent?.children.set(middle.edge[0] ?? -1, middle);
    below.edge = below.edge.slice(length);
    below.parent = middle;
    middle.children.set(below.edge[0] ?? -1, below);
    return middle;
  }

  /** Takes nodes away that nothing ends at, and that part nothing. */
  #tidy(start: Node<T>): void {
    let at: Node<T> = start;
    while (at.parent !== null && at.values.size === 0 && at.children.size === 0) {
      at.parent.children.delete(at.edge[0] ?? -1);
      at = at.parent;
    }
    const [only] = at.children.values();
    if (at.parent === null || at.values.size > 0 || at.children.size !== 1 || only === undefined) return;
    only.edge = at.edge.concat(only.edge);
    only.parent = at.parent;
    at.parent.children.set(only.edge[0] ?? -1, only);
  }
}

/** How many tokens of `edge` are those of `tokens` from `start` on. */
function commonLength(edge: readonly number[], tokens: readonly number[], start: number): number {
  let length = 0;
  while (length < edge.length && edge[length] === tokens[start + length]) length++;
  return length;
}

/** Values at `top` and below it, but for those of a child that was `seen`. */
function* under<T>(top: Node<T>, seen: Node<T> | null): Generator<T, void, undefined> {
  const open = [top];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    yield* at.values;
    for (const child of at.children.values()) if (child !== seen) open.push(child);
  }
}
