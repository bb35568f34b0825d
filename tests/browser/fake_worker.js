// Speaks the engine's worker protocol without a GPU: fetches and stores the model's files as the engine does, and answers by script.
// The question decides the answer, see SCRIPT and `write`; anything else is answered with what the request held.
const running = globalThis.running = new Set(); // which tests look at
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let contextLength = 0;
let computer = {};

/** "name: argument" → the name's text; one that throws raises the error of that code. What stands before "</think>" is thought. */
const SCRIPT = {
  say: (text) => text,
  slowly: (text) => text,
  context: () => `${contextLength} tokens`,
  /** As an engine whose GPU goes away, and which goes on with the answer on the CPU. */
  lose: () => {
    computer = { device: "cpu", vendor: "", threads: 2 };
    report("ready", 1, 1, 1);
  },
  fail: (code) => {
    throw { code, message: `made to fail with ${code}` };
  },
  limit: (most, { length }) => {
    if (length > Number(most)) throw { code: "ContextWindowSizeExceeded", message: `longer than ${most}` };
  },
  fetch: (url) => fetch(url, { mode: "no-cors" }).then(({ status }) => String(status), ({ name }) => name),
};

/** A context of 2048 tokens is what the tests warn of. */
function report(phase, progress, bytesDone, bytesTotal) {
  const warning = contextLength === 2048 ? { warning: "The storage is full.", warningKind: "storage" } : {};
  const place = phase === "ready" ? { computer } : {};
  postMessage({ kind: "progress", report: { phase, progress, bytesDone, bytesTotal, timeElapsed: 0, text: phase, ...warning, ...place } });
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

async function load({ id, choices: [{ source, ...choice }] }) {
  contextLength = choice.contextLength;
  computer = choice.device === "cpu" || navigator.gpu === undefined ? { device: "cpu", vendor: "", threads: 2 } : { device: "gpu", vendor: "toy", threads: 1 };
  if (contextLength < 1) { // as the protocol's reader
    postMessage({ kind: "error", id, error: { code: "Protocol", message: "contextLength must be 1 or more", details: {} } });
    return;
  }
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

/** The pieces of an answer: those of "slow…" come every 50 ms; "slow" and "slow blocks" write until they are stopped, for eight minutes at most. */
async function write(question, { messages, text }) {
  if (question.startsWith("slow") && !question.startsWith("slowly: ")) return Array.from({ length: 10_000 }, (_, i) => `word${i}${question === "slow" ? " " : "\n\n"}`);
  const [, name, argument] = /^(\w+)(?:: ([^]*))?$/.exec(question) ?? [];
  const asked = await (Object.hasOwn(SCRIPT, name ?? "") ? SCRIPT[name](argument, messages ?? text) : undefined);
  const held = messages ? `${messages.length} messages: ${messages.map(({ role }) => role).join(", ")}.` : ` and ${text.length} characters.`;
  const media = messages?.flatMap(({ pictures = [] }) => pictures);
  const broken = media?.find(({ data }) => data.size < 12);
  if (broken) throw Object.assign(new Error(`${broken.path}: too small`), { code: "RequestValidation", details: { param: broken.path } });
  const shown = media?.map(({ data }) => `${data.type} of ${data.size} bytes`) ?? [];
  return (asked ?? [held, ...shown].join(" ")).match(/<\/think>|[^<]{1,7}|</g);
}

/** The question is the last message, without those that got no answer, or the last line of a text. */
async function answer({ id, request: { prompt } }) {
  const { messages } = prompt.conversation ?? {};
  const question = messages?.at(-1).content.replaceAll("\ufdd1", "").replace(/^((fail: \w+|stuck)\n\n)+/, "") ?? prompt.text.split("\n").at(-1);
  if (question === "stuck") return; // as one that waits for another
  let pieces;
  try {
    pieces = await write(question, { messages, text: prompt.text });
  } catch ({ code, message, details = {} }) {
    postMessage({ kind: "error", id, error: { code, message, details } });
    return;
  }
  running.add(id);
  postMessage({ kind: "begun", id, modelId: "fake" });
  let count = 0;
  let thoughts = pieces.findIndex((piece) => piece.includes("</think>"));
  const call = /^call: (\w+) ([^]*)/.exec(question);
  if (call !== null) {
    pieces = [];
    const argument = call[2].match(/[^]{1,7}/g).map((text) => ({ type: "toolArguments", index: 0, text }));
    postMessage({ kind: "events", id, events: [{ type: "toolCall", index: 0, id: "call_1", name: call[1] }, ...argument] });
  }
  for (const piece of pieces) {
    if (!running.has(id)) break;
    const type = thoughts-- >= 0 ? "reasoning" : "text";
    postMessage({ kind: "events", id, events: [{ type, text: piece.replace("</think>", "") }] });
    count += 1;
    if (question.startsWith("slow")) await sleep(50);
  }
  const tokens = { prompt: 5, cached: 0, completion: count, reasoning: 0, accepted: 0, rejected: 0 };
  const times = { queued: 0, prefill: 100, decode: Math.max(0, count - 1) / 0.0425 }; // 42.5 tokens a second
  postMessage({ kind: "events", id, events: [{ type: "end", finishReason: running.has(id) ? "stop" : "abort", tokens, times }] });
  running.delete(id);
  if (question === "die") close();
  if (question === "lose") postMessage({ kind: "deviceLost", error: { code: "DeviceLost", message: "made to be lost", details: {} } });
}

/** As a worker that measures before a load. The model's id says how it would run: "tight" lacks memory for a long context, "huge" for any. */
function preflight({ modelId, contextLength, device }) {
  const place = device === "cpu" || navigator.gpu === undefined ? { device: "cpu", vendor: "", threads: 2 } : { device: "gpu", vendor: "toy", threads: 1 };
  const memory = { weights: 50e6, cache: 4e6 * contextLength / 1024, workspace: 1e6, contextLength };
  const total = memory.weights + memory.cache + memory.workspace;
  const available = modelId.startsWith("huge") ? 10e6 : modelId.startsWith("tight") ? 60e6 : total;
  const tokensPerSecond = modelId.startsWith("slow") ? 1.26 : 41.7;
  postMessage({ kind: "preflight", found: { computer: { ...place, tokensPerSecond }, memory: { ...memory, total }, available } });
}

addEventListener("message", ({ data }) => {
  if (data.choice !== undefined) preflight(data.choice);
  else if (data.kind === "reload") void load(data);
  else if (data.kind === "answer") void answer(data);
  else if (data.kind === "encode") postMessage({ kind: "tokens", id: data.id, tokens: data.prompt.text.split(/\s+/).map((_, i) => i) });
  else if (data.kind === "embed") {
    running.add(data.id); // until nobody waits for it
    postMessage({ kind: "accepted", id: data.id });
  } else if (data.kind === "cancel") running.delete(data.id);
  else if (data.kind === "call") {
    if (data.name === "interruptGenerate") running.clear();
    postMessage(data.name === "loadedModels" ? { kind: "models", id: data.id, models: [] } : { kind: "done", id: data.id });
  }
});
