/**
 * Which names a block has no value of when it begins, although its surroundings have one: Jinja decides of each name in a block, before it runs,
 * whether it is the block's own (jinja2/idtracking.py). A block that gives a name its first value outside of an `if`, before it reads it, and whose
 * outer blocks do not know the name, has it for its own from its beginning on.
 */

import { maybe, nameOf, part, parts, isFlagged, type Node } from "./nodes.ts";

/** Names by the node whose block they are hidden in; of a loop's `else` by those of its second list. */
export interface Hidden {
  readonly body: readonly string[];
  readonly otherwise: readonly string[];
}

export type HiddenNames = ReadonlyMap<Node | undefined, Hidden>;

class Block {
  readonly #outer: Block | undefined;
  readonly #known: Set<string>;
  readonly hidden: string[] = [];

  constructor(outer: Block | undefined, given: readonly string[]) {
    this.#outer = outer;
    this.#known = new Set(given);
  }

  #knows(name: string): boolean {
    return this.#known.has(name) || (this.#outer !== undefined && this.#outer.#knows(name));
  }

  read(name: string): void {
    if (!this.#knows(name)) this.#known.add(name);
  }

  write(name: string, isCertain: boolean): void {
    if (isCertain && !this.#knows(name)) this.hidden.push(name);
    this.#known.add(name);
  }
}

class Analysis {
  readonly found = new Map<Node | undefined, Hidden>();

  /** Of a block with the names that it is given, and of all blocks in it: those know what it comes to know behind them. */
  block(outer: Block | undefined, given: readonly string[], visit: (block: Block, later: (() => void)[]) => void): string[] {
    const block = new Block(outer, given);
    const later: (() => void)[] = [];
    visit(block, later);
    for (const inner of later) inner();
    return block.hidden;
  }

  statements(nodes: readonly Node[], block: Block, later: (() => void)[], isCertain = true): void {
    for (const one of nodes) this.#statement(one, block, later, isCertain);
  }

  #inner(node: Node, outer: Block, given: readonly string[], body: readonly Node[], ...first: readonly Node[]): () => void {
    return () => {
      const hidden = this.block(outer, given, (block, later) => {
        for (const expression of first) read(expression, block);
        this.statements(body, block, later);
      });
      this.found.set(node, { body: hidden, otherwise: this.found.get(node)?.otherwise ?? [] });
    };
  }

  #statement(node: Node, block: Block, later: (() => void)[], isCertain: boolean): void {
    const body = parts(node, "body");
    switch (node.type) {
      case "If":
        read(part(node, "test"), block);
        this.statements(body, block, later, false);
        this.statements(parts(node, "alternate"), block, later, false);
        return;
      case "For": {
        read(part(node, "iterable"), block);
        later.push(() => {
          const otherwise = this.block(block, [], (inner, last) => this.statements(parts(node, "defaultBlock"), inner, last));
          this.found.set(node, { body: [], otherwise });
        }, this.#inner(node, block, ["loop", ...namesOf(part(node, "loopvar"))], body));
        return;
      }
      case "Set": {
        const value = maybe(node, "value");
        if (value !== undefined) read(value, block);
        write(part(node, "assignee"), block, isCertain);
        later.push(this.#inner(node, block, [], body, ...[maybe(node, "filter")].filter((filter) => filter !== undefined)));
        return;
      }
      case "Macro":
        block.write(nameOf(part(node, "name")), isCertain);
        later.push(this.#inner(node, block, parameters(parts(node, "args")), body, ...parts(node, "args")));
        return;
      case "CallStatement":
        read(part(node, "call"), block);
        later.push(this.#inner(node, block, parameters(parts(node, "callerArgs")), body, ...parts(node, "callerArgs")));
        return;
      case "FilterStatement":
        read(part(node, "filter"), block);
        later.push(this.#inner(node, block, [], body));
        return;
      case "With":
        for (const value of parts(node, "values")) read(value, block);
        later.push(this.#inner(node, block, parts(node, "targets").map(nameOf), body));
        return;
      case "Block":
        later.push(this.#inner(node, block, [], body));
        return;
      default:
        read(node, block);
    }
  }
}

/** With those that a macro is given without being asked. */
function parameters(nodes: readonly Node[]): string[] {
  return ["caller", "varargs", "kwargs", ...nodes.map((one) => nameOf(one.type === "Identifier" ? one : part(one, "key")))];
}

function namesOf(target: Node): string[] {
  return target.type === "Identifier" ? [nameOf(target)] : parts(target, "value").flatMap(namesOf);
}

function write(target: Node, block: Block, isCertain: boolean): void {
  if (target.type === "Identifier") block.write(nameOf(target), isCertain);
  else if (target.type === "MemberExpression") read(part(target, "object"), block);
  else for (const one of parts(target, "value")) write(one, block, isCertain);
}

/** What an expression reads; names of attributes, filters, tests and arguments are none. */
function read(node: Node, block: Block): void {
  switch (node.type) {
    case "Identifier":
      block.read(nameOf(node));
      return;
    case "MemberExpression":
      read(part(node, "object"), block);
      if (isFlagged(node, "computed")) read(part(node, "property"), block);
      return;
    case "FilterExpression":
      readAll([maybe(node, "operand"), ...parts(part(node, "filter"), "args")], block);
      return;
    case "TestExpression":
      readAll([part(node, "operand"), ...parts(part(node, "call"), "args")], block);
      return;
    case "KeywordArgumentExpression":
      read(part(node, "value"), block);
      return;
    default:
      for (const [key, value] of Object.entries(node)) if (key !== "type") readAll([maybe(node, key), ...(Array.isArray(value) ? parts(node, key) : [])], block);
  }
}

function readAll(nodes: readonly (Node | undefined)[], block: Block): void {
  for (const one of nodes) if (one !== undefined) read(one, block);
}

/** Of a whole template, whose own are undefined's. */
export function hiddenNames(template: readonly Node[]): HiddenNames {
  const analysis = new Analysis();
  const body = analysis.block(undefined, [], (block, later) => analysis.statements(template, block, later));
  analysis.found.set(undefined, { body, otherwise: [] });
  return analysis.found;
}
