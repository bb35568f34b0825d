/** Reads a request in the engine's own terms, as it comes from a page to its worker, or from a journal. */

import { STEP_PLACES, type AnswerRequest, type Prompt, type ToolChoice } from "../engine/answer.ts";
import { OVERFLOWS } from "../engine/overflow.ts";
import { MAX_PRIORITY } from "../engine/queue.ts";
import { MAX_BIASES, MAX_TOKEN, MOST_BIAS, readSampling, type SamplingConfig } from "../engine/sampling.ts";
import type { GuessRequest } from "../engine/speculation.ts";
import { MAX_FORM, MAX_GRAMMAR_FORM, type Structure } from "../engine/structure/structure.ts";
import { Fields, present } from "../support/fields.ts";
import { readJsonObject, readJsonObjects } from "../support/json.ts";
import { SPECIAL_TOKENS, type ChatMessage, type Conversation, type ToolCall } from "../tokenizer/conversation.ts";
import { MAX_URL } from "./config.ts";
import { readSentPicture } from "./pictures.ts";
import { MAX_CALLS, MAX_CONTENT, MAX_MESSAGES, MAX_NAME, MAX_PARTS } from "./openai/messages.ts";
import { MAX_CHOICES, MAX_SESSION_ID, MAX_STOPS, MAX_STOP_LENGTH, MAX_STOP_TOKENS, MAX_TOKENS } from "./openai/request.ts";
import { MAX_TOOLS } from "./openai/tools.ts";

/** Raises the error of the fields. */
export function readAnswerRequest(request: Fields): AnswerRequest {
  return {
    ...present({
      parallelToolCalls: request.optional("parallelToolCalls", (key) => request.boolean(key)),
      tellsCalls: request.optional("tellsCalls", (key) => request.boolean(key)),
      toolChoice: request.optional("toolChoice", (key) => parseToolChoice(request.object(key))),
      thinkingBudget: request.optional("thinkingBudget", (key) => request.integer(key, 0, MAX_TOKENS)),
      strictTools: request.optional("strictTools", (key) => request.array(key, MAX_TOOLS, (name) => String(name))),
      recites: request.optional("recites", (key) => request.boolean(key)),
      ignoreEos: request.optional("ignoreEos", (key) => request.boolean(key)),
      step: request.optional("step", (key) => request.oneOf(key, STEP_PLACES)),
      guesses: request.optional("guesses", (key) => parseGuesses(request.object(key))),
      stopTokens: request.optional("stopTokens", (key) => request.integers(key, MAX_STOP_TOKENS, 0, MAX_TOKEN)),
    }),
    prompt: readPrompt(request.object("prompt")),
    maxTokens: request.optional("maxTokens", (key) => request.integer(key, 0, MAX_TOKENS)),
    sampling: parseSampling(request.object("sampling")),
    overflow: request.optional("overflow", (key) => request.oneOf(key, OVERFLOWS)),
    choice: request.optional("choice", (key) => request.integer(key, 0, MAX_CHOICES - 1)),
    ...present({ resumable: request.optional("resumable", (key) => request.string(key, MAX_SESSION_ID)) }),
    priority: request.optional("priority", (key) => request.integer(key, 0, MAX_PRIORITY)),
    stop: request.array("stop", MAX_STOPS, (stop, path) => {
      if (typeof stop === "string" && stop !== "" && stop.length <= MAX_STOP_LENGTH) return stop;
      throw request.fail(`${path} must be a string of 1 to ${MAX_STOP_LENGTH} characters`);
    }),
    structure: request.optional("structure", (key) => parseStructure(request.object(key))),
  };
}

function parseGuesses(guesses: Fields): GuessRequest {
  return present({
    isOff: guesses.optional("isOff", (key) => guesses.boolean(key)),
    prediction: guesses.optional("prediction", (key) => guesses.string(key, MAX_CONTENT)),
    draft: guesses.optional("draft", (key) => guesses.string(key, MAX_URL)),
  });
}

function parseToolChoice(choice: Fields): ToolChoice {
  const kind = choice.oneOf("kind", ["auto", "required", "named"]);
  return kind === "named" ? { kind, name: choice.string("name", MAX_NAME) } : { kind };
}

function parseStructure(structure: Fields): Structure {
  const kind = structure.oneOf("kind", ["schema", "grammar", "regex", "tags"]);
  const param = structure.string("param", MAX_NAME);
  switch (kind) {
    case "schema": return { kind, schema: structure.string(kind, MAX_FORM), isStrict: structure.boolean("isStrict"), param };
    case "grammar": return { kind, grammar: structure.string(kind, MAX_GRAMMAR_FORM), param };
    case "regex": return { kind, pattern: structure.string("pattern", MAX_GRAMMAR_FORM), param };
    case "tags": return { kind, tags: structure.string(kind, MAX_FORM), isStrict: structure.boolean("isStrict"), param };
  }
}

function parseSampling(sampling: Fields): SamplingConfig {
  const logitBias = sampling.optional("logitBias", (key) => sampling.array(key, MAX_BIASES, (pair, path): readonly [number, number] => {
    const [token, bias, more]: unknown[] = Array.isArray(pair) ? pair : [];
    const entry = new Fields({ token, bias, more: more === undefined ? 0 : 1 }, path, sampling.fail);
    entry.integer("more", 0, 0);
    return [entry.integer("token", 0, MAX_TOKEN), entry.number("bias", -MOST_BIAS, MOST_BIAS)];
  }));
  return { ...readSampling(sampling, {}), ...(logitBias !== undefined && { logitBias }) };
}

export function readPrompt(prompt: Fields): Prompt {
  const kind = prompt.oneOf("kind", ["chat", "text", "tokens"]);
  if (kind === "tokens") return { kind, tokens: prompt.integers("tokens", MAX_CONTENT, 0, MAX_TOKEN) };
  if (kind === "text") {
    const suffix = prompt.optional("suffix", (key) => prompt.string(key, MAX_CONTENT));
    return { kind, text: prompt.string("text", MAX_CONTENT), ...(suffix !== undefined && { suffix }) };
  }
  return { kind, conversation: parseConversation(prompt.object("conversation")) };
}

function parseConversation(conversation: Fields): Conversation {
  return present({
    messages: conversation.objects("messages", MAX_MESSAGES, parseMessage),
    tools: conversation.optional("tools", (key) => readJsonObjects(conversation, key, MAX_TOOLS)),
    specialTokens: conversation.optional("specialTokens", (key) => conversation.oneOf(key, SPECIAL_TOKENS)),
    keepsTokens: conversation.optional("keepsTokens", (key) => conversation.boolean(key)),
    variables: conversation.optional("variables", (key) => readJsonObject(conversation, key)),
  });
}

function parseMessage(message: Fields): ChatMessage {
  return present({
    role: message.string("role", MAX_NAME), content: message.string("content", MAX_CONTENT),
    pictures: message.optional("pictures", (key) => message.objects(key, MAX_PARTS, readSentPicture)),
    name: message.optional("name", (key) => message.string(key, MAX_NAME)),
    reasoning: message.optional("reasoning", (key) => message.string(key, MAX_CONTENT)),
    toolCalls: message.optional("toolCalls", (key) => message.objects(key, MAX_CALLS, parseCall)),
    toolCallId: message.optional("toolCallId", (key) => message.string(key, MAX_NAME)),
  });
}

function parseCall(call: Fields): ToolCall {
  return { id: call.string("id", MAX_NAME), name: call.string("name", MAX_NAME), arguments: call.string("arguments", MAX_CONTENT) };
}
