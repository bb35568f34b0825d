// Speaks the engine's worker protocol without a GPU: fetches and stores the model's files as the engine does, and answers by script.
// The question decides the answer: "fail: CODE" raises that error, "slow" gives a piece every 50 ms until it is stopped,
// "say: ..." gives back what follows. Anything else is answered with what the request held.
const running = new Set();
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function report(phase, progress, bytesDone, bytesTotal) {
  postMessage({ kind: "progress", report: { phase, progress, bytesDone, bytesTotal, timeElapsed: 0, text: phase } });
}

async function fetchAndStore(folder, name, url, onBytes) {
  const response = await fetch(url, { cache: "no-store" });
  if (!response.ok) throw { code: "Download", message: `${url} could not be fetched (HTTP ${response.status}).` };
  const parts = [];
  let bytes = 0;
  for await (const part of response.body) {
    parts.push(part);
    bytes += part.byteLength;
    onBytes?.(bytes);
  }
  const file = await (await folder.getFileHandle(name, { create: true })).createSyncAccessHandle();
  file.write(await new Blob(parts).arrayBuffer());
  file.close();
}

/** Where the engine stores a model; memory where the browser refuses. */
async function openFolder(manifest) {
  try {
    const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("webllm-build", { create: true });
    return await models.getDirectoryHandle(encodeURIComponent(new URL(".", manifest).href), { create: true });
  } catch {
    return null;
  }
}

async function load({ id, source }) {
  const folder = await openFolder(source.manifest);
  const get = async (name, onBytes, at = source.files?.[name] ?? new URL(name, source.manifest).href) => {
    if (folder === null) return fetch(at);
    const isStored = await folder.getFileHandle(name).then(() => true, () => false);
    if (!isStored) await fetchAndStore(folder, name, at, onBytes);
    return new Response(await (await folder.getFileHandle(name)).getFile());
  };
  try {
    report("config", 0, 0, 0);
    const manifest = await (await get(source.manifest.split("/").at(-1))).json();
    await get(manifest.library.file);
    await get(manifest.tokenizer.file);
    const total = manifest.weights.bytes;
    let done = 0;
    for (const shard of manifest.weights.shards) {
      const at = source.weights && new URL(shard.file, source.weights).href;
      await get(shard.file, (bytes) => report("weights", ((done + bytes) / total) * 0.9, done + bytes, total), at);
      done += shard.bytes;
    }
    report("kernels", 0.95, done, total);
    report("ready", 1, done, total);
    postMessage({ kind: "done", id });
  } catch (error) {
    postMessage({ kind: "error", id, error: { code: error.code ?? "Internal", message: String(error.message ?? error), details: {} } });
  }
}

async function answer({ id, request }) {
  const { messages } = request.prompt;
  const question = messages.at(-1).content;
  const code = /^fail: (\w+)/.exec(question)?.[1];
  if (code !== undefined) {
    postMessage({ kind: "error", id, error: { code, message: `made to fail with ${code}`, details: {} } });
    return;
  }
  running.add(id);
  postMessage({ kind: "begun", id, modelId: "fake" });
  const text = question.startsWith("say: ") ? question.slice(5) : `${messages.length} messages: ${messages.map(({ role }) => role).join(", ")}.`;
  const pieces = question === "slow" ? Array.from({ length: 400 }, (_, i) => `word${i} `) : text.match(/[\s\S]{1,7}/g);
  let count = 0;
  for (const piece of pieces) {
    if (!running.has(id)) break;
    postMessage({ kind: "events", id, events: [{ type: "text", text: piece }] });
    count += 1;
    if (question === "slow") await sleep(50);
  }
  const tokens = { prompt: 5, cached: 0, completion: count };
  const times = { queued: 0, prefill: 100, decode: Math.max(0, count - 1) / 0.0425 }; // 42.5 tokens a second
  postMessage({ kind: "events", id, events: [{ type: "end", finishReason: running.has(id) ? "stop" : "abort", tokens, times }] });
  running.delete(id);
}

addEventListener("message", ({ data }) => {
  if (data.kind === "reload") void load(data);
  else if (data.kind === "answer") void answer(data);
  else if (data.kind === "cancel") running.delete(data.id);
  else if (data.kind === "call") {
    if (data.name === "interruptGenerate") running.clear();
    postMessage({ kind: "done", id: data.id });
  }
});
