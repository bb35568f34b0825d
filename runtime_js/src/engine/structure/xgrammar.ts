/** xgrammar, typed: a vocabulary, grammars compiled for it, and matchers, which follow an answer. Each call may raise CppException. */

import names from "web-xgrammar:names";
import { Binding, type CppObject } from "./binding.ts";
import { schemaGrammar } from "./schema.ts";
import type { Form } from "./structure.ts";
import { tagGrammar } from "./tags.ts";

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

function grammarOf(binding: Binding, form: Form): CppObject {
  switch (form.kind) {
    case "schema":
      return binding.make("Grammar", "FromEBNF", schemaGrammar(JSON.parse(form.schema), form.isStrict), "root");
    case "grammar":
      return binding.make("Grammar", "FromEBNF", form.grammar, "root");
    case "regex":
      return binding.make("Grammar", "FromStructuralTag", JSON.stringify({
        type: "structural_tag", format: { type: "regex", pattern: form.pattern },
      }));
    case "tags":
      return binding.make("Grammar", "FromStructuralTag", tagGrammar(JSON.parse(form.tags), form.isStrict));
  }
}

/** The grammar of a form as EBNF. It is made in memory of its own, which is gone afterwards, whatever happened. */
export function printGrammar(module: WebAssembly.Module, form: Form): string {
  const binding = Binding.start(module, names, MOST_BYTES);
  binding.deadline = performance.now() + PATIENCE;
  return new TextDecoder().decode(binding.bytes(grammarOf(binding, form), "ToString"));
}

/** A bit for each token that a grammar may ever take. */
function possible({ tokens, endTokenIds }: Vocabulary): Uint32Array {
  const mask = new Uint32Array(Math.ceil(tokens.length / 32));
  const add = (token: number): void => { mask[token >> 5] = (mask[token >> 5] ?? 0) | (1 << (token & 31)); };
  tokens.forEach(({ length }, token) => { if (length > 0) add(token); });
  endTokenIds.forEach(add);
  return mask;
}

export class Compiler {
  readonly #binding: Binding;
  readonly #compiler: CppObject;
  readonly #possible: Uint32Array;

  constructor(module: WebAssembly.Module, { tokens, endTokenIds }: Vocabulary) {
    const binding = this.#binding = Binding.start(module, names, MOST_BYTES);
    const texts = binding.construct("VectorString");
    for (const token of tokens) binding.number(texts, "push_back", token);
    const ends = binding.construct("VectorInt");
    for (const id of endTokenIds) binding.number(ends, "push_back", id);
    const info = binding.construct("TokenizerInfo", texts, "RAW", undefined, { optional: ends }, false);
    this.#compiler = binding.construct("GrammarCompiler", info, ONE_THREAD, false);
    for (const object of [texts, ends, info]) binding.delete(object);
    this.#possible = possible({ tokens, endTokenIds });
  }

  compile(form: Form): CompiledGrammar {
    this.#binding.deadline = performance.now() + PATIENCE;
    const grammar = grammarOf(this.#binding, form);
    const compiled = this.#binding.object("CompiledGrammar", this.#compiler, "CompileGrammar", grammar);
    this.#binding.delete(grammar);
    this.#binding.deadline = Infinity;
    return new CompiledGrammar(this.#binding, compiled, this.#possible);
  }
}

export class CompiledGrammar {
  readonly #binding: Binding;
  readonly #grammar: CppObject;
  readonly #possible: Uint32Array;

  constructor(binding: Binding, grammar: CppObject, possible: Uint32Array) {
    [this.#binding, this.#grammar, this.#possible] = [binding, grammar, possible];
  }

  /** At the beginning of an answer. It stays usable when this is disposed of. */
  matcher(): Matcher {
    return new Matcher(this.#binding, this.#binding.construct("GrammarMatcher", this.#grammar, undefined, false, -1), this.#possible);
  }

  dispose(): void {
    this.#binding.delete(this.#grammar);
  }
}

export class Matcher {
  readonly #binding: Binding;
  readonly #matcher: CppObject;
  readonly #possible: Uint32Array;
  readonly #mask: Uint32Array;

  constructor(binding: Binding, matcher: CppObject, possible: Uint32Array) {
    [this.#binding, this.#matcher, this.#possible] = [binding, matcher, possible];
    this.#mask = new Uint32Array(possible.length);
  }

  /** A bit for each token that may come next. */
  mask(): Uint32Array {
    const vector = this.#binding.object("VectorInt", this.#matcher, "GetNextTokenBitmask", 32 * this.#mask.length);
    const words = this.#binding.words(vector);
    for (let i = 0; i < words.length; i++) this.#mask[i] = (words[i] ?? 0) & (this.#possible[i] ?? 0); // in free text it has all bits
    this.#binding.delete(vector);
    return this.#mask;
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
