/** xgrammar, typed: a vocabulary, grammars compiled for it, and matchers, which follow an answer. Each call may raise CppException. */

import names from "web-xgrammar:names";
import { Binding, type CppObject } from "./binding.ts";
import type { Structure } from "./structure.ts";

/** Memory that one instance may take: a vocabulary of 262,144 tokens takes 60 MiB, a grammar of ordinary size a few. */
const MOST_BYTES = 384 << 20;
/** Milliseconds for one grammar: the engine's thread does nothing else meanwhile. */
const PATIENCE = 10_000;
const ONE_THREAD = 1;

/** What tokens are in a text. */
export interface Vocabulary {
  /** By id, a token's bytes; none for tokens that have no text, which no grammar takes. */
  readonly tokens: readonly Uint8Array[];
  readonly endTokenIds: readonly number[];
}

/** JSON as Python's json.dumps writes it, on one line: fixed spaces can be jumped over, and a model cannot go on with blanks for ever. */
const ANY_WHITESPACE = false;
const INDENT = undefined;
const SEPARATORS = undefined;
/** An object that names properties has no others, unless its schema says so. */
const CLOSED = true;
const MOST_WHITESPACE = undefined;
const PRINTED = false;

function grammarOf(binding: Binding, structure: Structure): CppObject {
  switch (structure.kind) {
    case "json":
      return grammarOf(binding, { kind: "schema", schema: '{"type":"object"}' });
    case "schema":
      return binding.make("Grammar", "FromJSONSchema", structure.schema, ANY_WHITESPACE, INDENT, SEPARATORS, CLOSED, MOST_WHITESPACE, PRINTED);
    case "grammar":
      return binding.make("Grammar", "FromEBNF", structure.grammar, "root");
    case "regex":
      return binding.make("Grammar", "FromStructuralTag", JSON.stringify({
        type: "structural_tag", format: { type: "regex", pattern: structure.pattern },
      }));
    case "tags":
      return binding.make("Grammar", "FromStructuralTag", structure.tags);
  }
}

/** The grammar of a structure as EBNF. It is made in memory of its own, which is gone afterwards, whatever happened. */
export function printGrammar(module: WebAssembly.Module, structure: Structure): string {
  const binding = Binding.start(module, names, MOST_BYTES);
  binding.deadline = performance.now() + PATIENCE;
  return new TextDecoder().decode(binding.bytes(grammarOf(binding, structure), "ToString"));
}

export class Compiler {
  readonly #binding: Binding;
  readonly #compiler: CppObject;
  readonly #vocabularySize: number;

  constructor(module: WebAssembly.Module, { tokens, endTokenIds }: Vocabulary) {
    const binding = this.#binding = Binding.start(module, names, MOST_BYTES);
    const texts = binding.construct("VectorString");
    for (const token of tokens) binding.number(texts, "push_back", token);
    const ends = binding.construct("VectorInt");
    for (const id of endTokenIds) binding.number(ends, "push_back", id);
    const info = binding.construct("TokenizerInfo", texts, "RAW", undefined, { optional: ends }, false);
    this.#compiler = binding.construct("GrammarCompiler", info, ONE_THREAD, false);
    for (const object of [texts, ends, info]) binding.delete(object);
    this.#vocabularySize = tokens.length;
  }

  compile(structure: Structure): CompiledGrammar {
    this.#binding.deadline = performance.now() + PATIENCE;
    const grammar = grammarOf(this.#binding, structure);
    const compiled = this.#binding.object("CompiledGrammar", this.#compiler, "CompileGrammar", grammar);
    this.#binding.delete(grammar);
    this.#binding.deadline = Infinity;
    return new CompiledGrammar(this.#binding, compiled, this.#vocabularySize);
  }
}

export class CompiledGrammar {
  readonly #binding: Binding;
  readonly #grammar: CppObject;
  readonly #vocabularySize: number;

  constructor(binding: Binding, grammar: CppObject, vocabularySize: number) {
    [this.#binding, this.#grammar, this.#vocabularySize] = [binding, grammar, vocabularySize];
  }

  /** At the beginning of an answer. It stays usable when this is disposed of. */
  matcher(): Matcher {
    return new Matcher(this.#binding, this.#binding.construct("GrammarMatcher", this.#grammar, undefined, false, -1), this.#vocabularySize);
  }

  dispose(): void {
    this.#binding.delete(this.#grammar);
  }
}

export class Matcher {
  readonly #binding: Binding;
  readonly #matcher: CppObject;
  readonly #vocabularySize: number;

  constructor(binding: Binding, matcher: CppObject, vocabularySize: number) {
    [this.#binding, this.#matcher, this.#vocabularySize] = [binding, matcher, vocabularySize];
  }

  /** A bit for each token that may come next. */
  mask(): Uint32Array {
    const words = this.#binding.object("VectorInt", this.#matcher, "GetNextTokenBitmask", this.#vocabularySize);
    const mask = this.#binding.words(words).slice();
    this.#binding.delete(words);
    return mask;
  }

  /** Whether the token may come; the matcher is behind it then, and else where it was. */
  accept(token: number): boolean {
    return this.#binding.number(this.#matcher, "AcceptToken", token, false) !== 0;
  }

  rollback(count: number): void {
    this.#binding.number(this.#matcher, "Rollback", count);
  }

  /** The bytes that come next whatever is chosen. */
  forced(): Uint8Array<ArrayBuffer> {
    return this.#binding.bytes(this.#matcher, "FindJumpForwardString");
  }

  dispose(): void {
    this.#binding.delete(this.#matcher);
  }
}
