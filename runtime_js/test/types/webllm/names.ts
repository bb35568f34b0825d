// The names that program.ts has no use for: they must mean the same with WebLLM itself, and with this engine in its place.

import { ServiceWorkerMLCEngineHandler, WebWorkerMLCEngine, WebWorkerMLCEngineHandler } from "@mlc-ai/web-llm";
import type {
  ChatCompletionAssistantMessageParam, ChatCompletionAudioInput, ChatCompletionAudioInputPCM, ChatCompletionAudioInputWav, ChatCompletionContentPart,
  ChatCompletionContentPartImage, ChatCompletionContentPartInputAudio, ChatCompletionContentPartText, ChatCompletionFinishReason, ChatCompletionMessage,
  ChatCompletionMessageParam, ChatCompletionMessageToolCall, ChatCompletionNamedToolChoice, ChatCompletionRequestBase, ChatCompletionRole,
  ChatCompletionSystemMessageParam, ChatCompletionTokenLogprob, ChatCompletionTool, ChatCompletionToolChoiceOption, ChatCompletionToolMessageParam,
  ChatCompletionUserMessageParam, Completion, CompletionChoice, CompletionCreateParams, CompletionCreateParamsBase, CompletionCreateParamsNonStreaming,
  CompletionCreateParamsStreaming, CreateEmbeddingResponse, Embedding, FileIntegrityMap, FunctionDefinition, FunctionParameters, ModelIntegrity, TopLogprob,
} from "@mlc-ai/web-llm";

const wav: ChatCompletionAudioInputWav = { data: "UklG", format: "wav" };
const pcm: ChatCompletionAudioInputPCM = { data: new Float32Array(1), format: "pcm_f32", sample_rate: 16000 };
const sounds: ChatCompletionAudioInput[] = [wav, pcm];
const heard: ChatCompletionContentPartInputAudio = { type: "input_audio", input_audio: wav };
const shown: ChatCompletionContentPartImage = { type: "image_url", image_url: { url: "https://pictures.example/1.png", detail: "high" } };
const said: ChatCompletionContentPartText = { type: "text", text: "hello" };
const parts: ChatCompletionContentPart[] = [said, shown, heard, ...sounds.map((input_audio) => ({ type: "input_audio" as const, input_audio }))];

const call: ChatCompletionMessageToolCall = { id: "0", type: "function", function: { name: "f", arguments: "{}" } };
const system: ChatCompletionSystemMessageParam = { role: "system", content: "be kind" };
const user: ChatCompletionUserMessageParam = { role: "user", content: parts, name: "somebody" };
const assistant: ChatCompletionAssistantMessageParam = { role: "assistant", content: null, name: "someone", tool_calls: [call] };
const answer: ChatCompletionToolMessageParam = { role: "tool", content: "1", tool_call_id: call.id };
const messages: ChatCompletionMessageParam[] = [system, user, assistant, answer];
const roles: ChatCompletionRole[] = [...messages.map(({ role }) => role), "function"];

const parameters: FunctionParameters = { type: "object", properties: {} };
const described: FunctionDefinition = { name: "f", description: "d", parameters };
const tools: ChatCompletionTool[] = [{ type: "function", function: described }];
const named: ChatCompletionNamedToolChoice = { type: "function", function: { name: described.name } };
const choices: ChatCompletionToolChoiceOption[] = ["none", "auto", named];

export const requests: ChatCompletionRequestBase[] = choices.map((tool_choice) => ({ messages, tools, tool_choice, stream: null }));
const whole: CompletionCreateParamsNonStreaming = { prompt: "a", stream: false, suffix: null };
const pieces: CompletionCreateParamsStreaming = { prompt: "a", stream: true, best_of: 1 };
export const texts: CompletionCreateParams[] = [whole, pieces];
export const bases: CompletionCreateParamsBase[] = [...texts, { prompt: "a", user: "somebody", top_logprobs: 1 }];

/** What a message, a text and a vector tell. */
export function told(message: ChatCompletionMessage, reason: ChatCompletionFinishReason, { choices: [choice] }: Completion, { data: [vector] }: CreateEmbeddingResponse): unknown[] {
  const text: CompletionChoice | undefined = choice;
  const token: ChatCompletionTokenLogprob | undefined = text?.logprobs?.content?.[0];
  const likeliest: TopLogprob | undefined = token?.top_logprobs[0];
  const calls: ChatCompletionMessageToolCall[] = message.tool_calls ?? [];
  const embedding: Embedding | undefined = vector;
  return [message.content, calls, reason === "abort", text?.finish_reason, token?.bytes, likeliest?.logprob, embedding?.embedding.length, roles];
}

const files: FileIntegrityMap = { "tokenizer.json": "sha256-x" };
export const integrity: ModelIntegrity = { tokenizer: files };

export class Client extends WebWorkerMLCEngine {
  async custom(): Promise<string> {
    return this.getPromise<string>({ kind: "customRequest", uuid: "1", content: { requestName: "name", requestMessage: "message" } });
  }
}

export class Counting extends WebWorkerMLCEngineHandler {
  override onmessage(event: MessageEvent, onComplete?: (value: unknown) => void, onError?: () => void): void {
    super.onmessage(event, onComplete, onError);
  }
}

export class Serving extends ServiceWorkerMLCEngineHandler {
  override onmessage(event: never, onComplete?: (value: unknown) => void, onError?: () => void): void {
    super.onmessage(event, onComplete, onError);
  }
}
