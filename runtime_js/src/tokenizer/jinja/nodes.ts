/** Syntax trees of templates, read by names. */

export interface Node {
  readonly type: string;
}

export function node(type: string, fields: Readonly<Record<string, unknown>> = {}): Node {
  return { type, ...fields };
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

export function part(of: Node, name: string): Node {
  const value = maybe(of, name);
  if (value === undefined) throw new Error(`the template has no ${name} where one should be`);
  return value;
}

export function maybe(of: Node, name: string): Node | undefined {
  const value: unknown = Reflect.get(of, name);
  return isNode(value) ? value : undefined;
}

export function parts(of: Node, name: string): Node[] {
  const value: unknown = Reflect.get(of, name);
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export function nameOf(of: Node): string {
  return String(Reflect.get(of, "value"));
}

export function isFlagged(of: Node, name: string): boolean {
  return Reflect.get(of, name) === true;
}

/** Whether a variable is named. */
export function reads(value: unknown, name: string): boolean {
  if (Array.isArray(value)) return value.some((item) => reads(item, name));
  if (!isNode(value)) return false;
  return (value.type === "Identifier" && nameOf(value) === name) || Object.values(value).some((item) => reads(item, name));
}

/** What the template calls a value. */
export function described(of: Node): string {
  if (of.type === "Identifier") return nameOf(of);
  if (of.type === "StringLiteral") return `'${nameOf(of)}'`;
  if (of.type === "IntegerLiteral") return String(Reflect.get(of, "digits"));
  if (of.type !== "MemberExpression") return "a value";
  const property = described(part(of, "property"));
  return isFlagged(of, "computed") ? `${described(part(of, "object"))}[${property}]` : `.${property}`;
}
