/** The API's prompts as messages. What they may not be is refused under the names that the specification has. */

import type { ChatCompletionMessageParam, ResponseFormat } from "../../api/openai/types.ts";
import type { Content, CoreOptions, Expected, Message, Prompt, PromptOptions, SamplingMode, Tool } from "./types.ts";

const SAMPLING: Readonly<Record<SamplingMode, { temperature?: number; top_p?: number }>> = {
  "most-predictable": { temperature: 0 },
  predictable: { temperature: 0.4, top_p: 0.9 },
  "slightly-predictable": { temperature: 0.7 },
  balanced: {},
  "slightly-creative": { temperature: 1.1 },
  creative: { temperature: 1.2 },
  "most-creative": { temperature: 1.6 },
};
const TYPES: readonly string[] = ["text", "image", "audio", "tool-call", "tool-response"] satisfies readonly Expected["type"][];

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

function checkOrder(prompts: readonly Message[], isFirst: boolean): void {
  if (prompts.some(({ role }, i) => role === "system" && (i > 0 || !isFirst))) throw new TypeError("A system message comes first, before all others.");
}

/** Of `prompt`, `promptStreaming` and `append`. isFirst: nothing comes before it. */
export function toMessages(prompt: Prompt, isFirst: boolean): ChatCompletionMessageParam[] {
  if (!Array.isArray(prompt)) return [{ role: "user", content: String(prompt) }];
  const messages: readonly Message[] = prompt;
  checkOrder(messages, isFirst);
  return messages.map((message, i) => toMessage(message, i === messages.length - 1));
}

/** Of `initialPrompts`. */
export function toInitial(prompts: readonly Message[]): ChatCompletionMessageParam[] {
  checkOrder(prompts, true);
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
export function readSampling({ samplingMode, topK, temperature }: CoreOptions): Sampling {
  if (samplingMode !== undefined) {
    if (!Object.hasOwn(SAMPLING, samplingMode)) throw new TypeError(`samplingMode is none of ${Object.keys(SAMPLING).join(", ")}.`);
    return { mode: samplingMode, ...SAMPLING[samplingMode] };
  }
  if (topK !== undefined && !(topK >= 1)) throw new RangeError("topK is at least 1.");
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) throw new RangeError("temperature is from 0 to 2.");
  return { mode: "balanced", ...(topK !== undefined && { top_k: Math.floor(topK) }), ...(temperature !== undefined && { temperature }) };
}

/** Whether what is expected is text, and calls of tools. Raises TypeError for what is no type, RangeError for what is no language. */
export function isText({ expectedInputs = [], expectedOutputs = [] }: CoreOptions): boolean {
  const expected = [...expectedInputs, ...expectedOutputs];
  for (const { type, languages = [] } of expected) {
    if (!TYPES.includes(type)) throw new TypeError(`The type "${type}" is none of ${TYPES.join(", ")}.`);
    Intl.getCanonicalLocales([...languages]);
  }
  return expected.every(({ type }) => type !== "image" && type !== "audio");
}

/** Raises TypeError for a tool that is not described, and what reading its schema raises. */
export function checkTools(tools: readonly Tool[]): void {
  const names = new Set<string>();
  for (const { name, description, inputSchema } of tools) {
    const wrong = (what: string): TypeError => new TypeError(`The tool "${name}" ${what}.`);
    if (name === "" || names.has(name)) throw wrong("needs a name of its own");
    names.add(name);
    if (description === "") throw wrong("needs a description");
    const schema: unknown = inputSchema;
    if (typeof schema !== "object" || schema === null || Reflect.get(schema, "type") !== "object") throw wrong('needs an inputSchema of the type "object"');
    const [properties, required]: [unknown, unknown] = [Reflect.get(schema, "properties"), Reflect.get(schema, "required")];
    if (properties !== undefined && (typeof properties !== "object" || properties === null)) throw wrong("has properties that are no object");
    if (required !== undefined && !Array.isArray(required)) throw wrong("has a list `required` that is none");
    JSON.stringify(schema);
  }
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
  let schema: string;
  try {
    schema = JSON.stringify(responseConstraint);
  } catch (error) {
    throw unsupported(`responseConstraint is no JSON: ${String(error)}`);
  }
  return {
    format: { type: "json_schema", json_schema: { name: "answer", schema: responseConstraint } },
    told: omitResponseConstraintInput ? "" : `\nAnswer with JSON that fits this schema: ${schema}`,
  };
}

/** The last message of the user, with what is said of the constraint behind it. */
export function telling(messages: readonly ChatCompletionMessageParam[], told: string): readonly ChatCompletionMessageParam[] {
  const last = messages.findLastIndex(({ role }) => role === "user");
  return told === "" || last < 0 ? messages : messages.map((message, i) => (i === last ? { ...message, content: `${String(message.content)}${told}` } : message));
}
