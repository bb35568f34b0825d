/** Templates as syntax trees, by Jinja's grammar (jinja2/parser.py), with loop controls and transformers' `generation`. */

import { ExpressionParser } from "./expression_parser.ts";
import { tokensOf } from "./lexer.ts";
import { node, parts, type Node } from "./nodes.ts";

function isTarget(target: Node): boolean {
  return ["Identifier", "MemberExpression"].includes(target.type) || (target.type === "TupleLiteral" && parts(target, "value").every(isTarget));
}

class Parser extends ExpressionParser {
  /** Until a statement of one of these names, which is left. */
  body(ends: readonly string[]): Node[] {
    const nodes: Node[] = [];
    while (this.token !== undefined) {
      if (this.is("text")) {
        nodes.push(node("StringLiteral", { value: this.take("text") }));
      } else if (this.skips("begin", "{")) {
        nodes.push(this.tuple(true));
        this.take("end");
      } else {
        this.take("begin", "%");
        if (ends.some((end) => this.is("name", end))) return nodes;
        nodes.push(this.block(() => this.#statement()));
        this.take("end");
      }
    }
    return ends.length === 0 ? nodes : this.fail(`the template ends where ${ends.join(" or ")} should be`);
  }

  /** A body behind the end of its statement's first tag; its last tag but for the end is taken. */
  #within(...ends: readonly string[]): readonly [body: Node[], end: string] {
    this.take("end");
    const body = this.body(ends);
    return [body, this.take("name")];
  }

  #statement(): Node {
    const name = this.take("name");
    switch (name) {
      case "break":
        return node("Break");
      case "continue":
        return node("Continue");
      case "if":
        return this.#if();
      case "for":
        return this.#for();
      case "set":
        return this.#set();
      case "with":
        return this.#with();
      case "generation":
        return node("Block", { body: this.#within("endgeneration")[0] });
      case "filter":
        return this.#filter();
      case "macro": {
        const macro = node("Identifier", { value: this.take("name") });
        return node("Macro", { name: macro, args: this.#parameters(), body: this.#within("endmacro")[0] });
      }
      case "call": {
        const callerArgs = this.is("operator", "(") ? this.#parameters() : [];
        const call = this.expression();
        if (call.type !== "CallExpression") this.fail("expected a call");
        return node("CallStatement", { call, callerArgs, body: this.#within("endcall")[0] });
      }
      default:
        return this.fail(`there is no statement ${name}`);
    }
  }

  #if(): Node {
    const test = this.tuple(false);
    const [body, end] = this.#within("elif", "else", "endif");
    if (end === "elif") return node("If", { test, body, alternate: [this.block(() => this.#if())] });
    return node("If", { test, body, alternate: end === "else" ? this.#within("endif")[0] : [] });
  }

  #for(): Node {
    const loopvar = this.#target(["in"]);
    this.take("name", "in");
    const iterable = this.tuple(false, false, ["recursive"]);
    const test = this.skips("name", "if") ? this.expression() : undefined;
    const recursive = this.skips("name", "recursive");
    const [body, end] = this.#within("else", "endfor");
    return node("For", { loopvar, iterable, test, recursive, body, defaultBlock: end === "else" ? this.#within("endfor")[0] : [] });
  }

  /** Names, in parentheses or not, or a part of a namespace. */
  #target(ends: readonly string[]): Node {
    const target = this.is("name") && this.is("operator", ".", 1) ? this.#part() : this.names(ends);
    return isTarget(target) ? target : this.fail("this cannot be given a value");
  }

  #part(): Node {
    const object = node("Identifier", { value: this.take("name") });
    this.take("operator", ".");
    return node("MemberExpression", { object, property: node("Identifier", { value: this.take("name") }), computed: false });
  }

  #set(): Node {
    const assignee = this.#target([]);
    if (this.skips("operator", "=")) return node("Set", { assignee, value: this.tuple(true), body: [] });
    let filter: Node | undefined;
    while (this.is("operator", "|")) filter = this.filters(filter ?? node("Written"));
    return node("Set", { assignee, filter, body: this.#within("endset")[0] });
  }

  #with(): Node {
    const targets: Node[] = [];
    const values: Node[] = [];
    while (!this.is("end")) {
      if (targets.length > 0) this.take("operator", ",");
      targets.push(node("Identifier", { value: this.take("name") }));
      this.take("operator", "=");
      values.push(this.expression());
    }
    return node("With", { targets, values, body: this.#within("endwith")[0] });
  }

  #filter(): Node {
    let filter = this.filters(undefined);
    filter = node("FilterExpression", { ...filter, operand: node("Written") });
    while (this.is("operator", "|")) filter = this.filters(filter);
    return node("FilterStatement", { filter, body: this.#within("endfilter")[0] });
  }

  #parameters(): Node[] {
    const parameters: Node[] = [];
    this.take("operator", "(");
    while (!this.skips("operator", ")")) {
      if (parameters.length > 0) this.take("operator", ",");
      const name = node("Identifier", { value: this.take("name") });
      parameters.push(this.skips("operator", "=") ? node("KeywordArgumentExpression", { key: name, value: this.expression() }) : name);
    }
    return parameters;
  }
}

/** Raises Error with the line of what is none. */
export function parse(source: string): Node[] {
  return new Parser(tokensOf(source)).body([]);
}
