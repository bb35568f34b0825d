/** The API's prompts as messages. What they may not be is refused under the names that the specification has. */

import type { ChatCompletionMessageParam, ResponseFormat } from "../../api/openai/types.ts";
import type { Content, CoreOptions, Expected, Message, Prompt, PromptOptions, SamplingMode } from "./types.ts";

const SAMPLING: Readonly<Record<SamplingMode, { temperature?: number; top_p?: number }>> = {
  "most-predictable": { temperature: 0 },
  predictable: { temperature: 0.4, top_p: 0.9 },
  balanced: {},
  creative: { temperature: 1.2 },
  "most-creative": { temperature: 1.6 },
};

export function unsupported(what: string): DOMException {
  return new DOMException(what, "NotSupportedError");
}

function textOf(content: string | readonly Content[]): string {
  if (typeof content === "string") return content;
  return content.map(({ type, value }) => {
    if (type !== "text") throw unsupported(`This model reads text, and no ${type}.`);
    if (typeof value !== "string") throw new TypeError("A part of the type text has a string for its value.");
    return value;
  }).join("");
}

function toMessage({ role, content, prefix = false }: Message, isLast: boolean): ChatCompletionMessageParam {
  if (prefix && !(role === "assistant" && isLast)) throw new DOMException("Only an assistant's message that is the last can be a prefix.", "SyntaxError");
  return { role, content: textOf(content) };
}

/** Of `prompt`, `promptStreaming` and `append`. */
export function toMessages(prompt: Prompt): ChatCompletionMessageParam[] {
  if (typeof prompt === "string") return [{ role: "user", content: prompt }];
  if (prompt.some(({ role }) => role === "system")) throw unsupported("A system message is one of initialPrompts.");
  return prompt.map((message, i) => toMessage(message, i === prompt.length - 1));
}

/** Of `initialPrompts`. */
export function toInitial(prompts: readonly Message[]): ChatCompletionMessageParam[] {
  if (prompts.some(({ role }, i) => role === "system" && i > 0)) throw new TypeError("A system message comes first.");
  if (prompts.some(({ prefix }) => prefix)) throw unsupported("initialPrompts have no prefix.");
  return prompts.map((message) => toMessage(message, false));
}

export interface Sampling {
  readonly mode: SamplingMode;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
}

/** Raises TypeError, RangeError. */
export function readSampling({ samplingMode = "balanced", topK, temperature }: CoreOptions): Sampling {
  if (!Object.hasOwn(SAMPLING, samplingMode)) throw new TypeError(`samplingMode is none of ${Object.keys(SAMPLING).join(", ")}.`);
  if (topK !== undefined && !(topK >= 1)) throw new RangeError("topK is at least 1.");
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) throw new RangeError("temperature is from 0 to 2.");
  return {
    mode: samplingMode, ...SAMPLING[samplingMode], ...(topK !== undefined && { top_k: Math.floor(topK) }), ...(temperature !== undefined && { temperature }),
  };
}

/** Whether what is expected is text, and calls of tools. */
export function isText({ expectedInputs = [], expectedOutputs = [] }: CoreOptions): boolean {
  const isRead = ({ type }: Expected): boolean => type === "text" || type === "tool-response" || type === "tool-call";
  return expectedInputs.every(isRead) && expectedOutputs.every(isRead);
}

export interface Constraint {
  readonly format: ResponseFormat;
  /** What the model is told of it. */
  readonly told: string;
}

export function readConstraint({ responseConstraint, omitResponseConstraintInput = false }: PromptOptions): Constraint | undefined {
  if (responseConstraint === undefined) return undefined;
  if (responseConstraint instanceof RegExp) {
    const { source } = responseConstraint;
    return { format: { type: "regex", regex: source }, told: omitResponseConstraintInput ? "" : `\nAnswer with text that fits this regular expression: ${source}` };
  }
  return {
    format: { type: "json_schema", json_schema: { name: "answer", schema: responseConstraint } },
    told: omitResponseConstraintInput ? "" : `\nAnswer with JSON that fits this schema: ${JSON.stringify(responseConstraint)}`,
  };
}

/** The last message of the user, with what is said of the constraint behind it. */
export function telling(messages: readonly ChatCompletionMessageParam[], told: string): readonly ChatCompletionMessageParam[] {
  const last = messages.findLastIndex(({ role }) => role === "user");
  return told === "" || last < 0 ? messages : messages.map((message, i) => (i === last ? { ...message, content: `${String(message.content)}${told}` } : message));
}
