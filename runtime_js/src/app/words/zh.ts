import type { Words } from "./en.ts";
import chat from "./zh/chat.ts";
import model from "./zh/model.ts";
import problems from "./zh/problems.ts";
import template from "./zh/template.ts";

const ZH: Words = { ...template, ...model, ...chat, ...problems };

export default ZH;
