/** Expressions of templates, each made once into a function of the variables. */

import { filterOf, isIn, percent, testOf } from "./filters.ts";
import { described, isFlagged, maybe, nameOf, pairsOf, part, parts, type Node } from "./nodes.ts";
import type { Scope } from "./scope.ts";
import { methodOf } from "./strings.ts";
import {
  compare, dictOf, entriesOf, escapedHtml, floatOf, isEqual, isMarked, isTrue, itemsOf, keyOf, listOf, markedText, numberOf, strOf, textOf,
  tupleOf, wrap, type Arguments, type Value,
} from "./values.ts";

export type Expression = (scope: Scope) => Value;

export function expressionOf(node: Node): Expression {
  switch (node.type) {
    case "Identifier": {
      const name = nameOf(node);
      return (scope) => scope.get(name);
    }
    case "StringLiteral":
    case "IntegerLiteral": {
      const value = wrap(Reflect.get(node, "value"));
      return () => value;
    }
    case "FloatLiteral": {
      const value = floatOf(Number(nameOf(node)));
      return () => value;
    }
    case "ArrayLiteral": {
      const items = parts(node, "value").map(expressionOf);
      return (scope) => listOf(items.map((item) => item(scope)));
    }
    case "TupleLiteral": {
      const items = parts(node, "value").map(expressionOf);
      return (scope) => tupleOf(items.map((item) => item(scope)));
    }
    case "ObjectLiteral": {
      const pairs = pairsOf(node).map(([key, value]) => [expressionOf(key), expressionOf(value)] as const);
      return (scope) => dictOf(pairs.map(([key, value]) => [keyOf(key(scope)), value(scope)]));
    }
    case "MemberExpression":
      return memberOf(node);
    case "CallExpression":
      return callOf(node);
    case "FilterExpression":
      return filteredOf(expressionOf(part(node, "operand")), part(node, "filter"));
    case "TestExpression": {
      const [operand, name, isNegated] = [expressionOf(part(node, "operand")), nameOf(part(node, "test")), isFlagged(node, "negate")];
      return (scope) => wrap(testOf(name)(operand(scope), []) !== isNegated);
    }
    case "UnaryExpression":
      return unaryOf(nameOf(part(node, "operator")), expressionOf(part(node, "argument")));
    case "BinaryExpression":
      return binaryOf(nameOf(part(node, "operator")), expressionOf(part(node, "left")), expressionOf(part(node, "right")));
    case "SelectExpression": {
      const [test, value] = [expressionOf(part(node, "test")), expressionOf(part(node, "lhs"))];
      return (scope) => (isTrue(test(scope)) ? value(scope) : wrap(undefined));
    }
    case "Ternary": {
      const [test, value] = [expressionOf(part(node, "condition")), expressionOf(part(node, "trueExpr"))];
      const otherwise = expressionOf(part(node, "falseExpr"));
      return (scope) => (isTrue(test(scope)) ? value(scope) : otherwise(scope));
    }
    default:
      throw new Error(`the template has a ${node.type} where a value should be`);
  }
}

/** Arguments by place come before those by name, as in Python. */
export function argumentsOf(nodes: readonly Node[]): (scope: Scope) => Arguments {
  const isNamed = ({ type }: Node): boolean => type === "KeywordArgumentExpression" || type === "KeywordSpreadExpression";
  const given = nodes.filter((node) => !isNamed(node)).map((node) => {
    const isSpread = node.type === "SpreadExpression";
    return { value: expressionOf(isSpread ? part(node, "argument") : node), isSpread };
  });
  const named = nodes.filter(isNamed).map((node) => {
    const isOne = node.type === "KeywordArgumentExpression";
    return { key: isOne ? nameOf(part(node, "key")) : undefined, value: expressionOf(part(node, isOne ? "value" : "argument")) };
  });
  return (scope) => ({
    given: given.flatMap(({ value, isSpread }) => (isSpread ? itemsOf(value(scope)) : [value(scope)])),
    named: new Map(named.flatMap(({ key, value }) => (key === undefined ? [...entriesOf(value(scope))] : [[key, value(scope)] as const]))),
  });
}

export function filteredOf(input: Expression, filter: Node): Expression {
  const [callee, nodes] = filter.type === "CallExpression" ? [part(filter, "callee"), parts(filter, "args")] : [filter, []];
  const [name, args] = [nameOf(callee), argumentsOf(nodes)];
  return (scope) => filterOf(name)(input(scope), args(scope));
}

function called(value: Value, args: Arguments, name: string): Value {
  if (value.kind !== "function") throw new Error(`${name} cannot be called`);
  return value.value(args);
}

/** A dictionary's methods come before its keys, as Jinja looks for what stands behind a dot. */
function callOf(node: Node): Expression {
  const [callee, args] = [part(node, "callee"), argumentsOf(parts(node, "args"))];
  if (callee.type !== "MemberExpression" || isFlagged(callee, "computed")) {
    const [target, name] = [expressionOf(callee), described(callee)];
    return (scope) => called(target(scope), args(scope), name);
  }
  const [object, name, owner] = [expressionOf(part(callee, "object")), nameOf(part(callee, "property")), described(part(callee, "object"))];
  return (scope) => {
    const self = object(scope);
    const method = methodOf(self, name);
    if (method !== undefined) return method(self, args(scope));
    if (self.kind === "dict") return called(self.value.get(name) ?? wrap(undefined), args(scope), `${owner}.${name}`);
    throw new Error(`${owner} has no method ${name}`);
  };
}

function memberOf(node: Node): Expression {
  const [property, object, owner] = [part(node, "property"), expressionOf(part(node, "object")), described(part(node, "object"))];
  const found = (scope: Scope): Value => {
    const value = object(scope);
    if (value.kind === "undefined") throw new Error(`${owner} is undefined`);
    return value;
  };
  if (property.type === "SliceExpression") return sliceOf(found, property);
  if (!isFlagged(node, "computed") && property.type === "Identifier") {
    const name = nameOf(property);
    return (scope) => {
      const { value } = found(scope);
      return value instanceof Map ? value.get(name) ?? wrap(undefined) : wrap(undefined);
    };
  }
  const key = expressionOf(property);
  return (scope) => {
    const [value, at] = [found(scope), key(scope)];
    if (value.value instanceof Map) return at.kind === "undefined" ? wrap(undefined) : value.value.get(keyOf(at)) ?? wrap(undefined);
    if (at.kind !== "int" || (value.kind !== "text" && value.kind !== "list")) return wrap(undefined);
    return itemsOf(value).at(at.value) ?? wrap(undefined);
  };
}

/** `[start:stop:step]` of a list, or of a text's characters. */
function sliceOf(object: Expression, node: Node): Expression {
  const bounds = ["start", "stop", "step"].map((name) => maybe(node, name)).map((bound) => bound && expressionOf(bound));
  return (scope) => {
    const value = object(scope);
    if (value.kind !== "text" && value.kind !== "list") throw new Error(`${value.kind} cannot be sliced`);
    const [start, stop, step = 1] = bounds.map((bound) => {
      const number = bound?.(scope) ?? wrap(undefined);
      if (number.kind !== "int" && number.kind !== "none" && number.kind !== "undefined") throw new Error(`${number.kind} is no bound of a slice`);
      return number.kind === "int" ? number.value : undefined;
    });
    const items = sliced(itemsOf(value), start, stop, step);
    return value.kind === "text" ? wrap(items.map(strOf).join("")) : listOf(items);
  };
}

function sliced<T>(items: readonly T[], start: number | undefined, stop: number | undefined, step: number): T[] {
  if (step === 0) throw new Error("slice step cannot be zero");
  const [least, most] = step > 0 ? [0, items.length] : [-1, items.length - 1];
  const bounded = (at: number): number => Math.min(Math.max(at < 0 ? at + items.length : at, least), most);
  const from = start === undefined ? (step > 0 ? least : most) : bounded(start);
  const to = stop === undefined ? (step > 0 ? most : least) : bounded(stop);
  const count = Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length: count }, (_, i) => items.slice(from + i * step)[0]).filter((item) => item !== undefined);
}

function unaryOf(operator: string, argument: Expression): Expression {
  if (operator === "not") return (scope) => wrap(!isTrue(argument(scope)));
  const sign = operator === "-" ? -1 : 1;
  return (scope) => {
    const value = argument(scope);
    return numberAs(value.kind === "float", sign * numberOf(value));
  };
}

function numberAs(isFloat: boolean, value: number): Value {
  return isFloat ? floatOf(value) : wrap(value);
}

function binaryOf(operator: string, left: Expression, right: Expression): Expression {
  switch (operator) {
    case "and":
      return (scope) => {
        const value = left(scope);
        return isTrue(value) ? right(scope) : value;
      };
    case "or":
      return (scope) => {
        const value = left(scope);
        return isTrue(value) ? value : right(scope);
      };
    case "==":
      return (scope) => wrap(isEqual(left(scope), right(scope)));
    case "!=":
      return (scope) => wrap(!isEqual(left(scope), right(scope)));
    case "in":
      return (scope) => wrap(isIn(left(scope), right(scope)));
    case "not in":
      return (scope) => wrap(!isIn(left(scope), right(scope)));
    case "~":
      return (scope) => wrap(strOf(left(scope)) + strOf(right(scope)));
    case "<":
      return (scope) => wrap(compare(left(scope), right(scope)) < 0);
    case ">":
      return (scope) => wrap(compare(left(scope), right(scope)) > 0);
    case "<=":
      return (scope) => wrap(compare(left(scope), right(scope)) <= 0);
    case ">=":
      return (scope) => wrap(compare(left(scope), right(scope)) >= 0);
    default:
      return (scope) => arithmetic(operator, left(scope), right(scope));
  }
}

/** Both texts, or both lists: Python adds nothing else to one. */
function added(left: Value, right: Value): Value | undefined {
  if (left.kind === "text" || right.kind === "text") {
    const [first, second] = [textOf(left), textOf(right)];
    if (!isMarked(left) && !isMarked(right)) return wrap(first + second);
    return markedText((isMarked(left) ? first : escapedHtml(first)) + (isMarked(right) ? second : escapedHtml(second)));
  }
  return left.kind === "list" && right.kind === "list" ? listOf([...left.value, ...right.value]) : undefined;
}

function arithmetic(operator: string, left: Value, right: Value): Value {
  const special = operator === "+" ? added(left, right)
    : left.kind !== "text" ? undefined
    : operator === "*" ? wrap(left.value.repeat(Math.max(0, numberOf(right))))
    : operator === "%" ? wrap(percent(left.value, right.kind === "list" ? right.value : [right])) : undefined;
  if (special !== undefined) return special;
  const [a, b] = [numberOf(left), numberOf(right)];
  const isFloat = left.kind === "float" || right.kind === "float";
  if (b === 0 && ["/", "//", "%"].includes(operator)) throw new Error("division by zero");
  switch (operator) {
    case "+":
      return numberAs(isFloat, a + b);
    case "-":
      return numberAs(isFloat, a - b);
    case "*":
      return numberAs(isFloat, a * b);
    case "/":
      return floatOf(a / b);
    case "//":
      return numberAs(isFloat, Math.floor(a / b));
    case "%":
      return numberAs(isFloat, ((a % b) + b) % b);
    case "**":
      if (!Number.isFinite(a ** b)) throw new Error("no such power");
      return numberAs(isFloat || b < 0, a ** b);
    default:
      throw new Error(`no operator ${operator}`);
  }
}
