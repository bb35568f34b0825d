import type { Words } from "./en.ts";
import chat from "./ja/chat.ts";
import model from "./ja/model.ts";
import problems from "./ja/problems.ts";
import template from "./ja/template.ts";

const JA: Words = { ...template, ...model, ...chat, ...problems };

export default JA;
