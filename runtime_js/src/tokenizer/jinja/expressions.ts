/** Expressions of templates, each made once into a function of the variables. */

import { spend, spendText } from "./budget.ts";
import { filterOf, isIn, testOf } from "./filters.ts";
import { percent } from "./formats.ts";
import { described, isFlagged, maybe, nameOf, part, parts, type Node } from "./nodes.ts";
import type { Scope } from "./scope.ts";
import { methodOf } from "./strings.ts";
import {
  compare, dictOf, entriesOf, escapedHtml, floatOf, isEqual, isMarked, isTrue, itemsOf, keyOf, listOf, markedText, numberOf, strOf, textOf,
  tupleOf, wrap, type Arguments, type Value,
} from "./values.ts";

/** The variable that holds what a filter block has written. */
export const WRITTEN = "\0written";

export type Expression = (scope: Scope) => Value;

export function expressionOf(node: Node): Expression {
  switch (node.type) {
    case "Identifier": {
      const name = nameOf(node);
      return (scope) => scope.get(name);
    }
    case "IntegerLiteral": {
      const value = wholeOf(BigInt(String(Reflect.get(node, "digits"))));
      return () => value;
    }
    case "StringLiteral": {
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
      const pairs = parts(node, "value").map((pair) => [expressionOf(part(pair, "key")), expressionOf(part(pair, "value"))] as const);
      return (scope) => dictOf(pairs.map(([key, value]) => [keyOf(key(scope)), value(scope)]));
    }
    case "MemberExpression":
      return memberOf(node);
    case "CallExpression":
      return callOf(node);
    case "FilterExpression":
      return filteredOf(expressionOf(part(node, "operand")), node);
    case "Written":
      return (scope) => scope.get(WRITTEN);
    case "TestExpression": {
      const [operand, isNegated] = [expressionOf(part(node, "operand")), isFlagged(node, "negate")];
      const [test, args] = [located(node, () => testOf(nameOf(part(node, "test")))), argumentsOf(parts(part(node, "call"), "args"))];
      return (scope) => wrap(test()(operand(scope), args(scope).given) !== isNegated);
    }
    case "Comparisons":
      return comparisonsOf(node);
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

/** What is not there is an error where it is used, with its line. */
function located<T>(node: Node, find: () => T): () => T {
  const fail = (error: unknown): never => {
    throw new Error(`line ${String(Reflect.get(node, "line"))} of the template: ${error instanceof Error ? error.message : String(error)}`);
  };
  try {
    const found = find();
    return () => found;
  } catch (error) {
    return () => fail(error);
  }
}

function filteredOf(input: Expression, node: Node): Expression {
  const filter = part(node, "filter");
  const [callee, nodes] = filter.type === "CallExpression" ? [part(filter, "callee"), parts(filter, "args")] : [filter, []];
  const [apply, args] = [located(node, () => filterOf(nameOf(callee))), argumentsOf(nodes)];
  return (scope) => apply()(input(scope), args(scope));
}

/** `a < b < c`: each is computed once, and none behind what is not true. */
function comparisonsOf(node: Node): Expression {
  const first = expressionOf(part(node, "left"));
  const rest = parts(node, "rest").map((one) => ({ operator: nameOf(part(one, "operator")), right: expressionOf(part(one, "right")) }));
  return (scope) => {
    let left = first(scope);
    let result = wrap(true);
    for (const { operator, right } of rest) {
      const [before, behind] = [left, right(scope)];
      result = binaryOf(operator, () => before, () => behind)(scope);
      if (!isTrue(result)) break;
      left = behind;
    }
    return result;
  };
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

/** What a group of `groupby` calls its two parts. */
const GROUP = ["grouper", "list"];

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
      const owner = found(scope);
      if (owner.kind === "function") return owner.fields?.get(name) ?? wrap(undefined);
      if (owner.kind === "list" && owner.isTuple && GROUP.includes(name)) return owner.value[GROUP.indexOf(name)] ?? wrap(undefined);
      return owner.value instanceof Map ? owner.value.get(name) ?? wrap(undefined) : wrap(undefined);
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
    return value.kind === "text" ? wrap(items.map(strOf).join("")) : value.isTuple ? tupleOf(items) : listOf(items);
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
  return isFloat ? floatOf(value) : wrap(value === 0 ? 0 : value);
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
  if (left.kind !== "list" || right.kind !== "list") return undefined;
  if (left.isTuple !== right.isTuple) throw new Error("a list and a tuple cannot be added");
  return left.isTuple ? tupleOf([...left.value, ...right.value]) : listOf([...left.value, ...right.value]);
}

function repeated(text: string, times: number): Value {
  const count = Math.max(0, times);
  spendText(text.length * count);
  return wrap(text.repeat(count));
}

function listTimes(items: readonly Value[], times: number, isTuple: boolean): Value {
  const count = Math.max(0, times);
  spend(items.length * count);
  const all = Array.from({ length: count }, () => items).flat();
  return isTuple ? tupleOf(all) : listOf(all);
}

/** Digits of an integer, at most. */
const MOST_DIGITS = 4300;

/** Of two integers where a number is not enough; undefined for what is no integer. */
function exact(operator: string, left: Value, right: Value): bigint | undefined {
  const [a, b] = [left, right].map((value) => (value.kind === "int" ? BigInt(value.digits ?? value.value) : value.kind === "bool" ? BigInt(value.value) : undefined));
  if (a === undefined || b === undefined) return undefined;
  const floor = (): bigint => a / b - (a % b !== 0n && (a < 0n) !== (b < 0n) ? 1n : 0n);
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "//":
      return floor();
    case "%":
      return a - floor() * b;
    case "**":
      if (b < 0n) return undefined;
      if (BigInt(a.toString().length) * b > MOST_DIGITS) throw new Error("an integer of the template is too large");
      return a ** b;
    default:
      return undefined;
  }
}

function wholeOf(value: bigint): Value {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return wrap(number);
  const digits = value.toString();
  if (digits.length > MOST_DIGITS) throw new Error("an integer of the template is too large");
  return { kind: "int", value: number, digits };
}

function arithmetic(operator: string, left: Value, right: Value): Value {
  const isSequence = ({ kind }: Value): boolean => kind === "text" || kind === "list";
  if (operator === "*" && isSequence(right) && !isSequence(left)) return arithmetic(operator, right, left);
  if (operator === "*" && isSequence(left) && right.kind === "float") throw new Error("a text or a list is repeated a whole number of times");
  if (operator === "*" && left.kind === "list") return listTimes(left.value, numberOf(right), left.isTuple);
  const special = operator === "+" ? added(left, right)
    : left.kind !== "text" ? undefined
    : operator === "*" ? repeated(left.value, numberOf(right))
    : operator === "%" ? wrap(percent(left.value, right)) : undefined;
  if (special !== undefined) return special;
  const [a, b] = [numberOf(left), numberOf(right)];
  const isFloat = left.kind === "float" || right.kind === "float";
  const isLarge = !isFloat && !(Math.abs(a) < 2 ** 26 && Math.abs(b) < 2 ** 26) || operator === "**";
  if (b === 0 && ["/", "//", "%"].includes(operator)) throw new Error("division by zero");
  const whole = isLarge ? exact(operator, left, right) : undefined;
  if (whole !== undefined) return wholeOf(whole);
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
      return numberAs(isFloat, a % b === 0 ? 0 * Math.sign(b) : a % b < 0 !== b < 0 ? (a % b) + b : a % b);
    case "**":
      if (!Number.isFinite(a ** b)) throw new Error("no such power");
      return numberAs(isFloat || b < 0, a ** b);
    default:
      throw new Error(`no operator ${operator}`);
  }
}
