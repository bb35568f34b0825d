import type { Words } from "./en.ts";
import chat from "./es/chat.ts";
import model from "./es/model.ts";
import problems from "./es/problems.ts";
import template from "./es/template.ts";

const ES: Words = { ...template, ...model, ...chat, ...problems };

export default ES;
