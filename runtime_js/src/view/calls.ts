/** Calls of tools in an answer: what is called, with what, and what came back. All of it is the model's, or a tool's, and is shown as text. */

import { CodeBlock } from "./code_block.ts";
import type { ViewContext } from "./context.ts";
import { element } from "./dom.ts";
import type { Call } from "./message.ts";
import { withSigns } from "./signs.ts";

/** What is shown of arguments and of a result. */
const MAX_SHOWN = 8192;
const MAX_NAME = 100;

export class Calls {
  readonly element = element("div", { class: "calls" });
  readonly #context: ViewContext;
  #shown: readonly Call[] = [];

  constructor(context: ViewContext) {
    this.#context = context;
  }

  /** Only calls that differ are drawn again. */
  draw(calls: readonly Call[]): void {
    calls.forEach((call, index) => {
      const [shown, former] = [this.#shown[index], this.element.children[index]];
      if (former === undefined) this.element.append(this.#call(call));
      else if (shown?.arguments !== call.arguments || shown.name !== call.name || shown.result !== call.result) former.replaceWith(this.#call(call, former));
    });
    this.#shown = calls;
  }

  #call(call: Call, former?: Element): HTMLElement {
    const { words } = this.#context;
    const [before = "", behind = ""] = words.calls.split("{name}");
    const drawn = element("details", { class: "call" },
      element("summary", {}, before, element("code", {}, ...withSigns(cut(call.name, MAX_NAME))), behind), this.#code(call.arguments));
    if (former instanceof HTMLDetailsElement) drawn.open = former.open;
    if (call.result !== undefined) drawn.append(element("details", {}, element("summary", {}, words.result), this.#code(call.result)));
    return drawn;
  }

  #code(text: string): HTMLElement {
    const pretty = prettyJson(text);
    const block = new CodeBlock(this.#context, pretty === undefined ? "" : "json");
    block.write(cut(pretty ?? text, MAX_SHOWN));
    return block.element;
  }
}

/** Undefined where it is not JSON, or not all of it. */
function prettyJson(text: string): string | undefined {
  if (text.length > 4 * MAX_SHOWN) return undefined;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined;
  }
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
