/**
 * What the types of the `openai` package and the engine's make of each other: the engine's answers are OpenAI's, and OpenAI's requests and
 * messages are the engine's. This is tested by compiling it, against both packages' declarations, which are checked too.
 */

import type OpenAI from "openai";
import type { EngineTypes, OpenAI as engine } from "../../dist/index.d.ts";
import type { ResponseBody, ResponseUsage } from "../../dist/api/openai/responses/writer.d.ts";

type Fits<From extends To, To> = From;

export type Answers = [
  Fits<engine.ChatCompletion, OpenAI.ChatCompletion>,
  Fits<engine.ChatCompletionChunk, OpenAI.ChatCompletionChunk>,
  Fits<engine.ChatCompletionMessage, OpenAI.ChatCompletionMessage>,
  Fits<engine.ChatCompletionDelta, OpenAI.ChatCompletionChunk.Choice.Delta>,
  Fits<engine.ChatLogprobs, OpenAI.ChatCompletion.Choice.Logprobs>,
  Fits<engine.CompletionUsage, OpenAI.CompletionUsage>,
  Fits<engine.Completion, OpenAI.Completion>,
  Fits<engine.CreateEmbeddingResponse, OpenAI.CreateEmbeddingResponse>,
  Fits<engine.Model, OpenAI.Model>,
  Fits<ResponseBody & { usage: ResponseUsage }, OpenAI.Responses.Response>,
];

export type Requests = [
  Fits<OpenAI.ChatCompletionCreateParams, engine.ChatCompletionRequest>,
  Fits<OpenAI.ChatCompletionCreateParamsNonStreaming, engine.ChatCompletionRequestNonStreaming>,
  Fits<OpenAI.ChatCompletionCreateParamsStreaming, engine.ChatCompletionRequestStreaming>,
  Fits<OpenAI.ChatCompletionMessageParam, engine.ChatCompletionMessageParam>,
  Fits<OpenAI.ChatCompletionMessage, engine.ChatCompletionMessageParam>,
  Fits<engine.ChatCompletionMessage, engine.ChatCompletionMessageParam>,
  Fits<engine.ChatCompletionMessage, OpenAI.ChatCompletionMessageParam>,
  Fits<OpenAI.ChatCompletionTool, engine.ChatCompletionTool>,
  Fits<OpenAI.CompletionCreateParams, engine.CompletionRequest>,
  Fits<OpenAI.EmbeddingCreateParams, engine.EmbeddingRequest>,
];

declare const model: EngineTypes.MLCEngineInterface;
declare const client: OpenAI;

/** Requests that OpenAI's client takes, made of either. */
export async function answers(
  whole: OpenAI.ChatCompletionCreateParamsNonStreaming, pieces: OpenAI.ChatCompletionCreateParamsStreaming, text: OpenAI.CompletionCreateParamsStreaming,
): Promise<string> {
  const { choices: [first], usage } = await model.chat.completions.create(whole);
  let all = `${first?.message.content} ${usage.extra.decode_tokens_per_s}`;
  for await (const { choices } of await model.chat.completions.create(pieces)) all += choices[0]?.delta.content ?? "";
  for await (const { choices } of await model.completions.create(text)) all += choices[0]?.text ?? "";
  const [one, two] = [(await model.embeddings.create({ input: all })).data, (await model.embeddings.create({ input: all, encoding_format: "base64" })).data];
  all += (one[0]?.embedding[0] ?? 0).toFixed(2) + (two[0]?.embedding.length ?? 0);
  if (first !== undefined) await client.chat.completions.create({ ...whole, messages: [...whole.messages, first.message] });
  return all;
}
