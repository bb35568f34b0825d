/** Statements of templates, each made once into a function that writes. */

import { called, spend, spendText } from "./budget.ts";
import { argumentsOf, expressionOf, WRITTEN, type Expression } from "./expressions.ts";
import { isFlagged, maybe, mentions, nameOf, part, parts, type Node } from "./nodes.ts";
import { Scope } from "./scope.ts";
import { dictOf, functionOf, isEqual, isTrue, itemsOf, strOf, tupleOf, wrap, type Arguments, type Value } from "./values.ts";

export interface Written {
  text: string;
}

/** Whether a loop's turn ends here, or the loop. */
type Leave = "turn" | "loop" | undefined;
export type Statement = (scope: Scope, written: Written) => Leave;

export function blockOf(nodes: readonly Node[]): Statement {
  const statements = nodes.map(statementOf);
  return (scope, written) => {
    for (const statement of statements) {
      const leaves = statement(scope, written);
      if (leaves !== undefined) return leaves;
    }
    return undefined;
  };
}

/** What a block writes; its variables are its own. */
function textOf(block: Statement, scope: Scope): Value {
  const written = { text: "" };
  block(new Scope(scope), written);
  return wrap(written.text);
}

/** What a block writes, and filters make of it. */
function filteredText(body: Statement, filter: Expression): Expression {
  return (scope) => {
    const inner = new Scope(scope);
    inner.set(WRITTEN, textOf(body, scope));
    return filter(inner);
  };
}

function writing(expression: Expression): Statement {
  return (scope, written) => {
    const text = strOf(expression(scope));
    spendText(text.length);
    written.text += text;
    return undefined;
  };
}

function statementOf(node: Node): Statement {
  switch (node.type) {
    case "Break":
      return () => "loop";
    case "Continue":
      return () => "turn";
    case "If": {
      const [test, body, otherwise] = [expressionOf(part(node, "test")), blockOf(parts(node, "body")), blockOf(parts(node, "alternate"))];
      return (scope, written) => (isTrue(test(scope)) ? body : otherwise)(scope, written);
    }
    case "For":
      return loopOf(node);
    case "Set":
      return setOf(node);
    case "Macro": {
      const [name, macro] = [nameOf(part(node, "name")), macroOf(parts(node, "args"), parts(node, "body"))];
      return (scope) => {
        scope.set(name, macro(scope));
        return undefined;
      };
    }
    case "CallStatement":
      return writing(callBlockOf(node));
    case "FilterStatement":
      return writing(filteredText(blockOf(parts(node, "body")), expressionOf(part(node, "filter"))));
    case "Block": {
      const body = blockOf(parts(node, "body"));
      return (scope, written) => body(new Scope(scope), written);
    }
    case "With":
      return withOf(node);
    default:
      return writing(expressionOf(node));
  }
}

/** Gives one variable a value, or several those of a list. */
function assignment(target: Node): (scope: Scope, value: Value) => void {
  if (target.type === "Identifier") {
    const name = nameOf(target);
    return (scope, value) => scope.set(name, value);
  }
  if (target.type === "MemberExpression") {
    const [object, name] = [expressionOf(part(target, "object")), nameOf(part(target, "property"))];
    return (scope, value) => {
      const namespace = object(scope);
      if (namespace.kind !== "namespace") throw new Error(`${name} can be set of a namespace only`);
      namespace.value.set(name, value);
    };
  }
  if (target.type !== "TupleLiteral") throw new Error(`the template gives a ${target.type} a value`);
  const targets = parts(target, "value").map(assignment);
  return (scope, value) => {
    const values = itemsOf(value);
    if (targets.length !== values.length) throw new Error(`${values.length} values for ${targets.length} names`);
    values.forEach((item, i) => targets[i]?.(scope, item));
  };
}

function setOf(node: Node): Statement {
  const [assign, body] = [assignment(part(node, "assignee")), blockOf(parts(node, "body"))];
  const [given, filter] = [maybe(node, "value"), maybe(node, "filter")];
  const value: Expression = given !== undefined ? expressionOf(given)
    : filter !== undefined ? filteredText(body, expressionOf(filter)) : (scope) => textOf(body, scope);
  return (scope) => {
    assign(scope, value(scope));
    return undefined;
  };
}

/** Values are those of the names around the block. */
function withOf(node: Node): Statement {
  const names = parts(node, "targets").map(nameOf);
  const [values, body] = [parts(node, "values").map(expressionOf), blockOf(parts(node, "body"))];
  return (outer, written) => {
    const scope = new Scope(outer);
    values.map((value) => value(outer)).forEach((value, i) => scope.set(names[i] ?? "", value));
    return body(scope, written);
  };
}

function loopOf(node: Node): Statement {
  const source = part(node, "iterable");
  const [list, condition] = source.type === "SelectExpression" ? [part(source, "lhs"), expressionOf(part(source, "test"))] : [source, undefined];
  const [items, assign, body, otherwise] = [
    expressionOf(list), assignment(part(node, "loopvar")), blockOf(parts(node, "body")), blockOf(parts(node, "defaultBlock"))];
  const said = parts(node, "body");
  const knowsLoop = mentions(said, "loop");
  const fields = Object.entries(LOOP).filter(([name]) => mentions(said, name));
  const turn = (outer: Scope, item: Value): Scope => { // its own scope, which ends with it
    const scope = new Scope(outer);
    assign(scope, item);
    return scope;
  };
  const isRecursive = isFlagged(node, "recursive");
  const run = (list: Value, outer: Scope, written: Written, depth: number): Leave => {
    const all = itemsOf(list);
    const chosen = condition === undefined ? all : all.filter((item) => isTrue(condition(turn(outer, item))));
    if (chosen.length === 0) return otherwise(new Scope(outer), written);
    const seen: Value[] = []; // by loop.changed
    for (const [i, item] of chosen.entries()) {
      spend(4);
      const scope = turn(outer, item);
      if (knowsLoop && isRecursive) scope.set("loop", functionOf(({ given: [inner = wrap(undefined)] }) => called(() => {
        const text = { text: "" };
        run(inner, outer, text, depth + 1);
        return wrap(text.text);
      }), dictOf(fields.map(([name, at]) => [name, at(chosen, i, depth, seen)])).value));
      else if (knowsLoop) scope.set("loop", dictOf(fields.map(([name, at]) => [name, at(chosen, i, depth, seen)])));
      if (body(scope, written) === "loop") break;
    }
    return undefined;
  };
  return (outer, written) => run(items(outer), outer, written, 1);
}

/** What a loop's turn knows of itself; only what its body names is made. */
const LOOP: Readonly<Record<string, (items: readonly Value[], i: number, depth: number, seen: Value[]) => Value>> = {
  index: (_, i) => wrap(i + 1), index0: (_, i) => wrap(i), revindex: ({ length }, i) => wrap(length - i), revindex0: ({ length }, i) => wrap(length - i - 1),
  first: (_, i) => wrap(i === 0), last: ({ length }, i) => wrap(i === length - 1), length: ({ length }) => wrap(length),
  previtem: (items, i) => items[i - 1] ?? wrap(undefined), nextitem: (items, i) => items[i + 1] ?? wrap(undefined),
  depth: (_items, _i, depth) => wrap(depth), depth0: (_items, _i, depth) => wrap(depth - 1),
  changed: (_items, _i, _depth, seen) => functionOf(({ given }) => {
    const now = tupleOf(given);
    const [before] = seen;
    seen[0] = now;
    return wrap(before === undefined || !isEqual(before, now));
  }), cycle: (_, i) => functionOf(({ given }) => given[i % given.length] ?? wrap(undefined)),
};

/** A function of a template's own, which sees what is around its definition. */
function macroOf(parameters: readonly Node[], nodes: readonly Node[]): (around: Scope) => Value {
  const body = blockOf(nodes);
  const named = parameters.map((node) => (node.type === "Identifier" ? { name: nameOf(node), otherwise: undefined }
    : { name: nameOf(part(node, "key")), otherwise: expressionOf(part(node, "value")) }));
  const extras = ["varargs", "kwargs", "caller"].filter((name) => mentions([parameters, nodes], name));
  return (around) => functionOf((args) => called(() => {
    const scope = new Scope(around);
    const rest = new Map(args.named);
    for (const [i, { name }] of named.entries()) {
      scope.set(name, args.given[i] ?? rest.get(name) ?? wrap(undefined));
      if (args.given[i] === undefined) rest.delete(name);
    }
    takeRest(scope, { given: args.given.slice(named.length), named: rest }, extras);
    for (const [i, { name, otherwise }] of named.entries()) { // may name other parameters
      if (otherwise !== undefined && args.given[i] === undefined && !args.named.has(name)) scope.set(name, otherwise(scope));
    }
    return textOf(body, scope);
  }));
}

/** What was given beyond the parameters; it is refused where the macro does not ask for it. */
function takeRest(scope: Scope, { given, named }: Arguments, extras: readonly string[]): void {
  const others = new Map(named);
  if (extras.includes("caller")) {
    scope.set("caller", others.get("caller") ?? wrap(undefined));
    others.delete("caller");
  }
  if (extras.includes("varargs")) scope.set("varargs", tupleOf(given));
  else if (given.length > 0) throw new Error(`${given.length} arguments too many for a macro`);
  if (extras.includes("kwargs")) scope.set("kwargs", dictOf(others));
  else if (others.size > 0) throw new Error(`a macro takes no argument ${[...others.keys()].join(", ")}`);
}

/** `{% call %}`: a call whose macro gets the block as `caller`. */
function callBlockOf(node: Node): Expression {
  const call = part(node, "call");
  const [target, args] = [expressionOf(part(call, "callee")), argumentsOf(parts(call, "args"))];
  const block = macroOf(parts(node, "callerArgs"), parts(node, "body"));
  return (scope) => {
    const [value, { given, named }] = [target(scope), args(scope)];
    if (value.kind !== "function") throw new Error(`${nameOf(part(call, "callee"))} cannot be called`);
    return value.value({ given, named: new Map([...named, ["caller", block(scope)]]) });
  };
}
