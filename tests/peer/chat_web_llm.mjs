// LangChain's ChatWebLLM on the engine, with a model that says what is written down here.

import assert from "node:assert/strict";
import { AIMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import { ChatWebLLM } from "@langchain/community/chat_models/webllm";
import { addPackagedModels } from "../../runtime_js/src/webllm/app_config.ts";
import { saying } from "../../runtime_js/test/fakes/saying.ts";
import { Models } from "../../runtime_js/test/fakes/service_worker.ts";

addPackagedModels([{ model: "https://models.example/toy", model_lib: "", model_id: "toy", manifest: "https://models.example/toy/manifest.json" }]);
const models = new Models();
await saying(() => ({ engine: models, client: models }), ["Sunny.", "Cloudy."]);

const chat = new ChatWebLLM({ model: "toy", chatOptions: { temperature: 0.5 } });
const told = [];
await chat.initialize((report) => told.push(report.progress));
assert.equal(told.at(-1), 1);
assert.equal((await chat.invoke([new SystemMessage("Be brief."), new HumanMessage("How is the weather?")])).content, "Sunny.");
const pieces = [];
for await (const piece of await chat.stream([new HumanMessage("And now?"), new AIMessage("Well."), new HumanMessage("Say.")])) pieces.push(piece);
assert.equal(pieces.map(({ content }) => content).join(""), "Cloudy.");
assert.ok(pieces.some(({ additional_kwargs }) => additional_kwargs.finish_reason === "stop"));
console.log("all as it should be");
