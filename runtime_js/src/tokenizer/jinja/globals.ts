/** What every template knows beside its variables. */

import { Scope } from "./scope.ts";
import { strftime } from "./strings.ts";
import { dictOf, entriesOf, functionOf, itemsOf, keyOf, listOf, namespaceOf, numberOf, strOf, wrap, type Arguments, type Value } from "./values.ts";

/** Jinja's sandbox has the same bound. */
const MAX_RANGE = 100_000;

function range({ given }: Arguments): Value {
  const [first = 0, second, step = 1] = given.map(numberOf);
  const [from, to] = second === undefined ? [0, first] : [first, second];
  const count = Math.ceil((to - from) / step);
  if (step === 0 || count > MAX_RANGE) throw new Error("no such range");
  return listOf(Array.from({ length: Math.max(0, count) }, (_, i) => wrap(from + i * step)));
}

/** Pairs, or another dictionary's, and arguments by name. */
function pairsOf({ given: [pairs], named }: Arguments): (readonly [string, Value])[] {
  const first = pairs === undefined ? [] : pairs.kind === "dict" ? [...entriesOf(pairs)]
    : itemsOf(pairs).map((pair): [string, Value] => [keyOf(itemsOf(pair)[0] ?? wrap("")), itemsOf(pair)[1] ?? wrap(null)]);
  return [...first, ...named];
}

function globals(): Scope {
  const scope = new Scope();
  const constants = { true: true, false: false, none: null, True: true, False: false, None: null };
  for (const [name, value] of Object.entries(constants)) scope.set(name, wrap(value));
  const functions: Readonly<Record<string, (args: Arguments) => Value>> = {
    range, dict: (args) => dictOf(pairsOf(args)), namespace: (args) => namespaceOf(pairsOf(args)),
    strftime_now: ({ given: [form] }) => wrap(strftime(new Date(), strOf(form ?? wrap("")))),
    raise_exception: ({ given: [message] }) => { throw new Error(strOf(message ?? wrap("")) || "the template raises an exception without words"); },
  };
  for (const [name, call] of Object.entries(functions)) scope.set(name, functionOf(call));
  return scope;
}

/** Nothing is ever set in it. */
export const GLOBALS = globals();
