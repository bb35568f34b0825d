/** What WebLLM refuses before it computes, in its order and under its names. */

import { ModelType, functionCallingModelIds } from "./constants.ts";
import { NamedError } from "./errors.ts";
import type {
  ChatCompletionContentPart, ChatCompletionRequestBase, CompletionCreateParamsBase, EmbeddingCreateParams, ResponseFormat,
} from "./messages.ts";
import type { GenerationConfig } from "./types.ts";

type InputKind = "image" | "audio";

/** Fields of OpenAI's requests that WebLLM refuses where they are there at all. */
export const ChatCompletionRequestUnsupportedFields: string[] = [];
const COMPLETION_UNSUPPORTED = ["suffix", "user", "best_of"];
const EMBEDDING_UNSUPPORTED = ["dimensions", "user"];

/** A call, and the system message, as Nous Research writes them for Hermes 2 Pro, with WebLLM's line ends. */
const HERMES_CALL = '{"properties": {"arguments": {"title": "Arguments", "type": "object"}, "name": {"title": "Name", "type": "string"}}, '
  + '"required": ["arguments", "name"], "title": "FunctionCall", "type": "object"}';
const HERMES_PROMPT = `You are a function calling AI model. You are \nprovided with function signatures within <tools></tools> XML tags. \
You may call one or more functions \nto assist with the user query. Don't make assumptions about what values to plug into functions. Here \n\
are the available tools: <tools> {tools}  </tools>. \nUse the following pydantic model json schema for each tool call you will make: \n\
${HERMES_CALL} For each function call return a json object.`;

function isThere<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

function unsupported(what: string, fields: readonly string[]): string {
  return `The following fields in ${what} are not yet supported: \n${fields.join(", ")}`;
}

function refuseFields(request: object, fields: readonly string[], what: string): void {
  const there = fields.filter((field) => field in request);
  if (there.length > 0) throw new NamedError("UnsupportedFieldsError", unsupported(what, there));
}

function checkPart(part: ChatCompletionContentPart, modelId: string, kinds: ReadonlySet<InputKind> | undefined): void {
  if (part.type === "image_url") {
    if (kinds !== undefined && !kinds.has("image")) throw unsupportedPart(modelId, part.type);
    const { url, detail } = part.image_url;
    if (isThere(detail)) throw new NamedError("UnsupportedDetailError", `Currently do not support field image_url.detail, but received: ${detail}`);
    if (!url.startsWith("data:image") && !url.startsWith("http")) {
      throw new NamedError("UnsupportedImageURLError", `image_url.url should start with "data:image" for base64, or with "http", but got: ${url}`);
    }
  } else if (part.type === "input_audio") {
    if (!kinds?.has("audio")) throw unsupportedPart(modelId, part.type);
    const sound = part.input_audio;
    if (sound.format === "pcm_f32") {
      if (!(sound.data instanceof Float32Array)) throw new TypeError("pcm_f32 input_audio.data must be a Float32Array");
      if (!Number.isSafeInteger(sound.sample_rate) || sound.sample_rate <= 0) throw new TypeError("pcm_f32 input_audio.sample_rate must be a positive integer");
    } else if (typeof sound.data !== "string" || /^https?:/i.test(sound.data)) {
      throw new TypeError("WAV input_audio.data must be raw base64 or a WAV data URL");
    }
  }
}

function unsupportedPart(modelId: string, type: string): NamedError {
  return new NamedError("UnsupportedContentPartError", `Model ${modelId} does not declare support for user content type ${JSON.stringify(type)}.`);
}

function takesTextAlone(modelId: string, modelType: ModelType, content: unknown): NamedError {
  return new NamedError("UserMessageContentErrorForNonVLM", "The model loaded is not of type ModelType.VLM (vision-language model). "
    + `Therefore, user message only supports string content, but received: ${String(content)}\nLoaded modelId: ${modelId}, modelType: ${ModelType[modelType]}`);
}

/** texts: how many a message may have. WebLLM takes "one", as a string where the model takes nothing else. */
function checkMessages(
  { messages }: ChatCompletionRequestBase, modelId: string, modelType: ModelType, kinds: ReadonlySet<InputKind> | undefined, texts: "one" | "many",
): void {
  for (const [index, message] of messages.entries()) {
    if (message.role === "user" && typeof message.content !== "string") {
      const { content } = message;
      const areMany = texts === "many" && Array.isArray(content) && content.every(({ type }) => type === "text");
      if (kinds === undefined && modelType !== ModelType.VLM && !areMany) throw takesTextAlone(modelId, modelType, content);
      if (!Array.isArray(content)) throw new TypeError(`A user's message is a text, or a list of its parts, and not ${String(content)}.`);
      for (const part of content) checkPart(part, modelId, kinds);
      if (content.filter(({ type }) => type === "text").length > 1 && !areMany) {
        throw new NamedError("MultipleTextContentError", "Each message can have at most one text contentPart, but received more than 1.");
      }
    }
    if (message.role === "system" && index > 0) throw new NamedError("SystemMessageOrderError", "System prompt should always be the first message in `messages`.");
  }
  const last = messages.at(-1)?.role;
  if (last !== "user" && last !== "tool") throw new NamedError("MessageOrderError", "Last message should be from either `user` or `tool`.");
}

/** What a sequence of answers asks for that WebLLM gives to none. */
function checkCommon({ stream, n, seed }: { stream?: boolean | null; n?: number | null; seed?: number | null }): void {
  if (stream === true && isThere(n) && n > 1) throw new NamedError("StreamingCountError", "When streaming, `n` cannot be > 1.");
  if (isThere(seed) && !Number.isInteger(seed)) throw new NamedError("SeedTypeError", `\`seed\` should be an integer, but got ${seed}`);
}

function checkStreamOptions({ stream, stream_options }: { stream?: boolean | null; stream_options?: object | null }): void {
  if (isThere(stream_options) && stream !== true) throw new NamedError("InvalidStreamOptionsError", "Only specify stream_options when stream=True.");
}

function bothOrNeither(type: "grammar" | "structural_tag"): string {
  return `When ResponseFormat.type is \`${type}\`, ResponseFormat.${type} needs to be specified.\n`
    + `When ResponseFormat.${type} is specified, ResponseFormat.type needs to be ${type}.`;
}

function checkFormat(format: ResponseFormat | null | undefined): void {
  if (!isThere(format)) return;
  const { type, schema, grammar, structural_tag } = format;
  if (isThere(schema) && type !== "json_object") {
    throw new NamedError("InvalidResponseFormatError", "JSON schema is only supported with `json_object` response format.");
  }
  if (isThere(grammar) !== (type === "grammar")) {
    throw new NamedError("InvalidResponseFormatGrammarError", bothOrNeither("grammar"));
  }
  if (isThere(structural_tag) !== (type === "structural_tag")) {
    throw new NamedError("InvalidResponseFormatStructuralTagError", bothOrNeither("structural_tag"));
  }
}

/**
 * As WebLLM exports it: raises a NamedError where WebLLM refuses the request, and writes into it what WebLLM does. The engine itself takes tools
 * of all models that know them, and texts in parts, and writes nothing into a request.
 * @param supportedInputKinds what the model takes beside text; default: by its type
 */
export function postInitAndCheckFieldsChatCompletion(
  request: ChatCompletionRequestBase, currentModelId: string, currentModelType: ModelType, supportedInputKinds?: ReadonlySet<InputKind>,
): void {
  refuseFields(request, ChatCompletionRequestUnsupportedFields, "ChatCompletionRequest");
  checkMessages(request, currentModelId, currentModelType, supportedInputKinds, "one");
  checkCommon(request);
  checkFormat(request.response_format);
  initTools(request, currentModelId);
  checkStreamOptions(request);
}

/** Raises a NamedError where the engine refuses what WebLLM does. */
export function checkChatRequest(request: ChatCompletionRequestBase, modelId: string, modelType: ModelType): void {
  refuseFields(request, ChatCompletionRequestUnsupportedFields, "ChatCompletionRequest");
  checkMessages(request, modelId, modelType, undefined, "many");
  checkCommon(request);
  checkFormat(request.response_format);
  checkStreamOptions(request);
}

/** What WebLLM makes of tools: it knows those of Hermes' models alone, and writes the prompt that these are trained on into the request. */
function initTools(request: ChatCompletionRequestBase, modelId: string): void {
  if (!isThere(request.tools)) return;
  if (!functionCallingModelIds.includes(modelId)) {
    throw new NamedError("UnsupportedModelIdError", `${modelId} is not supported for ChatCompletionRequest.tools. `
      + `Currently, models that support function calling are: ${functionCallingModelIds.join(", ")}`);
  }
  const begin = "When using Hermes-2-Pro function calling via ChatCompletionRequest.tools, cannot specify customized";
  if (isThere(request.response_format)) {
    throw new NamedError("CustomResponseFormatError",
      `${begin} response_format. We will set it for you internally. Currently set to: ${JSON.stringify(request.response_format)}`);
  }
  request.response_format = { type: "json_object", schema: `{"type":"array","items":${HERMES_CALL}}` };
  if (request.messages.some(({ role }) => role === "system")) throw new NamedError("CustomSystemPromptError", `${begin} system prompt.`);
  request.messages.unshift({ role: "system", content: HERMES_PROMPT.replace("{tools}", () => JSON.stringify(request.tools)) });
}

/** Raises a NamedError where a completion asks to be kept for later. */
export function rejectCompletionResumable(request: CompletionCreateParamsBase): void {
  const more: object = request.extra_body ?? {};
  if ("resumable" in more && isThere(more.resumable)) {
    throw new NamedError("UnsupportedFieldsError", unsupported("CompletionCreateParams", ["extra_body.resumable"]));
  }
}

export function postInitAndCheckFieldsCompletion(request: CompletionCreateParamsBase, _currentModelId: string): void {
  rejectCompletionResumable(request);
  refuseFields(request, COMPLETION_UNSUPPORTED, "CompletionCreateParams");
  checkCommon(request);
  checkStreamOptions(request);
}

export function postInitAndCheckFieldsEmbedding(request: EmbeddingCreateParams, _currentModelId: string): void {
  refuseFields(request, EMBEDDING_UNSUPPORTED, "EmbeddingCreateParams");
  if (request.encoding_format === "base64") {
    throw new NamedError("EmbeddingUnsupportedEncodingFormatError", "Embedding in base64 format is currently not supported.");
  }
  const { input } = request;
  if (input.length === 0 || (typeof input !== "string" && input.some((one) => typeof one !== "number" && one.length === 0))) {
    throw new NamedError("EmbeddingInputEmptyError", "Embedding input cannot be empty string or empty token array.");
  }
}

function rangeError(name: string, least: number, most: number, more = ""): NamedError {
  return new NamedError("RangeError", `Make sure ${least} < ${name} <= ${most}.${more}`);
}

/** The ranges of sampling values, which WebLLM looks at when the answer begins. */
export function checkGenerationConfig(config: GenerationConfig): void {
  for (const name of ["frequency_penalty", "presence_penalty"] as const) {
    const value = config[name];
    if (isThere(value) && !(value >= -2 && value <= 2)) throw rangeError(name, -2, 2);
  }
  for (const name of ["repetition_penalty", "max_tokens"] as const) {
    const value = config[name];
    if (isThere(value) && !(value > 0)) throw new NamedError("MinValueError", `Make sure \`${name}\` > 0.`);
  }
  const { top_p, temperature, logit_bias, logprobs, top_logprobs } = config;
  if (isThere(top_p) && !(top_p > 0 && top_p <= 1)) throw rangeError("top_p", 0, 1);
  if (isThere(temperature) && !(temperature >= 0)) throw new NamedError("NonNegativeError", "Make sure temperature >= 0.");
  for (const [token, bias] of Object.entries(logit_bias ?? {})) {
    if (!(bias >= -100 && bias <= 100)) throw rangeError("logit_bias", -100, 100, ` Got ${bias} for tokenID ${token}`);
    if (Number.isNaN(Number.parseInt(token, 10))) throw new NamedError("InvalidNumberStringError", `Make sure logit_bias's keys to be number represented in string. Got ${token}`);
  }
  if (!isThere(top_logprobs)) return;
  if (logprobs !== true) throw new NamedError("DependencyError", "top_logprobs requires logprobs to be true.");
  if (!(top_logprobs >= 0 && top_logprobs <= 5)) throw rangeError("top_logprobs", 0, 5, ` Got ${top_logprobs}`);
}
