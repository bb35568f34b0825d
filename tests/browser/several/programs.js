/** What is asked of a package of a chat model and an embedding model, in a page as in Node. Each program gives what it was answered. */

const QUESTION = { messages: [{ role: "user", content: "hello world" }], temperature: 0, max_tokens: 8 };
const TEXTS = ["a cat sat on the mat.", "a cat sat on the mat.", "9?"];
const device = "cpu"; // as fast as a GPU that is one in name

function cosine(a, b) {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

/** The chat's answer, and whether equal texts have equal vectors of length 1, and others not. */
async function both(engine, [chat, vectors]) {
  const [{ choices: [{ message }] }, { data }] = await Promise.all([
    engine.chat.completions.create({ ...QUESTION, model: chat }), engine.embeddings.create({ input: TEXTS, model: vectors }),
  ]);
  const [first, same, other] = data.map(({ embedding }) => embedding);
  return { text: message.content, width: first.length, same: cosine(first, same) > 0.9999, other: cosine(first, other) < 0.9999 };
}

function end(engine) {
  return "terminate" in engine ? engine.terminate() : engine.unload();
}

/** This engine's interface: the first model alone, then both at once, then one after the other. */
export async function createEngine({ createEngine: create, modelIds }) {
  const alone = await create({ device });
  const { choices: [{ message }] } = await alone.chat.completions.create(QUESTION);
  await alone.addModel(modelIds[1]);
  const added = await both(alone, modelIds);
  await end(alone);
  const engine = await create({ model: modelIds, device });
  const loaded = await both(engine, modelIds);
  await end(engine);
  return { ...loaded, alone: message.content === loaded.text, added: added.text === loaded.text };
}

/** An engine of one's own takes the records of packages. */
export async function records({ Engine, modelIds, modelRecords }) {
  const engine = new Engine({ appConfig: { model_list: [...modelRecords] }, device });
  await engine.reload(modelIds);
  const answered = await both(engine, modelIds);
  await engine.unload();
  return answered;
}

/** WebLLM's, in this thread or, with `worker`, in one of the page's own. A record of WebLLM's means a model of the package. */
export async function webllm(library, worker) {
  const [chat, vectors] = library.modelIds;
  const record = { model_id: "theirs", model: `https://huggingface.co/mlc-ai/${vectors}`, model_lib: "https://models.example/theirs.wasm", vram_required_MB: 100, model_type: library.ModelType.embedding };
  const appConfig = { model_list: [...library.prebuiltAppConfig.model_list, record] };
  const config = { appConfig, device, logLevel: "SILENT" };
  const engine = worker === undefined ? await library.CreateMLCEngine([chat, "theirs"], config)
    : await library.CreateWebWorkerMLCEngine(worker, [chat, "theirs"], config);
  const answered = await both(engine, [chat, "theirs"]);
  await engine.unload();
  return answered;
}
