/** Several models in one engine. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatOptions, InitProgressReport } from "../src/api/types.ts";
import { AbortError, DownloadError, ModelNotFoundError, ModelNotLoadedError, OutOfMemoryError, RequestValidationError } from "../src/support/errors.ts";
import { MODEL, PLACES, soon, type Setup } from "./fakes/engine.ts";
import { fails } from "./fakes/expect.ts";

const ASK = { messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 5 } as const;
const BOTH = [MODEL, "other"];

/** Lets a model's load wait; call what this returns to let it go on. */
function hold({ engine }: Setup, held: string): () => void {
  let release = (): void => undefined;
  const waiting = new Promise<void>((resolve) => { release = resolve; });
  engine.loading = (_, modelId) => (modelId === held ? waiting : Promise.resolve());
  return release;
}

for (const [place, make] of Object.entries(PLACES)) {
  const check = (name: string, work: () => Promise<void>): void => { test(`${place}: ${name}`, () => soon(work(), name)); };

  check("the request's model answers; without one, several are an error that lists them", async () => {
    const { client, engine } = make();
    await client.reload(BOTH, [{ context_window_size: 64 }, {}]);
    assert.deepEqual(engine.loaded.map(({ modelId }) => modelId), BOTH);
    for (const model of BOTH) assert.equal((await client.chatCompletion({ ...ASK, model })).model, model);
    await assert.rejects(client.chatCompletion(ASK), fails(RequestValidationError, /Several models are loaded \("toy", "other"\)/));
    await assert.rejects(client.chatCompletion({ ...ASK, model: "third" }), fails(ModelNotFoundError, /"third".*"toy", "other"/));
    assert.deepEqual((await client.models.list()).data.map(({ id }) => id), BOTH);
    await client.unload(MODEL);
    assert.deepEqual(engine.loaded.map(({ disposals }) => disposals), [1, 0]);
    assert.equal((await client.chatCompletion(ASK)).model, "other");
    await client.unload("nothing of this name");
    await client.unload();
    assert.equal(engine.alive, 0);
    await assert.rejects(client.chatCompletion(ASK), ModelNotLoadedError);
  });

  check("each has its own cache, latest answer and statistics", async () => {
    const { client, engine } = make();
    await client.reload(BOTH);
    const cached = async (model: string): Promise<number> =>
      (await client.chatCompletion({ ...ASK, model })).usage.prompt_tokens_details.cached_tokens;
    assert.deepEqual([await cached(MODEL), await cached("other"), await cached(MODEL) > 0], [0, 0, true]);
    await client.resetChat(true, MODEL);
    assert.deepEqual([await cached(MODEL), await cached("other") > 0], [0, true]);
    const streams = await Promise.all(BOTH.map((model) => client.chatCompletion({ ...ASK, model, max_tokens: 20, stream: true })));
    await Promise.all(streams.map(async (stream) => { for await (const _ of stream); }));
    const texts = await Promise.all(BOTH.map((model) => client.getMessage(model)));
    assert.ok(texts.every((text) => text !== "") && texts.includes(await client.getMessage()));
    await client.resetChat(false, "other");
    assert.deepEqual([await client.getMessage("other"), await client.getMessage(MODEL)], ["", texts[0]]);
    assert.match(await client.runtimeStatsText(MODEL), /prefill: /);
    assert.match(await client.runtimeStatsText("other"), /No answer/);
    assert.ok((engine.loaded[0]?.runner.calls.length ?? 0) > 0);
  });

  check("one is loaded while another answers, and one that loads is waited for by its own requests alone", async () => {
    const it = make();
    const release = hold(it, "other");
    await it.client.reload(MODEL);
    const adding = it.client.addModel("other");
    const waiting = it.client.chatCompletion({ ...ASK, model: "other" });
    assert.equal((await it.client.chatCompletion({ ...ASK, model: MODEL })).model, MODEL);
    release();
    await adding;
    assert.equal((await waiting).model, "other");
    await it.client.addModel(MODEL); // a model of the same id is replaced
    assert.deepEqual(it.engine.loaded.map(({ modelId, disposals }) => [modelId, disposals]), [[MODEL, 1], ["other", 0], [MODEL, 0]]);
    await it.client.reload("other");
    assert.deepEqual(it.engine.loaded.map(({ disposals }) => disposals), [1, 1, 1, 0]);
  });

  check("of a list, the first answers while the next loads; what is unloaded meanwhile is not loaded", async () => {
    const it = make();
    const release = hold(it, "other");
    const loading = it.client.reload(BOTH);
    assert.equal((await it.client.chatCompletion({ ...ASK, model: MODEL })).model, MODEL);
    const given = assert.rejects(loading, AbortError);
    await it.client.unload("other");
    await given;
    release();
    assert.deepEqual((await it.client.models.list()).data.map(({ id }) => id), [MODEL]);
    assert.equal(it.engine.alive, 1);
    hold(it, "other");
    const again = assert.rejects(it.client.reload(BOTH), AbortError);
    await it.client.unload();
    await again;
    assert.equal(it.engine.alive, 0);
  });

  check("where one of several fails, those before it stay and those behind it are not loaded", async () => {
    const it = make();
    it.engine.loading = async (_, modelId) => { if (modelId === "other") throw new DownloadError("gone"); };
    it.client.setAppConfig({ model_list: [...BOTH, "third"].map((model_id) => ({ model_id, manifest: `${model_id}/m.json` })) });
    await assert.rejects(it.client.reload([...BOTH, "third"]), fails(DownloadError, /gone/));
    assert.deepEqual((await it.client.models.list()).data.map(({ id }) => id), [MODEL]);
    assert.equal((await it.client.chatCompletion(ASK)).model, MODEL);
    await assert.rejects(it.client.chatCompletion({ ...ASK, model: "third" }), ModelNotFoundError);
  });

  check("progress of several is one bar, which is full at the end alone", async () => {
    const it = make();
    const reports: number[] = [];
    it.client.setInitProgressCallback(({ progress }) => reports.push(progress));
    await it.client.reload(BOTH);
    const done: InitProgressReport = { progress: 1, timeElapsed: 0, text: "", phase: "ready", bytesDone: 0, bytesTotal: 0 };
    for (const { listener } of it.engine.loaded) listener.progress(done);
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    assert.deepEqual(reports, [0.5, 1]);
  });

  check("memory is estimated without a load, and a load beyond the limit is refused with numbers", async () => {
    const it = PLACES[place]?.({ memoryLimit: 2400 });
    assert.ok(it);
    const { client, engine } = it;
    const { total, contextLength } = await client.estimateMemory("other", { context_window_size: 100 });
    assert.deepEqual([total, contextLength], [1100, 100]);
    assert.equal((await client.estimateMemory({ model_id: "new", manifest: "https://a.example/m.json" })).total, 1256);
    await assert.rejects(client.estimateMemory("nowhere"), ModelNotFoundError);
    await client.reload(MODEL);
    await assert.rejects(client.addModel("other"), (error) =>
      error instanceof OutOfMemoryError && error.details["needed"] === 1256 && error.details["available"] === 1144 && /1.26.kB.*1.14.kB/.test(error.message));
    assert.equal((await client.chatCompletion(ASK)).model, MODEL);
    await client.addModel("other", { context_window_size: 100 });
    await client.addModel(MODEL); // its own memory is free again
    assert.equal(engine.alive, 2);
    await assert.rejects(client.reload(BOTH), OutOfMemoryError);
    assert.deepEqual((await client.models.list()).data.map(({ id }) => id), [MODEL]);
  });

  check("a model may live on the CPU beside one on the GPU, whose memory it does not take", async () => {
    const it = PLACES[place]?.({ memoryLimit: 1300 });
    assert.ok(it);
    const { client, engine } = it;
    await client.reload(MODEL);
    await assert.rejects(client.addModel("other"), OutOfMemoryError);
    await client.addModel("other", { device: "cpu" });
    assert.deepEqual(engine.loaded.map(({ modelId, device }) => [modelId, device]), [[MODEL, "gpu"], ["other", "cpu"]]);
    const [answer, vectors] = await Promise.all([client.chatCompletion({ ...ASK, model: MODEL }), client.embeddings.create({ model: "other", input: "x" })]);
    assert.deepEqual([answer.model, vectors.model, vectors.data.length], [MODEL, "other", 1]);
    const wrong: ChatOptions = JSON.parse('{ "device": "npu" }');
    await assert.rejects(client.addModel("other", wrong), fails(RequestValidationError, /chatOpts[.]device/));
  });

  check("lists that do not fit are refused before anything is unloaded", async () => {
    const { client, engine } = make();
    await client.reload(MODEL);
    await assert.rejects(client.reload([]), fails(RequestValidationError, /list of 0 models/));
    await assert.rejects(client.reload([MODEL, MODEL]), fails(RequestValidationError, /"toy" twice/));
    await assert.rejects(client.reload(BOTH, [{}]), fails(RequestValidationError, /1 entries for 2 models/));
    await assert.rejects(client.reload([MODEL, "nowhere"]), ModelNotFoundError);
    assert.equal(engine.alive, 1);
  });
}
