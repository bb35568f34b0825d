/**
 * Runs chat templates as transformers does: parsed by Jinja's grammar, evaluated by Python's rules. A template's parts are made into functions
 * once, which makes them fast: a chat's next turn renders the whole of it.
 */

import { begin } from "./budget.ts";
import { GLOBALS } from "./globals.ts";
import { parse } from "./parser.ts";
import { Scope } from "./scope.ts";
import { templateOf, type Statement } from "./statements.ts";
import { wrap } from "./values.ts";

/** A template, read once. */
export class ChatJinja {
  readonly #body: Statement;

  /** Raises where it cannot be read. */
  constructor(text: string) {
    begin();
    this.#body = templateOf(parse(text));
  }

  /** Raises what the template raises. */
  render(variables: Readonly<Record<string, unknown>>): string {
    begin();
    const scope = new Scope(GLOBALS);
    for (const [name, value] of Object.entries(variables)) scope.set(name, wrap(value));
    const written = { text: "" };
    this.#body(scope, written);
    return written.text;
  }
}
