/**
 * Runs chat templates as transformers does. The library (@huggingface/jinja) parses them; where its evaluation leaves Python's, this one
 * takes over: it has few filters, tests and methods, compares by JavaScript's rules, prints JSON where Python prints its own text, lets a loop's
 * variables outlive their turn, looks for keys before methods, and fails where a key or a list is undefined.
 */

import { Environment, Interpreter, Template } from "@huggingface/jinja";
import { filterOf, globals, isIn, makeDict, percent, testOf } from "./filters.ts";
import { methodOf, type Arguments } from "./strings.ts";
import {
  compare, dictOf, entriesOf, escapedHtml, isEqual, isMarked, isTrue, itemsOf, keyOf, kindOf, markedText, strOf, textOf, tupleOf, wrap,
    type Value,
} from "./values.ts";

type Node = NonNullable<Parameters<Interpreter["evaluate"]>[0]>;

/** Ends a loop's turn, or the loop. `text` is what was written before. */
class Leave extends Error {
  text = "";

  constructor(readonly isLast: boolean) {
    super("outside of a loop");
  }
}

/** Values that stand in place of what they were computed from, so that nothing is computed twice. */
const COMPUTED = new WeakMap<Node, Value>();

function computed(value: Value): Node {
  const node: Node = { type: "Computed" };
  COMPUTED.set(node, value);
  return node;
}

/** What is run and not written. */
const STATEMENTS = new Set(["Program", "Set", "If", "For", "Macro", "CallStatement", "FilterStatement", "Break", "Continue", "Comment",
  "Output"]);
const BLOCKS = ["body", "alternate", "defaultBlock"];

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function part(node: Node, name: string): Node {
  const value: unknown = Reflect.get(node, name);
  if (!isNode(value)) throw new Error(`the template has no ${name} where one should be`);
  return value;
}

function parts(node: Node, name: string): Node[] {
  const value: unknown = Reflect.get(node, name);
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function nameOf(node: Node): string {
  return String(Reflect.get(node, "value"));
}

/** Marks what a block writes, which the library does not tell from what it runs. */
function markOutput(node: Node): void {
  for (const block of BLOCKS) {
    const statements = parts(node, block);
    if (statements.length === 0) continue;
    for (const statement of statements) markOutput(statement);
    Reflect.set(node, block, statements.map((statement) => (STATEMENTS.has(statement.type) ? statement : { type: "Output",
      expression: statement })));
  }
}

class PythonInterpreter extends Interpreter {
  override evaluate(node: Node | undefined, scope: Environment): Value {
    switch (node?.type) {
      case "Computed":
        return COMPUTED.get(node) ?? wrap(undefined);
      case "Output": {
        const value = this.evaluate(part(node, "expression"), scope);
        return typeof value.value === "string" ? value : wrap(strOf(value));
      }
      case "Break":
      case "Continue":
        throw new Leave(node.type === "Break");
      case "If":
        return wrap(this.#block(parts(node, isTrue(this.evaluate(part(node, "test"), scope)) ? "body" : "alternate"), scope));
      case "For":
        return this.#for(node, scope);
      case "TupleLiteral":
        return tupleOf(parts(node, "value").map((item) => this.evaluate(item, scope)));
      case "ObjectLiteral":
        return this.#dict(node, scope);
      case "MemberExpression":
        return this.#member(node, scope);
      case "CallExpression":
        return this.#call(node, scope);
      case "FilterExpression":
        return this.#filtered(this.evaluate(part(node, "operand"), scope), part(node, "filter"), scope);
      case "FilterStatement":
        return this.#filtered(wrap(this.#block(parts(node, "body"), scope)), part(node, "filter"), scope);
      case "TestExpression":
        return this.#test(node, scope);
      case "BinaryExpression":
        return this.#binary(node, scope);
      default:
        return super.evaluate(node, scope);
    }
  }

  #block(statements: readonly Node[], scope: Environment): string {
    let text = "";
    for (const statement of statements) {
      try {
        const value = this.evaluate(statement, scope);
        if (typeof value.value === "string") text += value.value;
      } catch (error) {
        if (error instanceof Leave) error.text = text + error.text;
        throw error;
      }
    }
    return text;
  }

  #dict(node: Node, scope: Environment): Value {
    const literal: unknown = Reflect.get(node, "value");
    const entries: (readonly [string, Value])[] = [];
    if (literal instanceof Map) {
      for (const [key, value] of literal) if (isNode(key) && isNode(value)) entries.push([keyOf(this.evaluate(key, scope)),
        this.evaluate(value, scope)]);
    }
    return dictOf(entries);
  }

  #arguments(nodes: readonly Node[], scope: Environment): Arguments {
    const [given, named]: [Value[], Map<string, Value>] = [[], new Map()];
    for (const node of nodes) {
      if (node.type === "KeywordArgumentExpression") named.set(nameOf(part(node, "key")), this.evaluate(part(node, "value"), scope));
      else if (node.type === "SpreadExpression") given.push(...itemsOf(this.evaluate(part(node, "argument"), scope)));
      else if (node.type === "KeywordSpreadExpression") for (const [key, value] of entriesOf(this.evaluate(part(node, "argument"),
        scope))) named.set(key, value);
      else given.push(this.evaluate(node, scope));
    }
    return { given, named };
  }

  #filtered(input: Value, filter: Node, scope: Environment): Value {
    const [name, nodes] = filter.type === "CallExpression" ? [part(filter, "callee"), parts(filter, "args")] : [filter, []];
    return filterOf(nameOf(name))(input, this.#arguments(nodes, scope));
  }

  #test(node: Node, scope: Environment): Value {
    const result = testOf(nameOf(part(node, "test")))(this.evaluate(part(node, "operand"), scope), []);
    return wrap(result !== (Reflect.get(node, "negate") === true));
  }

  /** A dictionary's methods come before its keys, as Jinja looks for what stands behind a dot. */
  #call(node: Node, scope: Environment): Value {
    const callee = part(node, "callee");
    if (callee.type === "Identifier" && nameOf(callee) === "dict" && kindOf(scope.lookupVariable("dict")) === "undefined") {
      return makeDict(this.#arguments(parts(node, "args"), scope));
    }
    if (callee.type === "MemberExpression" && Reflect.get(callee, "computed") !== true) {
      const self = this.evaluate(part(callee, "object"), scope);
      const name = nameOf(part(callee, "property"));
      const method = methodOf(self, name);
      if (method !== undefined) return method(self, this.#arguments(parts(node, "args"), scope));
      if (name === "cycle" && self.type === "ObjectValue") {
        const { given } = this.#arguments(parts(node, "args"), scope);
        return given[Number(entriesOf(self).get("index0")?.value ?? 0) % given.length] ?? wrap(undefined);
      }
      throw new Error(`${described(part(callee, "object"))} has no method ${name}`);
    }
    return super.evaluate(node, scope);
  }

  #member(node: Node, scope: Environment): Value {
    const property = part(node, "property");
    const object = this.evaluate(part(node, "object"), scope);
    if (kindOf(object) === "undefined") throw new Error(`${described(part(node, "object"))} is undefined`);
    if (property.type === "SliceExpression") return super.evaluate(Object.assign({}, node, { object: computed(object) }), scope);
    if (Reflect.get(node, "computed") !== true && property.type === "Identifier") {
      return object.value instanceof Map ? entriesOf(object).get(nameOf(property)) ?? wrap(undefined) : wrap(undefined);
    }
    const key = this.evaluate(property, scope);
    if (kindOf(object) === "dict" || kindOf(object) === "namespace") {
      return kindOf(key) === "undefined" ? wrap(undefined) : entriesOf(object).get(keyOf(key)) ?? wrap(undefined);
    }
    if (typeof key.value !== "number") return wrap(undefined);
    const items = typeof object.value === "string" ? itemsOf(object) : Array.isArray(object.value) ? itemsOf(object) : [];
    return items.at(key.value) ?? wrap(undefined);
  }

  #binary(node: Node, scope: Environment): Value {
    const operator = nameOf(part(node, "operator"));
    if (operator === "and" || operator === "or") return super.evaluate(node, scope);
    const [left, right] = [this.evaluate(part(node, "left"), scope), this.evaluate(part(node, "right"), scope)];
    switch (operator) {
      case "==":
        return wrap(isEqual(left, right));
      case "!=":
        return wrap(!isEqual(left, right));
      case "in":
        return wrap(isIn(left, right));
      case "not in":
        return wrap(!isIn(left, right));
      case "~":
        return wrap(strOf(left) + strOf(right));
      case "<":
        return wrap(compare(left, right) < 0);
      case ">":
        return wrap(compare(left, right) > 0);
      case "<=":
        return wrap(compare(left, right) <= 0);
      case ">=":
        return wrap(compare(left, right) >= 0);
      case "+":
        if (typeof left.value === "string" || typeof right.value === "string") {
          textOf(left); // both must be: Python adds nothing else to a text
          textOf(right);
          return this.#joined(left, right);
        }
        break;
      case "*":
        if (typeof left.value === "string" && typeof right.value === "number") return wrap(left.value.repeat(Math.max(0, right.value)));
        break;
      case "%":
        if (typeof left.value === "string") return wrap(percent(left.value, Array.isArray(right.value) ? itemsOf(right) : [right]));
        if (typeof left.value === "number" && typeof right.value === "number" && kindOf(left) === "int" && kindOf(right) === "int") {
          return wrap(((left.value % right.value) + right.value) % right.value);
        }
    }
    return super.evaluate(Object.assign({}, node, { left: computed(left), right: computed(right) }), scope);
  }

  #joined(left: Value, right: Value): Value {
    if (!isMarked(left) && !isMarked(right)) return wrap(strOf(left) + strOf(right));
    const escaped = (value: Value): string => (isMarked(value) ? strOf(value) : escapedHtml(strOf(value)));
    return markedText(escaped(left) + escaped(right));
  }

  #for(node: Node, outer: Environment): Value {
    const [target, source] = [part(node, "loopvar"), part(node, "iterable")];
    const [list, condition] = source.type === "SelectExpression" ? [part(source, "lhs"), part(source, "test")] : [source, undefined];
    const items = itemsOf(this.evaluate(list, outer)).filter((item) => (
      condition === undefined || isTrue(this.evaluate(condition, assigned(target, item, new Environment(outer))))));
    let text = "";
    for (const [i, item] of items.entries()) {
      const scope = assigned(target, item, new Environment(outer)); // a turn's own, which ends with it
      scope.setVariable("loop", dictOf([
        ["index", wrap(i + 1)], ["index0", wrap(i)], ["revindex", wrap(items.length - i)], ["revindex0", wrap(items.length - i - 1)],
        ["first", wrap(i === 0)], ["last", wrap(i === items.length - 1)], ["length", wrap(items.length)],
        ["previtem", items[i - 1] ?? wrap(undefined)], ["nextitem", items[i + 1] ?? wrap(undefined)], ["depth", wrap(1)], ["depth0",
          wrap(0)],
      ]));
      try {
        text += this.#block(parts(node, "body"), scope);
      } catch (error) {
        if (!(error instanceof Leave)) throw error;
        text += error.text;
        if (error.isLast) break;
      }
    }
    return wrap(items.length === 0 ? this.#block(parts(node, "defaultBlock"), new Environment(outer)) : text);
  }
}

/** What the template calls a value. */
function described(node: Node): string {
  return node.type === "Identifier" ? nameOf(node) : node.type === "MemberExpression" ? `.${nameOf(part(node, "property"))}` : "a value";
}

function assigned(target: Node, item: Value, scope: Environment): Environment {
  if (target.type !== "TupleLiteral") {
    scope.setVariable(nameOf(target), item);
    return scope;
  }
  const [names, values] = [parts(target, "value"), itemsOf(item)];
  if (names.length !== values.length) throw new Error(`${values.length} values for ${names.length} names`);
  names.forEach((name, i) => assigned(name, values[i] ?? wrap(undefined), scope));
  return scope;
}

/** A template, read once. */
export class ChatJinja {
  readonly #program: Template["parsed"];

  /** Raises where it cannot be read. */
  constructor(text: string) {
    this.#program = new Template(text).parsed;
    markOutput(this.#program);
  }

  /** Raises what the template raises. */
  render(variables: Readonly<Record<string, unknown>>): string {
    const scope = new Environment();
    for (const [name, value] of Object.entries({ ...globals(), ...variables })) scope.set(name, value);
    return strOf(new PythonInterpreter(scope).run(this.#program));
  }
}
