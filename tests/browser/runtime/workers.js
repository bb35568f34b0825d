/** Engines in workers of all kinds. */

import { openWorkerEngine } from "/runtime/whole.js";
import { answer } from "./answers.js";
import { NEVER_ENDS, QUESTION, check, checkVectors, engine, equal, record, rejects, say, scripts, storedFiles, streamed } from "./common.js";

export default {
  async "an engine in a service worker answers the same"() {
    await engine.unload();
    const registration = await navigator.serviceWorker.register("/tests/browser/engine_in_service_worker.js", { type: "module" });
    const worker = registration.installing ?? registration.waiting ?? registration.active;
    while (worker.state !== "activated") await new Promise((resolve) => { worker.addEventListener("statechange", resolve, { once: true }); });
    const { port1, port2 } = new MessageChannel();
    const replied = new Promise((resolve) => { port1.onmessage = ({ data }) => resolve(data); });
    worker.postMessage({ record, request: { messages: QUESTION, ...NEVER_ENDS } }, [port2]);
    const reply = await replied;
    await registration.unregister();
    equal(reply, { text: answer });
  },

  async "a site's worker holds answers and calls to their forms, by a part that is fetched when one is first asked for, without eval"() {
    await engine.unload();
    await rejects((async () => new Function("")())(), undefined);
    const blob = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    let parts = 0;
    const channel = new BroadcastChannel("part");
    channel.addEventListener("message", () => parts++);
    const part = blob(`new BroadcastChannel("part").postMessage(""); export * from ${JSON.stringify(scripts.structure)};`);
    const worker = new Worker(blob(await (await fetch(scripts.worker)).text()), { type: "module", name: JSON.stringify({ parts: { structure: part, cpu: scripts.cpu, tokenizer: scripts.tokenizer } }) });
    const client = await openWorkerEngine(worker, record.manifest, { device: "cpu", variant: "cpu-f32", initProgressCallback: () => undefined });
    const fetched = async () => [parts, (await storedFiles("grammar.")).length];
    await client.chat.completions.create({ messages: QUESTION, ...NEVER_ENDS });
    equal(await fetched(), [0, 0]);
    const schema = {
      type: "object", required: ["name", "count", "kind"], additionalProperties: false,
      properties: { name: { type: "string", minLength: 2, maxLength: 6 }, count: { type: "integer" }, kind: { enum: ["long", "longer"] } },
    };
    const fits = (text) => {
      const { name, count, kind, ...others } = JSON.parse(text);
      equal([[...name].length >= 2 && [...name].length <= 6, Number.isInteger(count), kind.startsWith("long"), others], [true, true, true, {}], text);
    };
    const ask = async (more) => (await client.chat.completions.create({ messages: QUESTION, temperature: 1, max_tokens: 200, ...more })).choices[0];
    const formed = await ask({ seed: 1, response_format: { type: "json_schema", json_schema: { name: "thing", strict: true, schema } } });
    equal(formed.finish_reason, "stop");
    fits(formed.message.content);
    const tools = ["look", "find"].map((name) => ({ type: "function", function: { name, strict: true, parameters: schema } }));
    const { finish_reason: reason, message } = await ask({ seed: 2, tools, tool_choice: { type: "function", function: { name: "find" } } });
    equal([reason, message.content ?? "", message.tool_calls.map(({ type, function: { name } }) => [type, name])], ["tool_calls", "", [["function", "find"]]]);
    fits(message.tool_calls[0].function.arguments);
    equal(await fetched(), [1, 1]);
    equal((await client.chat.completions.create({ messages: QUESTION, ...NEVER_ENDS })).choices[0].message.content, answer);
    await client.unload();
    channel.close();
  },

  async "an engine in a worker answers the same, and its errors keep their class"() {
    await engine.unload();
    const worker = new Worker("/runtime/worker.js", { type: "module" });
    const client = await openWorkerEngine(worker, record.manifest, { device: "cpu", variant: "cpu-f32", initProgressCallback: () => undefined });
    equal(await streamed(QUESTION, {}, client), answer);
    equal((await client.chat.completions.create({ messages: QUESTION, ...NEVER_ENDS })).choices[0].message.content, answer);
    const error = await rejects(client.chat.completions.create({ messages: say("x 1 y 2 ".repeat(100)) }), "ContextWindowSizeExceeded");
    equal([error.name, error.details.contextWindowSize], ["ContextWindowSizeExceededError", 512]);
    check((await client.runtimeStatsText()).includes("tokens/s"), "no statistics");
    await client.unload();
    await rejects(client.chat.completions.create({ messages: QUESTION }), "ModelNotLoaded");
    client.terminate();
  },

  async "a worker's engine, here on the CPU, holds two models, makes vectors of texts, and its answer outlives it"() {
    const models = { appConfig: { model_list: [record, { ...record, model_id: "twin" }] }, device: "cpu", variant: "cpu-f32" };
    const start = (script, ...ids) => openWorkerEngine(new Worker(script, { type: "module" }), ids, models);
    const client = await start("/runtime/worker.js", "tiny", "twin");
    const ask = (model, more, of = client) => of.chat.completions.create({ messages: QUESTION, ...NEVER_ENDS, model, ...more });
    equal((await Promise.all(["tiny", "twin"].map((model) => ask(model)))).map(({ choices }) => choices[0].message.content), [answer, answer]);
    await rejects(ask(undefined), "RequestValidation");
    const memory = await client.estimateMemory("tiny");
    check(memory.weights > 100_000 && memory.total > memory.weights + memory.cache, JSON.stringify(memory));
    await client.unload("twin");
    equal((await client.models.list()).data.map(({ id }) => id), ["tiny"]);

    await checkVectors(client);

    const kept = { max_tokens: 150, extra_body: { resumable: { enabled: true, sessionId: "cut/off" } } };
    const whole = (await ask("tiny", kept)).choices[0].message.content;
    equal(await client.listResumableSessions(), []);
    client.terminate();
    // A worker that does nothing more when it has told three pieces, so that the answer is not over when it is ended.
    const stuck = `import ${JSON.stringify(new URL("/runtime/worker.js", location))};
      const post = postMessage;
      let told = 0;
      globalThis.postMessage = (message) => {
        post(message);
        while (message.kind === "events" && ++told >= 3);
      };`;
    const other = await start(URL.createObjectURL(new Blob([stuck], { type: "text/javascript" })), "tiny");
    const cut = async () => {
      for await (const { choices } of await ask("tiny", { ...kept, stream: true }, other)) if (choices[0].delta.content !== "") other.terminate();
    };
    await rejects(cut(), "Abort");
    const next = await start("/runtime/worker.js", "tiny");
    let found;
    for (let tries = 0; tries < 100 && found?.resumable !== true; tries++) {
      [found] = await next.listResumableSessions();
      await new Promise((resolve) => { setTimeout(resolve, 50); }); // a worker that was just ended still has its file open
    }
    check(found?.resumable && found.modelId === "tiny" && found.emittedTokens > 0 && found.emittedTokens < 150, JSON.stringify(found));
    check(whole.startsWith((await next.resumeChatCompletion("cut/off")).recoveredText), "another text");
    equal((await next.resumeChatCompletion("cut/off", { continueGeneration: true })).recoveredText, whole);
    equal(await next.listResumableSessions(), []);
    next.terminate();
  },
};
