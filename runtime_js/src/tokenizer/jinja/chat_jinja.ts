/**
 * Runs chat templates as transformers does. The library (@huggingface/jinja) parses them. Its evaluation is not Python's: it has few filters,
 * tests and methods, compares by JavaScript's rules, prints JSON where Python prints its own text, lets a loop's variables outlive their turn,
 * looks for keys before methods, and fails where a key or a list is undefined. So a template's parts are made into functions here, once, which
 * also makes them fast: a chat's next turn renders the whole of it.
 */

import { parse, tokenize } from "@huggingface/jinja"; // not Template, which would bring its evaluation along
import { GLOBALS } from "./globals.ts";
import { Scope } from "./scope.ts";
import { blockOf, type Statement } from "./statements.ts";
import { wrap } from "./values.ts";

/** A template, read once. */
export class ChatJinja {
  readonly #body: Statement;

  /** Raises where it cannot be read. */
  constructor(text: string) {
    this.#body = blockOf(parse(tokenize(text, { lstrip_blocks: true, trim_blocks: true })).body);
  }

  /** Raises what the template raises. */
  render(variables: Readonly<Record<string, unknown>>): string {
    const scope = new Scope(GLOBALS);
    for (const [name, value] of Object.entries(variables)) scope.set(name, wrap(value));
    const written = { text: "" };
    this.#body(scope, written);
    return written.text;
  }
}
