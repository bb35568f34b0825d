/** The library's syntax trees, read by names. */

import type { Template } from "@huggingface/jinja";

export type Node = Template["parsed"]["body"][number];

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

export function part(node: Node, name: string): Node {
  const value = maybe(node, name);
  if (value === undefined) throw new Error(`the template has no ${name} where one should be`);
  return value;
}

export function maybe(node: Node, name: string): Node | undefined {
  const value: unknown = Reflect.get(node, name);
  return isNode(value) ? value : undefined;
}

export function parts(node: Node, name: string): Node[] {
  const value: unknown = Reflect.get(node, name);
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Of a dictionary that is written out. */
export function pairsOf(node: Node): (readonly [Node, Node])[] {
  const value: unknown = Reflect.get(node, "value");
  if (!(value instanceof Map)) return [];
  return [...value].flatMap(([key, item]) => (isNode(key) && isNode(item) ? [[key, item] as const] : []));
}

export function nameOf(node: Node): string {
  return String(Reflect.get(node, "value"));
}

export function isFlagged(node: Node, name: string): boolean {
  return Reflect.get(node, name) === true;
}

/** Whether a variable or a part of one is named in what a template says, as `a.name` or `a["name"]`. */
export function mentions(value: unknown, name: string): boolean {
  if (Array.isArray(value)) return value.some((item) => mentions(item, name));
  if (value instanceof Map) return [...value].some((pair) => mentions(pair, name));
  if (!isNode(value)) return false;
  return ((value.type === "Identifier" || value.type === "StringLiteral") && nameOf(value) === name) || Object.values(value).some((item) => mentions(item, name));
}

/** What the template calls a value. */
export function described(node: Node): string {
  return node.type === "Identifier" ? nameOf(node) : node.type === "MemberExpression" ? `.${nameOf(part(node, "property"))}` : "a value";
}
