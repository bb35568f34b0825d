/** In Node, Deno and Bun. */

import { createEngine } from "tiny";
import { createLocal } from "tiny/ai-sdk";
import "tiny/element";
import { createLanguageModel } from "tiny/prompt-api";

const engine = await createEngine({ device: "cpu", variant: "cpu-f32" });
const { choices: [{ message }] } = await engine.chat.completions.create({
  messages: [{ role: "user", content: "Why is the sky blue?" }], temperature: 0, max_tokens: 8,
});
const { content: [part] } = await createLocal(engine)().doGenerate({ prompt: [{ role: "user", content: [{ type: "text", text: "Why is the sky blue?" }] }], temperature: 0, maxOutputTokens: 8 });
engine.terminate();
const models = createLanguageModel({ device: "cpu", variant: "cpu-f32" });
const session = await models.create();
const yes = await session.prompt("Is it?", { responseConstraint: /yes/ });
console.log(JSON.stringify([message.content, part.text, yes, await models.availability()]));
