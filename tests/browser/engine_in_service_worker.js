// An engine where import() is forbidden: answers {record, request} with the answer's text, or with an error.
import { Engine } from "/runtime/whole.js";

const engine = new Engine({ calibrate: "off" });

async function answer({ record, request }) {
  await engine.reload(record.manifest);
  const { choices: [choice] } = await engine.chat.completions.create(request);
  await engine.unload();
  return choice.message.content;
}

addEventListener("message", (event) => {
  event.waitUntil(answer(event.data).then((text) => ({ text }), (error) => ({ error: String(error) })).then((reply) => event.ports[0].postMessage(reply)));
});
