import type { Words } from "./en.ts";
import chat from "./pt/chat.ts";
import model from "./pt/model.ts";
import problems from "./pt/problems.ts";
import template from "./pt/template.ts";

const PT: Words = { ...template, ...model, ...chat, ...problems };

export default PT;
