// Greedy answers of a model folder in Node beside those of a reference: node exact_in_node.mjs dist/node.js model reference.json

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [runtime, folder, golden] = process.argv.slice(2);
const { Engine } = await import(pathToFileURL(runtime).href);
const { prompts } = JSON.parse(await readFile(golden, "utf8"));
const engine = new Engine({ device: "cpu", variant: "cpu-f32", logLevel: "ERROR" });
await engine.reload(folder);
await Promise.all(prompts.map(async ({ name, messages, ids, exact_until }) => {
  const count = Math.max(1, exact_until);
  const { choices: [{ message }] } = await engine.chat.completions.create({ messages, temperature: 0, max_tokens: count });
  return [name, message.content, await engine.detokenize(ids.slice(0, count))];
})).then((answers) => {
  for (const [name, found, expected] of answers) console.log(found === expected ? `PASS ${name}` : `FAIL ${name}: ${JSON.stringify({ found, expected })}`);
});
await engine.unload();
