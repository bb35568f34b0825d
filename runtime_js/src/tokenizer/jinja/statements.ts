/** Statements of templates, each made once into a function that writes. */

import { called, spend, spendText } from "./budget.ts";
import { argumentsOf, expressionOf, WRITTEN, type Expression } from "./expressions.ts";
import { hiddenNames, type HiddenNames } from "./hidden_names.ts";
import { LoopFields, Turns } from "./loop.ts";
import { isFlagged, maybe, nameOf, part, parts, reads, type Node } from "./nodes.ts";
import { Scope } from "./scope.ts";
import { dictOf, functionOf, isTrue, itemsOf, strOf, tupleOf, wrap, type Arguments, type Value } from "./values.ts";

export interface Written {
  text: string;
}

/** Whether a loop's turn ends here, or the loop. */
type Leave = "turn" | "loop" | undefined;
export type Statement = (scope: Scope, written: Written) => Leave;

/** Of a whole template. */
export function templateOf(nodes: readonly Node[]): Statement {
  const hidden = hiddenNames(nodes);
  const body = blockOf(nodes, hidden);
  return (scope, written) => body(new Scope(scope, hidden.get(undefined)?.body), written);
}

function blockOf(nodes: readonly Node[], hidden: HiddenNames): Statement {
  const statements = nodes.map((node) => statementOf(node, hidden));
  return (scope, written) => {
    for (const statement of statements) {
      const leaves = statement(scope, written);
      if (leaves !== undefined) return leaves;
    }
    return undefined;
  };
}

/** What a node's block writes, and a filter makes of it; its variables are its own. */
function textOf(node: Node, hidden: HiddenNames, filter?: Expression): Expression {
  const [body, names] = [blockOf(parts(node, "body"), hidden), hidden.get(node)?.body];
  return (outer) => {
    const [scope, written] = [new Scope(outer, names), { text: "" }];
    body(scope, written);
    const text = wrap(written.text);
    if (filter === undefined) return text;
    scope.set(WRITTEN, text);
    return filter(scope);
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

function statementOf(node: Node, hidden: HiddenNames): Statement {
  switch (node.type) {
    case "Break":
      return () => "loop";
    case "Continue":
      return () => "turn";
    case "If": {
      const [test, body, otherwise] = [expressionOf(part(node, "test")), blockOf(parts(node, "body"), hidden), blockOf(parts(node, "alternate"), hidden)];
      return (scope, written) => (isTrue(test(scope)) ? body : otherwise)(scope, written);
    }
    case "For":
      return loopOf(node, hidden);
    case "Set":
      return setOf(node, hidden);
    case "Macro": {
      const [name, macro] = [nameOf(part(node, "name")), macroOf(node, parts(node, "args"), hidden)];
      return (scope) => {
        scope.set(name, macro(scope));
        return undefined;
      };
    }
    case "CallStatement":
      return writing(callBlockOf(node, hidden));
    case "FilterStatement":
      return writing(textOf(node, hidden, expressionOf(part(node, "filter"))));
    case "Block": {
      const [body, names] = [blockOf(parts(node, "body"), hidden), hidden.get(node)?.body];
      return (scope, written) => body(new Scope(scope, names), written);
    }
    case "With":
      return withOf(node, hidden);
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

function setOf(node: Node, hidden: HiddenNames): Statement {
  const [assign, given, filter] = [assignment(part(node, "assignee")), maybe(node, "value"), maybe(node, "filter")];
  const value: Expression = given !== undefined ? expressionOf(given) : textOf(node, hidden, filter && expressionOf(filter));
  return (scope) => {
    assign(scope, value(scope));
    return undefined;
  };
}

/** Values are those of the names around the block. */
function withOf(node: Node, hidden: HiddenNames): Statement {
  const names = parts(node, "targets").map(nameOf);
  const [values, body, own] = [parts(node, "values").map(expressionOf), blockOf(parts(node, "body"), hidden), hidden.get(node)?.body];
  return (outer, written) => {
    const scope = new Scope(outer, own);
    values.map((value) => value(outer)).forEach((value, i) => scope.set(names[i] ?? "", value));
    return body(scope, written);
  };
}

function loopOf(node: Node, hidden: HiddenNames): Statement {
  const [items, test, assign] = [expressionOf(part(node, "iterable")), maybe(node, "test"), assignment(part(node, "loopvar"))];
  const [body, otherwise] = [blockOf(parts(node, "body"), hidden), blockOf(parts(node, "defaultBlock"), hidden)];
  const [condition, own] = [test && expressionOf(test), hidden.get(node)];
  const [knowsLoop, isRecursive] = [reads(parts(node, "body"), "loop"), isFlagged(node, "recursive")];
  const turn = (outer: Scope, item: Value, names?: readonly string[]): Scope => { // its own scope, which ends with it
    const scope = new Scope(outer, names);
    assign(scope, item);
    return scope;
  };
  const run = (list: Value, outer: Scope, written: Written, depth: number): Leave => {
    const turns = new Turns(itemsOf(list), depth, condition && ((item) => isTrue(condition(turn(outer, item)))));
    const recur = ({ given: [inner = wrap(undefined)] }: Arguments): Value => called(() => {
      const text = { text: "" };
      run(inner, outer, text, depth + 1);
      return wrap(text.text);
    });
    let isDone = false; // as in Jinja, a turn that is left early counts for none
    for (; turns.has(turns.at); turns.at++) {
      spend(4);
      const scope = turn(outer, turns.item(turns.at), own?.body);
      if (knowsLoop) scope.set("loop", isRecursive ? functionOf(recur, new LoopFields(turns)) : { kind: "dict", value: new LoopFields(turns) });
      const leaves = body(scope, written);
      if (leaves === "loop") break;
      isDone ||= leaves === undefined;
    }
    return isDone ? undefined : otherwise(new Scope(outer, own?.otherwise), written);
  };
  return (outer, written) => run(items(outer), outer, written, 1);
}

/** A function of a template's own, which sees what is around its definition. */
function macroOf(node: Node, parameters: readonly Node[], hidden: HiddenNames): (around: Scope) => Value {
  const [body, own] = [blockOf(parts(node, "body"), hidden), hidden.get(node)?.body];
  const named = parameters.map((node) => (node.type === "Identifier" ? { name: nameOf(node), otherwise: undefined }
    : { name: nameOf(part(node, "key")), otherwise: expressionOf(part(node, "value")) }));
  const extras = ["varargs", "kwargs", "caller"].filter((name) => reads([parameters, parts(node, "body")], name));
  const call = (around: Scope, args: Arguments): Value => called(() => {
    const [scope, written] = [new Scope(around, own), { text: "" }];
    const rest = new Map(args.named);
    for (const [i, { name }] of named.entries()) {
      scope.set(name, args.given[i] ?? rest.get(name) ?? wrap(undefined));
      if (args.given[i] === undefined) rest.delete(name);
    }
    takeRest(scope, { given: args.given.slice(named.length), named: rest }, extras);
    for (const [i, { name, otherwise }] of named.entries()) { // may name other parameters
      if (otherwise !== undefined && args.given[i] === undefined && !args.named.has(name)) scope.set(name, otherwise(scope));
    }
    body(scope, written);
    return wrap(written.text);
  });
  const macro = node.type === "Macro" ? nameOf(part(node, "name")) : "caller";
  return (around) => ({ kind: "function", value: (args) => call(around, args), macro });
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
function callBlockOf(node: Node, hidden: HiddenNames): Expression {
  const call = part(node, "call");
  const [target, args] = [expressionOf(part(call, "callee")), argumentsOf(parts(call, "args"))];
  const block = macroOf(node, parts(node, "callerArgs"), hidden);
  return (scope) => {
    const [value, { given, named }] = [target(scope), args(scope)];
    if (value.kind !== "function") throw new Error(`${nameOf(part(call, "callee"))} cannot be called`);
    return value.value({ given, named: new Map([...named, ["caller", block(scope)]]) });
  };
}
