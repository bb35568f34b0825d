/** The API's prompts as messages. What they may not be is refused under the names that the specification has. */

import type { ChatCompletionMessageParam, ContentPart, ResponseFormat } from "../../api/openai/types.ts";
import { isPixels } from "../../media/pixels.ts";
import { fileOfBytes, isAudioBuffer } from "../../api/sounds.ts";
import { isOnPage, isSendable, type PictureInput } from "../../media/source.ts";
import { callOf, responseOf } from "./tool_parts.ts";
import type { Content, CoreOptions, DeclaredTool, Expected, Message, ModelSource, Prompt, PromptOptions, SamplingMode } from "./types.ts";

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

const ROLES: readonly string[] = ["system", "user", "assistant"] satisfies readonly Message["role"][];

/** What a prompt may have beside text, as the session was made for it. */
export type Inputs = ReadonlySet<Content["type"]>;

function toPart({ type, value }: Content, role: Message["role"], inputs: Inputs): ContentPart {
  if (type === "image" && inputs.has(type) && role !== "assistant") return { type: "image_url", image_url: { url: pictureOf(value) } };
  if (type === "audio" && inputs.has(type) && role !== "assistant") return { type: "input_audio", input_audio: { data: soundOf(value) } };
  if (type !== "text") throw unsupported(`This session takes text, and no ${type}${role === "assistant" ? " of the assistant" : " (see expectedInputs)"}.`);
  if (typeof value !== "string") throw new TypeError("A part of the type text has a string for its value.");
  return { type: "text", text: value };
}

/** What may be drawn, or bytes. Raises TypeError. */
function pictureOf(value: unknown): PictureInput {
  if (isSendable(value) || isOnPage(value)) return value;
  const file = fileOfBytes(value);
  if (file !== undefined) return file;
  throw new TypeError("A part of the type image has a Blob, an ImageBitmap, an ImageData, a canvas, another picture of the page, or bytes for its value.");
}

/** What plays, or a file's bytes. Raises TypeError. */
function soundOf(value: unknown): Blob | AudioBuffer {
  const sound = value instanceof Blob || isAudioBuffer(value) ? value : fileOfBytes(value);
  if (sound === undefined) throw new TypeError("A part of the type audio has an AudioBuffer, a Blob, or a file's bytes for its value.");
  return sound;
}

/** One message, or several: what came of each call is a message of its own, before what a user says beside them. */
function toMessage({ role, content, prefix = false }: Message, isLast: boolean, inputs: Inputs): ChatCompletionMessageParam[] {
  if (prefix && !(role === "assistant" && isLast)) throw new DOMException("Only an assistant's message that is the last can be a prefix.", "SyntaxError");
  if (!ROLES.includes(role)) throw new TypeError(`The role "${role}" is none of ${ROLES.join(", ")}.`);
  if (typeof content === "string") return [{ role, content }];
  if (!Array.isArray(content)) throw new TypeError("A message's content is a string, or a list of parts.");
  const given: readonly Content[] = content;
  const of = (wanted: Content["type"], writer: Message["role"]): readonly Content[] => (role === writer && inputs.has(wanted) ? given.filter(({ type }) => type === wanted) : []);
  const [calls, responses] = [of("tool-call", "assistant"), of("tool-response", "user")];
  const parts = given.filter((part) => !calls.includes(part) && !responses.includes(part)).map((part) => toPart(part, role, inputs));
  const answered = responses.map(({ value }) => responseOf(value));
  if (parts.length === 0 && answered.length > 0) return answered;
  const said = parts.every(({ type }) => type === "text") ? parts.map(({ text }) => text).join("") : parts;
  return [...answered, { role, content: said, ...(calls.length > 0 && { tool_calls: calls.map(({ value }) => callOf(value)) }) }];
}

/** The same messages with their pictures as they are now, since a session shows them again with each prompt. */
export function still(messages: readonly ChatCompletionMessageParam[]): Promise<ChatCompletionMessageParam[]> {
  const shown = async (part: ContentPart): Promise<ContentPart> => {
    const url = part.image_url?.url;
    return url === undefined || typeof url === "string" || url instanceof Blob || isPixels(url) ? part : { ...part, image_url: { url: await createImageBitmap(url) } };
  };
  return Promise.all(messages.map(async (message) => (
    typeof message.content === "object" && message.content !== null ? { ...message, content: await Promise.all(message.content.map(shown)) } : message)));
}

/** isFirst: nothing comes before them. Raises TypeError. */
export function checkOrder(prompts: readonly { readonly role: string }[], isFirst: boolean): void {
  if (prompts.some(({ role }, i) => role === "system" && (i > 0 || !isFirst))) throw new TypeError("A system message comes first, before all others.");
}

/** Of `prompt`, `promptStreaming` and `append`. */
export function toMessages(prompt: Prompt, inputs: Inputs): ChatCompletionMessageParam[] {
  if (!Array.isArray(prompt)) return [{ role: "user", content: String(prompt) }];
  const messages: readonly Message[] = prompt;
  return messages.flatMap((message, i) => toMessage(message, i === messages.length - 1, inputs));
}

/** Of `initialPrompts`. */
export function toInitial(prompts: readonly Message[], inputs: Inputs): ChatCompletionMessageParam[] {
  checkOrder(prompts, true);
  if (prompts.some(({ prefix }) => prefix)) throw unsupported("initialPrompts have no prefix.");
  return prompts.flatMap((message) => toMessage(message, false, inputs));
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

/**
 * What a session may be given; undefined where it is made for what the model does not take, or does not make.
 * Raises TypeError for what is no type, RangeError for what is no language.
 */
export function readInputs({ expectedInputs = [], expectedOutputs = [] }: CoreOptions, { sees = false, hears = false }: Pick<ModelSource, "sees" | "hears">): Inputs | undefined {
  for (const { type, languages = [] } of [...expectedInputs, ...expectedOutputs]) {
    if (!TYPES.includes(type)) throw new TypeError(`The type "${type}" is none of ${TYPES.join(", ")}.`);
    Intl.getCanonicalLocales([...languages]);
  }
  const inputs = new Set(expectedInputs.map(({ type }) => type));
  const isPossible = (!inputs.has("image") || sees) && (!inputs.has("audio") || hears)
    && expectedOutputs.every(({ type }) => type === "text" || type === "tool-call");
  return isPossible ? inputs : undefined;
}

/** Raises TypeError for a tool that is not described, or that nobody calls, and what reading its schema raises. */
export function checkTools(tools: readonly DeclaredTool[], { expectedInputs = [], expectedOutputs = [] }: CoreOptions): void {
  const names = new Set<string>();
  const isOpen = expectedOutputs.some(({ type }) => type === "tool-call") && expectedInputs.some(({ type }) => type === "tool-response");
  for (const { name, description, inputSchema, execute } of tools) {
    const wrong = (what: string): TypeError => new TypeError(`The tool "${name}" ${what}.`);
    if (name === "" || names.has(name)) throw wrong("needs a name of its own");
    names.add(name);
    if (description === "") throw wrong("needs a description");
    if (execute === undefined && !isOpen) throw wrong('needs an `execute`, or "tool-response" in expectedInputs and "tool-call" in expectedOutputs');
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
    const { source, flags } = responseConstraint;
    const read = flags.replace(/[dgy]/g, ""); // which say how to search, and not what fits
    return {
      format: { type: "regex", regex: read === "" ? source : `(?${read})${source}` },
      told: omitResponseConstraintInput ? "" : `\nAnswer with text that fits this regular expression: ${read === "" ? source : String(responseConstraint)}`,
    };
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
  const behind = ({ content }: ChatCompletionMessageParam): ChatCompletionMessageParam["content"] => (
    typeof content === "object" && content !== null ? [...content, { type: "text", text: told }] : `${content ?? ""}${told}`);
  return told === "" || last < 0 ? messages : messages.map((message, i) => (i === last ? { ...message, content: behind(message) } : message));
}
