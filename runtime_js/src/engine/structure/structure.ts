/** What an answer's text must look like, as it is sent to the engine. */

import type { ToolFormat } from "../../formats/format.ts";
import type { JsonObject } from "../../support/json.ts";

export type Form =
  /** JSON that fits a JSON Schema, which is given as JSON text. Strictly: what a grammar cannot hold is refused, else it is left to the model. */
  | { readonly kind: "schema"; readonly schema: string; readonly isStrict: boolean }
  /** A grammar in EBNF whose first rule is `root`. */
  | { readonly kind: "grammar"; readonly grammar: string }
  /** A regular expression for the whole answer. */
  | { readonly kind: "regex"; readonly pattern: string }
  /** A structural tag of xgrammar, as JSON text: free text with parts that have forms of their own. */
  | { readonly kind: "tags"; readonly tags: string; readonly isStrict: boolean }
  /** Calls of tools. */
  | { readonly kind: "calls"; readonly calls: Calls };

export interface Calls {
  /** How the model writes them, and what tags of its say nothing. */
  readonly format: ToolFormat;
  readonly skipped: readonly string[];
  readonly tools: readonly CallableTool[];
  /** Whether there must be a call, and whether there may be no more than one then. */
  readonly isWanted: boolean;
  readonly isOne: boolean;
  /** What an answer that calls nothing looks like; one that does has one call. By default any text, also beside calls. */
  readonly instead?: Structure | undefined;
}

export interface CallableTool {
  readonly name: string;
  /** Of its arguments. */
  readonly schema: JsonObject;
  readonly isStrict: boolean;
  /** The field of the request that has the schema. */
  readonly param: string;
}

export type Structure = Form & {
  /** The field of the request that asks for it. */
  readonly param: string;
  /** What ends the thought that comes before. */
  readonly thoughtEnd?: string | undefined;
};

/** Characters of a schema or a tag. */
export const MAX_FORM = 1 << 19;
/** Characters of a grammar or a regular expression, whose parts take a time that grows with the square of their number. */
export const MAX_GRAMMAR_FORM = 1 << 16;
