import type { Words } from "./en.ts";
import chat from "./de/chat.ts";
import model from "./de/model.ts";
import problems from "./de/problems.ts";
import template from "./de/template.ts";

const DE: Words = { ...template, ...model, ...chat, ...problems };

export default DE;
