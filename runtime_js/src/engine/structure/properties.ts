/** Grammars of objects that name their properties. */

import { common, negated, oneOf, PLAIN, PLAIN_CLASS } from "./characters.ts";
import { anyOf, COLON, COMMA, literal, repeated, type Rules } from "./ebnf.ts";

/** What stands around properties, and how one begins. */
export interface Notation {
  readonly open: string;
  readonly close: string;
  readonly comma: string;
  readonly key: (name: string) => string;
}

export const OBJECT: Notation = { open: '"{"', close: '"}"', comma: COMMA, key: (name) => `${literal(JSON.stringify(name))} ${COLON}` };
/** `name=value` */
export const KEYWORDS: Notation = { open: '""', close: '""', comma: COMMA, key: (name) => literal(`${name}=`) };

/**
 * The properties in their order, of which those that are not required may be left out, and behind them at most `mostOthers` of `other`.
 */
export function propertiesGrammar(
  rules: Rules, { open, close, comma, key }: Notation, properties: ReadonlyMap<string, string>, required: ReadonlySet<string>, other: string | undefined,
  mostOthers: number,
): string {
  // What may come behind the properties from one on, where some came before them, and where none did.
  let [after, first] = ['""', '""'];
  if (other !== undefined) {
    after = rules.add(repeated(`${comma} ${other}`, 0, mostOthers));
    first = rules.add(anyOf(['""', `${other} ${repeated(`${comma} ${other}`, 0, mostOthers - 1)}`]));
  }
  for (const [name, value] of [...properties].reverse()) {
    const member = `${key(name)} ${value}`;
    const [with_, begin] = [`${comma} ${member} ${after}`, `${member} ${after}`];
    first = rules.add(required.has(name) ? begin : anyOf([begin, first]));
    after = rules.add(required.has(name) ? with_ : anyOf([with_, after]));
  }
  return `${open} ${first} ${close}`;
}

interface Node {
  isEnd: boolean;
  readonly next: Map<string, Node>;
}

/** Strings of JSON that are none of the names. They have no escapes, so that none can be spelled in another way. */
export function otherNames(rules: Rules, names: readonly string[]): string {
  const root: Node = { isEnd: false, next: new Map() };
  for (const name of names) {
    let node = root;
    for (const character of name) {
      const next: Node = node.next.get(character) ?? { isEnd: false, next: new Map() };
      node.next.set(character, next);
      node = next;
    }
    node.isEnd = true;
  }
  return `"\\"" ${different(rules, root)} "\\""`;
}

/** What may come from a node on. */
function different(rules: Rules, node: Node): string {
  const codes = [...node.next.keys()].map((character) => character.codePointAt(0) ?? 0);
  const choices = [...node.next].filter(([character]) => isPlain(character)).map(([character, next]) => `${literal(character)} ${different(rules, next)}`);
  choices.push(`${oneOf(common(PLAIN, negated(codes.map((code) => [code, code]))))} ${PLAIN_CLASS}*`);
  if (!node.isEnd) choices.push('""');
  return rules.add(anyOf(choices));
}

function isPlain(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return common(PLAIN, [[code, code]]).length > 0;
}
