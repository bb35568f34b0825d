/**
 * What is loaded when a request first asks for a form. On a site it is a script of its own, whose classes are others than the engine's: it
 * raises errors of its own, and the engine tells them by their names.
 */

import names from "web-xgrammar:names";
import type { Constraint } from "../constraint.ts";
import { CppException } from "./binding.ts";
import { MAX_GRAMMAR } from "./ebnf.ts";
import { GrammarConstraint } from "./grammar_constraint.ts";
import { PatternError } from "./pattern.ts";
import { schemaGrammar } from "./schema.ts";
import { SchemaError } from "./schema_fields.ts";
import { tooLong, tooLongRules } from "./shortest.ts";
import type { Structure } from "./structure.ts";
import { Compiler, printGrammar, type CompiledGrammar, type Vocabulary } from "./xgrammar.ts";

export type { Vocabulary } from "./xgrammar.ts";

/** Compiled grammars that are kept. */
const MAX_GRAMMARS = 32;

/** The sha256 of the WebAssembly module that this code calls. */
export const moduleSha256 = names.sha256;

/** What keeps a JSON Schema, given as text, from being a form; undefined where nothing does. For whoever writes one. */
export function schemaFault(text: string): string | undefined {
  try {
    schemaGrammar(JSON.parse(text), false);
    return undefined;
  } catch (error) {
    return error instanceof RangeError ? "it is nested too deeply" : error instanceof Error ? error.message : String(error);
  }
}

/** A form that cannot be had, and why; param: the field of the request that is wrong, where it is not the one that asks for the form. */
export class FormError extends Error {
  override readonly name = "FormError";

  constructor(message: string, readonly param?: string) {
    super(message);
  }
}

function keyOf({ param: _, ...form }: Structure): string {
  return JSON.stringify(Object.entries(form).sort());
}

export class CompiledForms {
  readonly #module: WebAssembly.Module;
  readonly #vocabulary: Vocabulary;
  readonly #encode: (text: string) => readonly number[];
  #compiler: Compiler | null = null;
  /** Used last comes last. */
  readonly #compiled = new Map<string, CompiledGrammar>();

  /** encode: token ids of a text within an answer. */
  constructor(module: WebAssembly.Module, vocabulary: Vocabulary, encode: (text: string) => readonly number[]) {
    [this.#module, this.#vocabulary, this.#encode] = [module, vocabulary, encode];
  }

  /** Raises FormError where the structure is none, or is too large. */
  constraint(structure: Structure): Constraint {
    const key = keyOf(structure);
    const compiled = this.#compiled.get(key) ?? this.#compile(structure);
    this.#compiled.delete(key);
    this.#compiled.set(key, compiled);
    for (const [oldest, grammar] of this.#compiled) {
      if (this.#compiled.size <= MAX_GRAMMARS) break;
      grammar.dispose();
      this.#compiled.delete(oldest);
    }
    return new GrammarConstraint(compiled.matcher(), this.#vocabulary, this.#encode);
  }

  #compile(structure: Structure): CompiledGrammar {
    try {
      const text = printGrammar(this.#module, structure); // apart from the others: what fails may leave anything behind
      if (text.length > MAX_GRAMMAR) throw new CppException(`its grammar has ${text.length} characters, and ${MAX_GRAMMAR} are the most`);
      for (const [rule, length] of tooLongRules(text)) throw new CppException(tooLong(`a text of its rule ${rule}`, length));
      this.#compiler ??= new Compiler(this.#module, this.#vocabulary);
      return this.#compiler.compile(structure);
    } catch (error) {
      this.#compiler = null; // those that it made go on
      this.#compiled.clear();
      throw refusal(error);
    }
  }
}

function refusal(error: unknown): unknown {
  if (error instanceof SchemaError) return new FormError(error.message, error.param);
  if (error instanceof CppException || error instanceof PatternError || error instanceof SyntaxError) return new FormError(error.message.replace(/[.]+$/, ""));
  const isTooDeep = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
  return isTooDeep ? new FormError("it is nested too deeply") : error;
}
