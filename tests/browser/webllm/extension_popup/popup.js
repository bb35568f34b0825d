/** chrome-extension: the engine is in the extension's own page, and is asked about another tab, whose content script gives its text. */

import * as webllm from "@mlc-ai/web-llm";
import { CONFIG, GEMMA, PHI, all, check, equal, run, textOf } from "../check.js";
import "../one_package.js";

function contentsOf({ id }) {
  return new Promise((resolve) => {
    const port = chrome.tabs.connect(id, { name: "channelName" });
    port.onMessage.addListener(({ contents }) => resolve(contents));
    port.postMessage({});
  });
}

async function popup() {
  const [tab] = await chrome.tabs.query({ url: "http://*/*" });
  const context = await contentsOf(tab);
  check(context.includes("Bears like honey"), context);
  const told = [];
  const initProgressCallback = ({ progress, text }) => told.push([progress, text]);
  const engine = await webllm.CreateMLCEngine(PHI, { ...CONFIG, initProgressCallback });
  equal(told.at(-1)[0], 1);
  const history = [{ role: "user", content: `${context}\n\nQuestion: who?` }];
  const said = textOf(await all(await engine.chat.completions.create({ stream: true, messages: history, temperature: 0, max_tokens: 8 })));
  equal(await engine.getMessage(), said);
  history.push({ role: "assistant", content: said }, { role: "user", content: "And?" });
  check((await engine.chat.completions.create({ messages: history, temperature: 0, max_tokens: 8 })).usage.completion_tokens > 0, "no second answer");

  // Another model is chosen in the middle of an answer.
  const stream = await engine.chat.completions.create({ stream: true, messages: history, ignore_eos: true });
  await stream.next();
  engine.interruptGenerate();
  equal((await all(stream)).at(-1).choices[0].finish_reason, "abort");
  engine.resetChat();
  await engine.unload();
  told.length = 0;
  engine.setInitProgressCallback(initProgressCallback);
  await engine.reload(GEMMA);
  equal(told.at(-1)[0], 1);
  equal((await engine.chatCompletion({ messages: history, max_tokens: 2 })).model, GEMMA);
  await engine.unload();
}

await run({ popup });
console.log("DONE");
