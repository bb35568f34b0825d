/** The grammars of one model: the engine is fetched when the first is asked for, and those that were compiled are kept. */

import names from "web-xgrammar:names";
import { InternalError, ManifestError, RequestValidationError } from "../../support/errors.ts";
import type { Constraint } from "../constraint.ts";
import { CppException } from "./binding.ts";
import { GrammarConstraint } from "./grammar_constraint.ts";
import { MAX_GRAMMAR } from "./ebnf.ts";
import { SchemaError } from "./schema_fields.ts";
import type { Structure } from "./structure.ts";
import { Compiler, printGrammar, type CompiledGrammar, type Vocabulary } from "./xgrammar.ts";

/** Compiled grammars that are kept. */
const MAX_GRAMMARS = 32;
/** What grammars need of a model. */
export interface GrammarSource {
  /** The WebAssembly module of the grammar engine, and the sha256 that it has. */
  readonly sha256: string;
  module(): Promise<Uint8Array<ArrayBuffer>>;
  vocabulary(): Vocabulary;
  /** Token ids of a text within an answer. */
  encode(text: string): readonly number[];
}

function keyOf({ param: _, ...form }: Structure): string {
  return JSON.stringify(Object.entries(form).sort());
}

export class Grammars {
  readonly #source: GrammarSource;
  #module: Promise<WebAssembly.Module> | null = null;
  #vocabulary: Vocabulary | null = null;
  #compiler: Compiler | null = null;
  /** Used last comes last. */
  readonly #compiled = new Map<string, CompiledGrammar>();

  constructor(source: GrammarSource) {
    this.#source = source;
  }

  /** Raises RequestValidationError where the structure is none, or is too large; DownloadError, IntegrityError or ManifestError. */
  async constraint(structure: Structure): Promise<Constraint> {
    const module = await this.#load();
    const key = keyOf(structure);
    const compiled = this.#compiled.get(key) ?? this.#compile(module, structure);
    this.#compiled.delete(key);
    this.#compiled.set(key, compiled);
    for (const [oldest, grammar] of this.#compiled) {
      if (this.#compiled.size <= MAX_GRAMMARS) break;
      grammar.dispose();
      this.#compiled.delete(oldest);
    }
    return new GrammarConstraint(compiled.matcher(), this.#words(), (text) => this.#source.encode(text));
  }

  /** What tokens are in a text. */
  #words(): Vocabulary {
    return this.#vocabulary ??= this.#source.vocabulary();
  }

  #load(): Promise<WebAssembly.Module> {
    this.#module ??= this.#fetch().catch((error: unknown) => {
      this.#module = null; // the next request tries again
      throw error;
    });
    return this.#module;
  }

  async #fetch(): Promise<WebAssembly.Module> {
    if (this.#source.sha256 !== names.sha256) {
      throw new ManifestError("The model folder has the grammar engine of another version. Build the model folder again with a matching webllm-build.");
    }
    return WebAssembly.compile(await this.#source.module());
  }

  #compile(module: WebAssembly.Module, structure: Structure): CompiledGrammar {
    try {
      const text = printGrammar(module, structure); // apart from the others: what fails may leave anything behind
      if (text.length > MAX_GRAMMAR) throw new CppException(`its grammar has ${text.length} characters, and ${MAX_GRAMMAR} are the most`);
      this.#compiler ??= new Compiler(module, this.#words());
      return this.#compiler.compile(structure);
    } catch (error) {
      this.#compiler = null; // those that it made go on
      this.#compiled.clear();
      throw refusal(structure, error);
    }
  }
}

/** What is wrong with a structure, in the words of the request. */
function refusal({ kind, param }: Structure, error: unknown): Error {
  const what = { schema: "The schema", grammar: "The grammar", regex: "The regular expression", tags: "The structural tag" }[kind];
  const isKnown = error instanceof CppException || error instanceof SchemaError || error instanceof SyntaxError;
  const isTooDeep = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
  if (!isKnown && !isTooDeep) return new InternalError(`The grammar engine failed: ${String(error)}`, {}, error);
  return new RequestValidationError(`${what} in ${param} cannot be used: ${isKnown ? error.message : "it is nested too deeply"}.`, { param });
}
