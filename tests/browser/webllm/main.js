import { run } from "./check.js";
import answers from "./answers.js";
import formats from "./formats.js";
import life from "./life.js";
import workers from "./workers.js";

for (const programs of [answers, formats, life, workers]) await run(programs);
console.log("DONE");
