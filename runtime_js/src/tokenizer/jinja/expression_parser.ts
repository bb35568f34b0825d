/** Expressions of templates, by Jinja's grammar (jinja2/parser.py). */

import type { Token } from "./lexer.ts";
import { node, type Node } from "./nodes.ts";

/** Expressions within each other, at most. */
const MAX_DEPTH = 200;
const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="];
/** What an argument of a test may begin with where it has no parentheses. */
const BEGINS = ["name", "string", "integer", "float"];

export class ExpressionParser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get token(): Token | undefined {
    return this.#tokens[this.#at];
  }

  fail(message: string): never {
    throw new Error(`line ${(this.token ?? this.#tokens.at(-1))?.line ?? 1} of the template: ${message}`);
  }

  is(kind: Token["kind"], value?: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead];
    return token?.kind === kind && (value === undefined || token.value === value);
  }

  /** Goes on where the next token is this one. */
  skips(kind: Token["kind"], value?: string): boolean {
    const is = this.is(kind, value);
    if (is) this.#at++;
    return is;
  }

  take(kind: Token["kind"], value?: string): string {
    const { token } = this;
    if (token === undefined || !this.skips(kind, value)) return this.fail(`expected ${value ?? `a ${kind}`}, found ${token?.value ?? "the end"}`);
    return token.value;
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) this.fail("too much in one another");
    const result = parse();
    this.#depth--;
    return result;
  }

  block<T>(parse: () => T): T {
    return this.#nested(parse);
  }

  /** One expression, or several with commas, which make a tuple. */
  tuple(withCondition: boolean, isInParentheses = false, ends: readonly string[] = []): Node {
    return this.#tupleOf(() => (withCondition ? this.expression() : this.#or()), isInParentheses, ends);
  }

  /** Names, with commas or in parentheses. */
  names(ends: readonly string[]): Node {
    return this.#tupleOf(() => this.#primary(), false, ends);
  }

  #tupleOf(item: () => Node, isInParentheses: boolean, ends: readonly string[]): Node {
    const items: Node[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) {
        if (!this.skips("operator", ",")) break;
        isTuple = true;
      }
      if (this.is("end") || this.is("operator", ")") || this.is("operator", "=") || ends.some((end) => this.is("name", end))) break;
      items.push(item());
    }
    const [only] = items;
    if (!isTuple && only !== undefined) return only;
    return items.length > 0 || isInParentheses ? node("TupleLiteral", { value: items }) : this.fail("expected an expression");
  }

  expression(): Node {
    return this.#nested(() => {
      let value = this.#or();
      while (this.skips("name", "if")) {
        const test = this.#or();
        value = this.skips("name", "else")
          ? node("Ternary", { condition: test, trueExpr: value, falseExpr: this.expression() }) : node("SelectExpression", { lhs: value, test });
      }
      return value;
    });
  }

  #binary(operators: readonly string[], kind: "operator" | "name", operand: () => Node): Node {
    let left = operand();
    for (let at = operators.find((one) => this.skips(kind, one)); at !== undefined; at = operators.find((one) => this.skips(kind, one))) {
      left = node("BinaryExpression", { operator: { type: "Operator", value: at }, left, right: operand() });
    }
    return left;
  }

  #or(): Node {
    return this.#binary(["or"], "name", () => this.#binary(["and"], "name", () => this.#not()));
  }

  #not(): Node {
    if (!this.skips("name", "not")) return this.#comparison();
    return node("UnaryExpression", { operator: { type: "Operator", value: "not" }, argument: this.#nested(() => this.#not()) });
  }

  /** `a < b < c` is `a < b and b < c`, with b computed once. */
  #comparison(): Node {
    const first = this.#sum();
    const rest: { type: string; operator: Node; right: Node }[] = [];
    for (;;) {
      const operator = COMPARISONS.find((one) => this.skips("operator", one)) ?? (this.skips("name", "in") ? "in"
        : this.is("name", "not") && this.is("name", "in", 1) && this.skips("name") && this.skips("name") ? "not in" : undefined);
      if (operator === undefined) break;
      rest.push({ type: "Comparison", operator: node("Operator", { value: operator }), right: this.#sum() });
    }
    const [only] = rest;
    if (only === undefined) return first;
    return rest.length === 1 ? node("BinaryExpression", { operator: only.operator, left: first, right: only.right }) : node("Comparisons", { left: first, rest });
  }

  #sum(): Node {
    return this.#binary(["+", "-"], "operator", () => this.#binary(["~"], "operator", () => this.#binary(["*", "/", "//", "%"], "operator", () => (
      this.#binary(["**"], "operator", () => this.#unary(true))))));
  }

  #unary(withFilter: boolean): Node {
    const sign = ["-", "+"].find((one) => this.skips("operator", one));
    const value = sign === undefined ? this.#primary()
      : node("UnaryExpression", { operator: { type: "Operator", value: sign }, argument: this.#nested(() => this.#unary(false)) });
    const whole = this.#postfix(value);
    return withFilter ? this.#filtered(whole) : whole;
  }

  #primary(): Node {
    const { token } = this;
    if (token === undefined) return this.fail("expected an expression, found the end");
    if (this.skips("name")) return node("Identifier", { value: token.value });
    if (this.skips("string")) {
      let value = token.value;
      for (let next = this.token; this.skips("string"); next = this.token) value += next?.value ?? "";
      return node("StringLiteral", { value });
    }
    if (this.skips("integer")) return node("IntegerLiteral", { digits: token.value.replaceAll("_", "") });
    if (this.skips("float")) return node("FloatLiteral", { value: Number(token.value.replaceAll("_", "")) });
    if (this.skips("operator", "(")) {
      const value = this.tuple(true, true);
      this.take("operator", ")");
      return value;
    }
    if (this.skips("operator", "[")) return node("ArrayLiteral", { value: this.#list("]", () => this.expression()) });
    if (this.skips("operator", "{")) {
      return node("ObjectLiteral", { value: this.#list("}", () => {
        const key = this.expression();
        this.take("operator", ":");
        return node("Pair", { key, value: this.expression() });
      }) });
    }
    return this.fail(`unexpected ${token.value}`);
  }

  #list(end: string, item: () => Node): Node[] {
    const items: Node[] = [];
    while (!this.skips("operator", end)) {
      if (items.length > 0) {
        this.take("operator", ",");
        if (this.skips("operator", end)) break;
      }
      items.push(item());
    }
    return items;
  }

  #postfix(given: Node): Node {
    let value = given;
    for (;;) {
      if (this.skips("operator", ".")) value = this.#attribute(value);
      else if (this.skips("operator", "[")) value = this.#subscript(value);
      else if (this.is("operator", "(")) value = this.call(value);
      else return value;
    }
  }

  #attribute(object: Node): Node {
    const { token } = this;
    if (this.skips("name")) return node("MemberExpression", { object, property: node("Identifier", { value: token?.value }), computed: false });
    return node("MemberExpression", { object, property: node("IntegerLiteral", { digits: this.take("integer") }), computed: true });
  }

  #subscript(object: Node): Node {
    const items = this.#list("]", () => this.#slice());
    const [only] = items;
    if (only === undefined) return this.fail("expected a subscript");
    return node("MemberExpression", { object, property: items.length === 1 ? only : node("TupleLiteral", { value: items }), computed: true });
  }

  #slice(): Node {
    const bound = (): Node | undefined => (
      this.is("operator", ":") || this.is("operator", "]") || this.is("operator", ",") ? undefined : this.expression());
    const start = bound();
    if (start !== undefined && !this.is("operator", ":")) return start;
    this.take("operator", ":");
    const stop = bound();
    return node("SliceExpression", { start, stop, step: this.skips("operator", ":") ? bound() : undefined });
  }

  call(callee: Node): Node {
    this.take("operator", "(");
    return node("CallExpression", { callee, args: this.#list(")", () => {
      if (this.skips("operator", "*")) return node("SpreadExpression", { argument: this.expression() });
      if (this.skips("operator", "**")) return node("KeywordSpreadExpression", { argument: this.expression() });
      if (!this.is("name") || !this.is("operator", "=", 1)) return this.expression();
      const key = node("Identifier", { value: this.take("name") });
      this.take("operator", "=");
      return node("KeywordArgumentExpression", { key, value: this.expression() });
    }) });
  }

  #filtered(given: Node): Node {
    let value = given;
    for (;;) {
      if (this.is("operator", "|")) value = this.filters(value);
      else if (this.skips("name", "is")) value = this.#test(value);
      else if (this.is("operator", "(")) value = this.call(value);
      else return value;
    }
  }

  /** What stands behind a value and its `|`; of a filter block the first has none. */
  filters(operand: Node | undefined): Node {
    if (operand !== undefined) this.take("operator", "|");
    const line = this.token?.line;
    const name = node("Identifier", { value: this.#dotted() });
    return node("FilterExpression", { operand, line, filter: this.is("operator", "(") ? this.call(name) : name });
  }

  #dotted(): string {
    let name = this.take("name");
    while (this.skips("operator", ".")) name += `.${this.take("name")}`;
    return name;
  }

  #test(operand: Node): Node {
    const negate = this.skips("name", "not");
    const line = this.token?.line;
    const test = node("Identifier", { value: this.#dotted() });
    const takesOne = (BEGINS.some((kind) => this.token?.kind === kind) || this.is("operator", "[") || this.is("operator", "{"))
      && !["else", "or", "and"].some((word) => this.is("name", word));
    if (takesOne && this.is("name", "is")) this.fail("tests cannot follow on each other");
    const args = this.is("operator", "(") ? this.call(test) : node("CallExpression", { callee: test, args: takesOne ? [this.#postfix(this.#primary())] : [] });
    return node("TestExpression", { operand, negate, line, test, call: args });
  }
}
