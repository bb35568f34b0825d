/** xgrammar, typed: a vocabulary, grammars compiled for it, and matchers, which follow an answer. Each call may raise CppException. */

import names from "web-xgrammar:names";
import { addToken, noTokens } from "../token_set.ts";
import { Binding, type CppObject } from "./binding.ts";
import { exactClasses } from "./classes.ts";
import { endsApart } from "./ends_apart.ts";
import { LengthTracker } from "./length_tracker.ts";
import { withLengths, MARK, MARKS, type Bounds } from "./lengths.ts";
import { textGrammar } from "./pattern.ts";
import { schemaGrammar } from "./schema.ts";
import { QUOTE } from "./string_bytes.ts";
import type { Structure } from "./structure.ts";
import { tagOfStructure } from "./call_tags.ts";
import { tagGrammar } from "./tags.ts";
import { TokenLengths } from "./token_lengths.ts";
import { behindBytes, MALFORMED, WHOLE } from "./utf8.ts";

/** Memory that one instance may take: a vocabulary of 262,144 tokens takes 60 MiB, a grammar of ordinary size a few. */
const MOST_BYTES = 384 << 20;
/** Milliseconds for one grammar: the engine's thread does nothing else meanwhile. */
const PATIENCE = 10_000;
const ONE_THREAD = 1;

/** Tokens that stand behind the vocabulary's in the engine, and in no answer. */
const OWN_TOKENS: readonly Uint8Array[] = [...MARKS, Uint8Array.of(QUOTE)];
const [FREE_TEXT, CLOSING_QUOTE] = [MARKS.length - 1, MARKS.length];

/** What tokens are in a text. */
export interface Vocabulary {
  /** By id, a token's bytes; none for tokens that have no text, which no grammar takes. */
  readonly tokens: readonly Uint8Array[];
  readonly endTokenIds: readonly number[];
}

/** How a grammar is written, what it is, and the lengths of strings that are counted beside it. */
interface Source {
  readonly method: "FromEBNF" | "FromStructuralTag";
  readonly args: readonly string[];
  readonly bounds: readonly Bounds[];
}

function sourceOf(form: Structure): Source {
  if (form.thoughtEnd !== undefined) return tagSource(form);
  switch (form.kind) {
    case "schema": {
      const schema: unknown = JSON.parse(form.schema);
      const { made, bounds } = withLengths((lengths) => schemaGrammar(schema, form.isStrict, lengths));
      return { method: "FromEBNF", args: [endsApart(made), "root"], bounds };
    }
    case "grammar":
      return { method: "FromEBNF", args: [endsApart(exactClasses(form.grammar)), "root"], bounds: [] };
    case "regex":
      return { method: "FromEBNF", args: [endsApart(textGrammar(form.pattern)), "root"], bounds: [] };
    case "tags":
    case "calls":
      return tagSource(form);
  }
}

function tagSource(form: Structure): Source {
  const tag = tagOfStructure(form);
  const { made, bounds } = withLengths((lengths) => tagGrammar(tag, "isStrict" in form && form.isStrict, lengths));
  return { method: "FromStructuralTag", args: [made], bounds };
}

/** The grammar of a form as EBNF. It is made in memory of its own, which is gone afterwards, whatever happened. */
export function printGrammar(module: WebAssembly.Module, form: Structure): string {
  const binding = Binding.start(module, names, MOST_BYTES);
  binding.deadline = performance.now() + PATIENCE;
  const { method, args } = sourceOf(form);
  return new TextDecoder().decode(binding.bytes(binding.make("Grammar", method, ...args), "ToString"));
}

/**
 * Tokens that a text may go on with. xgrammar takes all characters beyond ASCII in free text, and bytes that are none in a class that leaves some
 * out; a text has neither.
 */
class TextTokens {
  readonly #vocabulary: Vocabulary;
  /** By how far the text's last character has come. */
  readonly #masks: Uint32Array[] = [];

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** A bit for each token; an end comes behind whole characters only. */
  behind(state: number): Uint32Array {
    return this.#masks[state] ??= this.#mask(state);
  }

  #mask(state: number): Uint32Array {
    const { tokens, endTokenIds } = this.#vocabulary;
    const mask = noTokens(tokens.length);
    tokens.forEach((bytes, token) => { if (bytes.length > 0 && behindBytes(state, bytes) !== MALFORMED) addToken(mask, token); });
    if (state === WHOLE) for (const token of endTokenIds) addToken(mask, token);
    return mask;
  }
}

/** The vocabulary as all grammars see it. */
interface Words {
  readonly tokens: readonly Uint8Array[];
  readonly text: TextTokens;
  readonly lengths: TokenLengths;
}

export class Compiler {
  readonly #binding: Binding;
  readonly #compiler: CppObject;
  readonly #words: Words;

  constructor(module: WebAssembly.Module, vocabulary: Vocabulary) {
    const { endTokenIds } = vocabulary;
    const tokens = vocabulary.tokens.map((bytes) => (bytes.includes(MARK) ? new Uint8Array() : bytes));
    const binding = this.#binding = Binding.start(module, names, MOST_BYTES);
    const texts = binding.construct("VectorString");
    for (const token of [...tokens, ...OWN_TOKENS]) binding.number(texts, "push_back", token);
    const ends = binding.construct("VectorInt");
    for (const id of endTokenIds) binding.number(ends, "push_back", id);
    const info = binding.construct("TokenizerInfo", texts, "RAW", undefined, { optional: ends }, false);
    this.#compiler = binding.construct("GrammarCompiler", info, ONE_THREAD, false);
    for (const object of [texts, ends, info]) binding.delete(object);
    this.#words = { tokens, text: new TextTokens({ tokens, endTokenIds }), lengths: new TokenLengths(tokens) };
  }

  compile(form: Structure): CompiledGrammar {
    this.#binding.deadline = performance.now() + PATIENCE;
    const { method, args, bounds } = sourceOf(form);
    if (bounds.length > 0) this.#words.lengths.prepare();
    const grammar = this.#binding.make("Grammar", method, ...args);
    const compiled = this.#binding.object("CompiledGrammar", this.#compiler, "CompileGrammar", grammar);
    this.#binding.delete(grammar);
    this.#binding.deadline = Infinity;
    return new CompiledGrammar(this.#binding, compiled, this.#words, bounds);
  }
}

export class CompiledGrammar {
  readonly #binding: Binding;
  readonly #grammar: CppObject;
  readonly #words: Words;
  readonly #bounds: readonly Bounds[];

  constructor(binding: Binding, grammar: CppObject, words: Words, bounds: readonly Bounds[]) {
    [this.#binding, this.#grammar, this.#words, this.#bounds] = [binding, grammar, words, bounds];
  }

  /** At the beginning of an answer. It stays usable when this is disposed of. */
  matcher(): Matcher {
    return new Matcher(this.#binding, this.#binding.construct("GrammarMatcher", this.#grammar, undefined, false, -1), this.#words, this.#bounds);
  }

  dispose(): void {
    this.#binding.delete(this.#grammar);
  }
}

export class Matcher {
  readonly #binding: Binding;
  readonly #matcher: CppObject;
  readonly #words: Words;
  readonly #mask: Uint32Array;
  /** How far the last character has come, behind each token. */
  readonly #states: number[] = [WHOLE];
  /** Undefined where every string may have any length. */
  readonly #lengths: LengthTracker | undefined;

  constructor(binding: Binding, matcher: CppObject, words: Words, bounds: readonly Bounds[]) {
    [this.#binding, this.#matcher, this.#words] = [binding, matcher, words];
    this.#mask = noTokens(words.tokens.length);
    const own = (token: number) => this.#takes(words.tokens.length + token);
    if (bounds.length > 0) this.#lengths = new LengthTracker(words.tokens, words.lengths, bounds, { takesMark: own, isFree: () => own(FREE_TEXT) });
  }

  /** A bit for each token that may come next. */
  mask(): Uint32Array {
    const { tokens, text } = this.#words;
    const possible = text.behind(this.#state);
    const vector = this.#binding.object("VectorInt", this.#matcher, "GetNextTokenBitmask", tokens.length + OWN_TOKENS.length);
    const words = this.#binding.words(vector);
    for (let i = 0; i < possible.length; i++) this.#mask[i] = (words[i] ?? 0) & (possible[i] ?? 0); // in free text it has all bits
    this.#binding.delete(vector);
    this.#lengths?.narrow(this.#mask);
    return this.#mask;
  }

  get #state(): number {
    return this.#states.at(-1) ?? WHOLE;
  }

  /** Whether the token may come; the matcher is behind it then, and else where it was. */
  accept(token: number): boolean {
    const state = behindBytes(this.#state, this.#words.tokens[token] ?? new Uint8Array());
    if (state === MALFORMED || !this.#accept(token)) return false;
    if (this.#lengths !== undefined && !this.#lengths.accept(token)) {
      this.#back(1);
      return false;
    }
    this.#states.push(state);
    return true;
  }

  rollback(count: number): void {
    this.#back(count);
    this.#states.splice(this.#states.length - count);
    this.#lengths?.rollback(count);
  }

  /** The bytes that come next whatever is chosen, and whether a token may go on beyond them. */
  forced(): { readonly bytes: Uint8Array<ArrayBuffer>; readonly isOpen: boolean } {
    const bytes = this.#forcedHere();
    return { bytes, isOpen: this.#lengths?.opensWith(bytes) !== true };
  }

  #forcedHere(): Uint8Array<ArrayBuffer> {
    if (this.#lengths?.isFull !== true || !this.#accept(this.#words.tokens.length + CLOSING_QUOTE)) return this.#forced();
    const behind = this.#forced();
    this.#back(1);
    return Uint8Array.of(QUOTE, ...behind);
  }

  dispose(): void {
    this.#binding.delete(this.#matcher);
  }

  #accept(token: number): boolean {
    return this.#binding.number(this.#matcher, "AcceptToken", token, false) !== 0;
  }

  #back(count: number): void {
    this.#binding.number(this.#matcher, "Rollback", count);
  }

  #takes(token: number): boolean {
    const isTaken = this.#accept(token);
    if (isTaken) this.#back(1);
    return isTaken;
  }

  #forced(): Uint8Array<ArrayBuffer> {
    return this.#binding.bytes(this.#matcher, "FindJumpForwardString");
  }
}
