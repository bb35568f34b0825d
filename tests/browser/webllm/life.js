/** Loads and what is stored: abort-reload, cache-usage, integrity-verification, gates of simple-chat. */

import * as webllm from "@mlc-ai/web-llm";
import { CONFIG, PHI, SMALL_LLAMA, check, equal, rejects, say } from "./check.js";

async function abortReload() {
  const engine = new webllm.MLCEngine(CONFIG);
  const loading = engine.reload(PHI);
  await engine.unload();
  await loading;
  await rejects(engine.chatCompletion({ messages: say("a") }), "ModelNotLoadedError");
  await engine.reload(PHI);
  equal((await engine.chatCompletion({ messages: say("a"), max_tokens: 2 })).model, PHI);
  await engine.unload();
}

async function interrupt() {
  const engine = new webllm.MLCEngine();
  engine.setInitProgressCallback(() => undefined);
  engine.setAppConfig(webllm.prebuiltAppConfig);
  engine.setLogLevel("SILENT");
  await engine.reload(PHI, { device: "cpu", temperature: 0 });
  let reason;
  for await (const { choices: [choice] } of await engine.chat.completions.create({ messages: say("a"), stream: true, ignore_eos: true })) {
    reason = choice?.finish_reason;
    engine.interruptGenerate();
  }
  equal(reason, "abort");
  await engine.unload();
}

async function cacheUsage() {
  const { appConfig } = { appConfig: webllm.prebuiltAppConfig };
  for (const cacheBackend of ["cache", "indexeddb", "cross-origin", "opfs"]) {
    appConfig.cacheBackend = cacheBackend;
    equal(await webllm.hasModelInCache(PHI, appConfig), true, cacheBackend);
  }
  await webllm.deleteModelAllInfoInCache(PHI, appConfig);
  equal(await webllm.hasModelInCache(PHI), false);
  await rejects(webllm.hasModelInCache("nobody"), "ModelNotFoundError");
}

async function integrity() {
  const address = `https://huggingface.co/mlc-ai/${SMALL_LLAMA}`;
  const sri = `sha256-${"A".repeat(43)}=`;
  const record = {
    model: address, model_id: SMALL_LLAMA, model_lib: `${webllm.modelLibURLPrefix}${webllm.modelVersion}/Llama-3.2-1B.wasm`, low_resource_required: true,
    vram_required_MB: 879.04, overrides: { context_window_size: 256 }, integrity: { config: sri, model_lib: sri, tokenizer: { "tokenizer.json": sri }, onFailure: "error" },
  };
  const engine = await webllm.CreateMLCEngine(SMALL_LLAMA, { ...CONFIG, appConfig: { model_list: [record] } });
  equal((await engine.chat.completions.create({ messages: say("Hello!"), max_tokens: 2 })).model, SMALL_LLAMA);
  await engine.unload();
  const { manifest } = webllm.prebuiltAppConfig.model_list[0];
  const bytes = await (await fetch(manifest)).arrayBuffer();
  const digest = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))));
  await webllm.verifyIntegrity(bytes, `sha256-${digest}`, manifest);
  const error = await webllm.verifyIntegrity(bytes, `sha256-${"A".repeat(43)}=`, manifest).catch((reason) => reason);
  check(error instanceof webllm.IntegrityError && error.actual === `sha256-${digest}`, String(error));
}

export default { "abort-reload": abortReload, interrupt, "cache-usage": cacheUsage, "integrity-verification": integrity };
