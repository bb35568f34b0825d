// A program against WebLLM's types: it must compile with WebLLM itself, and with this engine in its place.

import * as webllm from "@mlc-ai/web-llm";
import type {
  AppConfig, ChatCompletion, ChatCompletionChunk, ChatCompletionContentPart, ChatCompletionMessageParam, ChatCompletionRequest,
  ChatCompletionRequestNonStreaming, ChatCompletionRequestStreaming, ChatCompletionTool, ChatOptions, Completion, CompletionCreateParams,
  CompletionUsage, CompiledProgramArtifact, CreateEmbeddingResponse, CustomRequestParams, EmbeddingCreateParams, GenerationConfig, InitProgressCallback,
  InitProgressReport, LogLevel, LogitProcessor, MLCEngineConfig, MLCEngineInterface, ModelIntegrity, ModelPackageManifest, ModelRecord, OPFSAccessMode,
  ResponseFormat, ResumableGenerationConfig, ResumeChatCompletionOptions, ResumeProbeResult, ResumeResult, SRIString, WorkerRequest, WorkerResponse,
} from "@mlc-ai/web-llm";

const integrity: ModelIntegrity = { config: "sha256-x", model_lib: "sha256-y", tokenizer: { "tokenizer.json": "sha256-z" }, onFailure: "warn" };
const overrides: ChatOptions = { context_window_size: 2048, temperature: 0.5, conv_config: { system_message: "be kind" }, sliding_window_size: -1 };
const record: ModelRecord = {
  model: "https://huggingface.co/mlc-ai/x", model_id: "x", model_lib: webllm.modelLibURLPrefix + webllm.modelVersion + "/x.wasm", overrides,
  vram_required_MB: 100, low_resource_required: true, buffer_size_required_bytes: 1, required_features: ["shader-f16"], model_type: webllm.ModelType.LLM, integrity,
};
const access: OPFSAccessMode = "auto";
const appConfig: AppConfig = { model_list: [record, ...webllm.prebuiltAppConfig.model_list], cacheBackend: "opfs", opfsAccessMode: access };
webllm.prebuiltAppConfig.cacheBackend = "cross-origin";
webllm.prebuiltAppConfig.model_list.push(record);

const processor: LogitProcessor = { processLogits: (logits: Float32Array) => logits, processSampledToken: (_token: number) => {}, resetState: () => {} };
const initProgressCallback: InitProgressCallback = (report: InitProgressReport) => console.log(report.progress === 1, report.timeElapsed, report.text);
const level: LogLevel = "INFO";
const config: MLCEngineConfig = { appConfig, initProgressCallback, logitProcessorRegistry: new Map([["x", processor]]), logLevel: level };

export async function engines(port: chrome.runtime.Port): Promise<MLCEngineInterface[]> {
  const here: webllm.MLCEngine = await webllm.CreateMLCEngine(["x", "y"], config, [overrides, {}]);
  here.setLogitProcessorRegistry(new Map([["x", processor]]));
  const plain = new webllm.MLCEngine();
  plain.setInitProgressCallback(initProgressCallback);
  await plain.reload("x", overrides);
  const worker = new Worker("worker.js");
  const inWorker: webllm.WebWorkerMLCEngine = await webllm.CreateWebWorkerMLCEngine(worker, "x", config, overrides);
  const serviced: webllm.ServiceWorkerMLCEngine = await webllm.CreateServiceWorkerMLCEngine("x", config, overrides, 5000);
  const missed: number = serviced.missedHeartbeat;
  const extended: webllm.ExtensionServiceWorkerMLCEngine = await webllm.CreateExtensionServiceWorkerMLCEngine(
    "x", { ...config, extensionId: "e", onDisconnect: () => console.log(missed) }, overrides, 5000);
  const extension = new webllm.ExtensionServiceWorkerMLCEngineHandler(port);
  extension.setPort(port);
  return [here, plain, inWorker, new webllm.WebWorkerMLCEngine(worker, config), serviced, new webllm.ServiceWorkerMLCEngine(config, 5000), extended];
}

export class Handler extends webllm.WebWorkerMLCEngineHandler {
  override onmessage(event: MessageEvent): void {
    const { kind, uuid }: WorkerRequest = event.data;
    const asked: CustomRequestParams = { requestName: "name", requestMessage: "message" };
    if (kind === "customRequest") void this.handleTask(uuid, async () => asked.requestMessage);
    else super.onmessage(event);
  }
}

export function inServiceWorker(): void {
  const handler = new webllm.ServiceWorkerMLCEngineHandler();
  handler.setLogitProcessorRegistry(new Map());
}

const part: ChatCompletionContentPart = { type: "image_url", image_url: { url: "https://pictures.example/1.png", detail: "auto" } };
const messages: ChatCompletionMessageParam[] = [
  { role: "system", content: "be kind" },
  { role: "user", content: [{ type: "text", text: "hello" }, part, { type: "input_audio", input_audio: { data: new Float32Array(1), format: "pcm_f32", sample_rate: 16000 } }] },
  { role: "assistant", content: null, tool_calls: [{ id: "0", type: "function", function: { name: "f", arguments: "{}" } }] },
  { role: "tool", content: "1", tool_call_id: "0" },
];
const tools: ChatCompletionTool[] = [{ type: "function", function: { name: "f", description: "d", parameters: { type: "object" } } }];
const format: ResponseFormat = { type: "json_object", schema: "{}" };
const resumable: ResumableGenerationConfig = { enabled: true, sessionId: "s", durabilityMode: "exact" };
const generation: GenerationConfig = { temperature: 1, max_tokens: 5, n: 2, stop: ["x"], enable_thinking: true };

export async function requests(engine: MLCEngineInterface): Promise<void> {
  const request: ChatCompletionRequest = {
    messages, tools, tool_choice: { type: "function", function: { name: "f" } }, n: 2, logit_bias: { "1": -100 }, logprobs: true, top_logprobs: 2,
    seed: 1, stop: generation.stop ?? null, response_format: format, repetition_penalty: 1.1, ignore_eos: false, model: "x",
    extra_body: { enable_thinking: false, enable_latency_breakdown: true, resumable },
  };
  request.messages.push({ role: "user", content: "and then?" });
  const whole = await engine.chat.completions.create({ ...request, stream: false } as ChatCompletionRequestNonStreaming);
  const told: ChatCompletion = whole;
  console.log(told.choices[0]!.message.content, told.choices[0]!.message.tool_calls?.[0]?.function.name, told.choices[0]!.logprobs?.content?.[0]?.token);
  const used: CompletionUsage = whole.usage!;
  console.log(used.prompt_tokens, used.extra.decode_tokens_per_s, used.extra.latencyBreakdown?.totalTime[0]);
  const streaming: ChatCompletionRequestStreaming = { messages, stream: true, stream_options: { include_usage: true } };
  const stream: AsyncIterable<ChatCompletionChunk> = await engine.chat.completions.create(streaming);
  for await (const chunk of stream) console.log(chunk.choices[0]?.delta.content, chunk.choices[0]?.finish_reason === "tool_calls", chunk.usage?.total_tokens);
  const text: CompletionCreateParams = { prompt: "hello", echo: true, logprobs: true, top_logprobs: 1, max_tokens: 5 };
  const continued: Completion | AsyncIterable<Completion> = await engine.completion(text);
  if ("choices" in continued) console.log(continued.choices[0]!.text);
  const input: EmbeddingCreateParams = { input: ["a", "b"], model: "y" };
  const vectors: CreateEmbeddingResponse = await engine.embeddings.create(input);
  console.log(vectors.data[0]!.embedding[0], vectors.usage.extra.prefill_tokens_per_s);
  const options: ResumeChatCompletionOptions = { continueGeneration: true, stream: false };
  const sessions: ResumeProbeResult[] = await engine.listResumableSessions();
  const resumed: ResumeResult | AsyncIterable<ChatCompletionChunk> = await engine.resumeChatCompletion(sessions[0]!.sessionId, options);
  if ("recoveredText" in resumed) await engine.deleteResumableSession(resumed.sessionId);
  const next: number = await engine.forwardTokensAndSample([1, 2], true, "x");
  engine.setAppConfig(appConfig);
  engine.setLogLevel("SILENT");
  engine.interruptGenerate();
  await engine.resetChat(true, "x");
  console.log(next, await engine.getMessage("x"), await engine.runtimeStatsText(), await engine.getGPUVendor(), await engine.getMaxStorageBufferBindingSize());
  await engine.unload();
  console.log(engine.getInitProgressCallback()?.name);
}

export async function files(): Promise<void> {
  if (await webllm.hasModelInCache("x", appConfig)) await webllm.deleteModelAllInfoInCache("x", appConfig);
  await webllm.deleteModelInCache("x");
  await webllm.deleteModelWasmInCache("x");
  await webllm.deleteChatConfigInCache("x");
  const digest: SRIString = "sha256-x";
  if (webllm.isValidSRI(digest)) await webllm.verifyIntegrity(new ArrayBuffer(1), digest, "file", "warn");
  try {
    webllm.postInitAndCheckFieldsChatCompletion({ messages }, "x", webllm.ModelType.VLM, new Set(["image", "audio"] as const));
    webllm.postInitAndCheckFieldsCompletion({ prompt: "hello" }, "x");
    webllm.rejectCompletionResumable({ prompt: "hello" });
    webllm.postInitAndCheckFieldsEmbedding({ input: "hello" }, "x");
  } catch (error) {
    if (error instanceof webllm.IntegrityError) console.log(error.url, error.expected, error.actual);
  }
  const one: number = webllm.ARTIFACT_SCHEMA_VERSION;
  console.log(one, webllm.MODEL_PACKAGE_MANIFEST_FILENAME, webllm.TENSOR_CACHE_MANIFEST_FILENAME, webllm.functionCallingModelIds.length);
  console.log(webllm.ChatCompletionRequestUnsupportedFields.length);
}

export function namespaces(engine: MLCEngineInterface): unknown[] {
  return [new webllm.Chat(engine).completions, new webllm.Completions(engine), new webllm.Embeddings(engine)];
}

export type Documents = [ModelPackageManifest["chat_config"], CompiledProgramArtifact["schema_version"], WorkerResponse["uuid"]];
