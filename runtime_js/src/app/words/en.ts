/** What the page says, in English: the tables that those of the other languages have the keys of, one for each room of the page. `{name}` is put in by `fill`. */

import chat from "./en/chat.ts";
import model from "./en/model.ts";
import problems from "./en/problems.ts";
import template from "./en/template.ts";

const EN = { ...template, ...model, ...chat, ...problems };

export default EN;
export type Words = typeof EN;
