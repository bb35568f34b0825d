import type { Words } from "./en.ts";
import chat from "./fr/chat.ts";
import model from "./fr/model.ts";
import problems from "./fr/problems.ts";
import template from "./fr/template.ts";

const FR: Words = { ...template, ...model, ...chat, ...problems };

export default FR;
