import { run } from "./check.js";
import "./packages.js";
import answers from "./answers.js";
import chats from "./chats.js";
import formats from "./formats.js";
import life from "./life.js";
import steps from "./steps.js";
import workers from "./workers.js";

for (const programs of [answers, steps, formats, chats, life, workers]) await run(programs);
console.log("DONE");
