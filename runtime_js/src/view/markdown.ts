/** What draws Markdown, and writes it again of what is drawn: a script of its own. */

export { GrowingText } from "./growing_text.ts";
export { markdownOf, spokenOf } from "./markdown_of.ts";
