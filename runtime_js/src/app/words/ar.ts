import type { Words } from "./en.ts";
import chat from "./ar/chat.ts";
import model from "./ar/model.ts";
import problems from "./ar/problems.ts";
import template from "./ar/template.ts";

const AR: Words = { ...template, ...model, ...chat, ...problems };

export default AR;
