// Answers of a model that knows nothing under many schemas, with a real vocabulary: how many fit (all), and what grammars cost the CPU.
//
//     node tests/bench/forms.mjs sites/chat/dist/model 10

import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";

const RUNTIME = fileURLToPath(new URL("../../runtime_js/", import.meta.url));
const { build } = createRequire(join(RUNTIME, "package.json"))("esbuild");
const { webXgrammar } = await import(join(RUNTIME, "web_xgrammar.mjs"));
const SOURCE = `
export { Ajv2020 } from "ajv/dist/2020.js";
export { ChatTokenizer } from "./src/tokenizer/chat_tokenizer.ts";
export { Fields } from "./src/support/fields.ts";
export { grammarsOf } from "./test/fakes/grammars.ts";
export { randomAnswer, randomNumbers } from "./test/fakes/random_answer.ts";
export { SCHEMAS } from "./test/fakes/schemas.ts";
`;
const bundle = mkdtempSync(join(tmpdir(), "forms-"));
process.on("exit", () => rmSync(bundle, { recursive: true }));
const outfile = join(bundle, "bundle.mjs");
const options = { bundle: true, format: "esm", platform: "node", outfile, logLevel: "error", plugins: [webXgrammar] };
await build({ ...options, stdin: { contents: SOURCE, resolveDir: RUNTIME }, banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' } });
const { Ajv2020, ChatTokenizer, Fields, grammarsOf, randomAnswer, randomNumbers, SCHEMAS } = await import(outfile);

const [folder, answers = "10"] = process.argv.slice(2);
const read = (pattern) => JSON.parse(readFileSync(join(folder, readdirSync(folder).find((name) => pattern.test(name))), "utf8"));
const manifest = read(/^manifest.*json$/);
const tokenizer = new ChatTokenizer(read(/^tokenizer.*json$/), new Fields(manifest.tokenizer_config, "tokenizer_config", (message) => new Error(message)));
const ends = manifest.eos_token_ids;
const size = manifest.model.vocab_size;
const grammars = grammarsOf(tokenizer, size, ends);
const words = tokenizer.tokenBytes(size).map((bytes) => new TextDecoder().decode(bytes));
const closers = [...ends, ...['"', "]", "}"].map((text) => words.indexOf(text))];
const ajv = new Ajv2020({ strict: false, ownProperties: true, formats: { date: true } });

const spent = { compile: [], mask: [], accept: [], forced: [] };
const timed = (kind, work) => {
  const begun = performance.now();
  const result = work();
  spent[kind].push(performance.now() - begun);
  return result;
};
const watched = (constraint) => ({
  mask: () => timed("mask", () => constraint.mask()), accept: (token) => timed("accept", () => constraint.accept(token)),
  forced: () => timed("forced", () => constraint.forced()), get isEnded() { return constraint.isEnded; }, dispose: () => constraint.dispose(),
});
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const count = { fit: 0, "do not fit": 0, "have no end": 0 };
const begun = performance.now();
(await grammars.constraint({ kind: "grammar", grammar: 'root ::= "a"', param: "" })).dispose();
console.log(`the vocabulary of ${size} tokens took ${(performance.now() - begun).toFixed(0)} ms`);
for (const [name, value] of Object.entries(SCHEMAS)) {
  const validate = ajv.compile(value === true ? {} : value);
  const structure = { kind: "schema", schema: JSON.stringify(value), isStrict: true, param: "" };
  const asked = performance.now();
  (await grammars.constraint(structure)).dispose();
  spent.compile.push(performance.now() - asked);
  for (let seed = 0; seed < Number(answers); seed++) {
    const tokens = randomAnswer(watched(await grammars.constraint(structure)), randomNumbers(seed), closers, 1000);
    const detokenizer = tokenizer.detokenizer();
    const text = tokens.slice(0, -1).map((token) => detokenizer.push(token)).join("");
    const result = !ends.includes(tokens.at(-1)) ? "have no end" : validate(JSON.parse(text)) ? "fit" : "do not fit";
    count[result]++;
    if (result === "do not fit") console.log(`${name}: ${text.slice(0, 300)} ${JSON.stringify(validate.errors)}`);
  }
}
console.log(JSON.stringify(count));
for (const [kind, values] of Object.entries(spent)) {
  console.log(`${kind}: median ${median(values).toFixed(3)} ms, longest ${Math.max(...values).toFixed(1)} ms, of ${values.length}`);
}
