/** In Node, Deno and Bun. */

import { createEngine } from "tiny";

const engine = await createEngine({ device: "cpu", variant: "cpu-f32" });
const { choices: [{ message }] } = await engine.chat.completions.create({
  messages: [{ role: "user", content: "Why is the sky blue?" }], temperature: 0, max_tokens: 8,
});
console.log(JSON.stringify(message.content));
engine.terminate();
