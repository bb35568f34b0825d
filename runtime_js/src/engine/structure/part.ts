/** The code of grammars, which few requests need: it is loaded when the first does. */

export type GrammarPart = typeof import("./compiled.ts");

export function importPart(): Promise<GrammarPart> {
  return import("./compiled.ts");
}
