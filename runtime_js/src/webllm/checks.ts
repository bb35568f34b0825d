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

/** A call as Hermes' models write it. */
const HERMES_CALL = {
  title: "FunctionCall", type: "object", required: ["arguments", "name"],
  properties: { name: { title: "Name", type: "string" }, arguments: { title: "Arguments", type: "object" } },
};

function isThere<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

function refuseFields(request: object, fields: readonly string[], what: string): void {
  const there = fields.filter((field) => field in request);
  if (there.length > 0) throw new NamedError("UnsupportedFieldsError", `The following fields in ${what} are not yet supported: ${there.join(", ")}.`);
}

function checkPart(part: ChatCompletionContentPart, modelId: string, kinds: ReadonlySet<InputKind> | undefined): void {
  if (part.type === "image_url") {
    if (kinds !== undefined && !kinds.has("image")) throw unsupportedPart(modelId, part.type);
    const { url, detail } = part.image_url;
    if (isThere(detail)) throw new NamedError("UnsupportedDetailError", `Currently do not support field image_url.detail, but received: ${detail}`);
    if (!url.startsWith("data:image") && !url.startsWith("http")) {
      throw new NamedError("UnsupportedImageURLError", `image_url.url begins with "http" or "data:image", not as ${url.slice(0, 40)}`);
    }
  } else if (part.type === "input_audio") {
    if (!kinds?.has("audio")) throw unsupportedPart(modelId, part.type);
    const sound = part.input_audio;
    if (sound.format === "pcm_f32") {
      if (!(sound.data instanceof Float32Array)) throw new TypeError("input_audio.data of the format pcm_f32 must be a Float32Array.");
      if (!Number.isSafeInteger(sound.sample_rate) || sound.sample_rate <= 0) throw new TypeError("input_audio.sample_rate must be a whole number above 0.");
    } else if (typeof sound.data !== "string" || /^https?:/i.test(sound.data)) {
      throw new TypeError("input_audio.data of the format wav must be base64, or a data URL.");
    }
  }
}

function unsupportedPart(modelId: string, type: string): NamedError {
  return new NamedError("UnsupportedContentPartError", `${modelId} does not take parts of the type ${JSON.stringify(type)}.`);
}

function checkMessages({ messages }: ChatCompletionRequestBase, modelId: string, modelType: ModelType, kinds: ReadonlySet<InputKind> | undefined): void {
  for (const [index, message] of messages.entries()) {
    if (message.role === "user" && typeof message.content !== "string") {
      if (!Array.isArray(message.content)) {
        throw new NamedError("UserMessageContentErrorForNonVLM", `A user's message is a text, or a list of its parts, and not ${String(message.content)}.`);
      }
      const isText = message.content.every(({ type }) => type === "text");
      if (kinds === undefined && modelType !== ModelType.VLM && !isText) {
        throw new NamedError("UserMessageContentErrorForNonVLM", `The model loaded is not of type ModelType.VLM (vision-language model). ${modelId} reads texts alone.`);
      }
      for (const part of message.content) checkPart(part, modelId, kinds);
      if (message.content.filter(({ type }) => type === "text").length > 1 && !isText) {
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
  if (isThere(seed) && !Number.isInteger(seed)) throw new NamedError("SeedTypeError", `\`seed\` should be an integer, but got ${seed}.`);
}

function checkStreamOptions({ stream, stream_options }: { stream?: boolean | null; stream_options?: object | null }): void {
  if (isThere(stream_options) && stream !== true) throw new NamedError("InvalidStreamOptionsError", "Only specify stream_options when stream=True.");
}

function checkFormat(format: ResponseFormat | null | undefined): void {
  if (!isThere(format)) return;
  const { type, schema, grammar, structural_tag } = format;
  if (isThere(schema) && type !== "json_object") {
    throw new NamedError("InvalidResponseFormatError", "JSON schema is only supported with `json_object` response format.");
  }
  if (isThere(grammar) !== (type === "grammar")) {
    throw new NamedError("InvalidResponseFormatGrammarError", "When ResponseFormat.type is `grammar`, and only then, ResponseFormat.grammar is given.");
  }
  if (isThere(structural_tag) !== (type === "structural_tag")) {
    throw new NamedError("InvalidResponseFormatStructuralTagError", "When ResponseFormat.type is `structural_tag`, and only then, ResponseFormat.structural_tag is given.");
  }
}

/**
 * As WebLLM exports it: raises a NamedError where WebLLM refuses the request, and writes into it what WebLLM does. The engine itself takes tools
 * of all models that know them, and writes nothing into a request.
 * @param supportedInputKinds what the model takes beside text; default: by its type
 */
export function postInitAndCheckFieldsChatCompletion(
  request: ChatCompletionRequestBase, currentModelId: string, currentModelType: ModelType, supportedInputKinds?: ReadonlySet<InputKind>,
): void {
  checkChatRequest(request, currentModelId, currentModelType, supportedInputKinds);
  initTools(request, currentModelId);
}

/** Raises a NamedError where WebLLM refuses the request, but for its tools. */
export function checkChatRequest(
  request: ChatCompletionRequestBase, currentModelId: string, currentModelType: ModelType, supportedInputKinds?: ReadonlySet<InputKind>,
): void {
  refuseFields(request, ChatCompletionRequestUnsupportedFields, "ChatCompletionRequest");
  checkMessages(request, currentModelId, currentModelType, supportedInputKinds);
  checkCommon(request);
  checkFormat(request.response_format);
  checkStreamOptions(request);
}

/** What WebLLM makes of tools: it knows those of Hermes' models alone, and writes its prompt and form for them into the request. */
function initTools(request: ChatCompletionRequestBase, modelId: string): void {
  if (!isThere(request.tools)) return;
  if (!functionCallingModelIds.includes(modelId)) {
    throw new NamedError("UnsupportedModelIdError", `${modelId} is not supported for ChatCompletionRequest.tools. Supported are: ${functionCallingModelIds.join(", ")}.`);
  }
  const begin = "When using Hermes-2-Pro function calling via ChatCompletionRequest.tools, cannot specify customized";
  if (isThere(request.response_format)) {
    throw new NamedError("CustomResponseFormatError", `${begin} response_format. We will set it for you internally.`);
  }
  if (request.messages.some(({ role }) => role === "system")) throw new NamedError("CustomSystemPromptError", `${begin} system prompt.`);
  request.response_format = { type: "json_object", schema: JSON.stringify({ type: "array", items: HERMES_CALL }) };
  request.messages.unshift({
    role: "system",
    content: `You are a function calling AI model. Your tools: <tools> ${JSON.stringify(request.tools)} </tools>. `
      + `For each call return a JSON object of this schema: ${JSON.stringify(HERMES_CALL)}`,
  });
}

/** Raises a NamedError where a completion asks to be kept for later. */
export function rejectCompletionResumable(request: CompletionCreateParamsBase): void {
  const more: object = request.extra_body ?? {};
  if ("resumable" in more && isThere(more.resumable)) {
    throw new NamedError("UnsupportedFieldsError", "A CompletionCreateParams cannot have extra_body.resumable here.");
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
    throw new NamedError("EmbeddingUnsupportedEncodingFormatError", "Vectors come as numbers: encoding_format must be float.");
  }
  const { input } = request;
  if (input.length === 0 || (typeof input !== "string" && input.some((one) => typeof one !== "number" && one.length === 0))) {
    throw new NamedError("EmbeddingInputEmptyError", "input has no text, or one that is empty.");
  }
}

function within(value: number | null | undefined, isRight: (value: number) => boolean, range: string): void {
  if (isThere(value) && !isRight(value)) throw new NamedError("RangeError", `Make sure ${range}, which ${value} is not.`);
}

/** The ranges of sampling values, which WebLLM looks at when the answer begins. */
export function checkGenerationConfig(config: GenerationConfig): void {
  within(config.frequency_penalty, (value) => value >= -2 && value <= 2, "-2 <= frequency_penalty <= 2");
  within(config.presence_penalty, (value) => value >= -2 && value <= 2, "-2 <= presence_penalty <= 2");
  for (const name of ["repetition_penalty", "max_tokens"] as const) {
    const value = config[name];
    if (isThere(value) && !(value > 0)) throw new NamedError("MinValueError", `Make sure \`${name}\` > 0.`);
  }
  within(config.top_p, (value) => value > 0 && value <= 1, "0 < top_p <= 1");
  if (isThere(config.temperature) && !(config.temperature >= 0)) throw new NamedError("NonNegativeError", "Make sure temperature >= 0.");
  for (const [token, bias] of Object.entries(config.logit_bias ?? {})) {
    within(bias, (value) => value >= -100 && value <= 100, "-100 < logit_bias <= 100");
    if (Number.isNaN(Number.parseInt(token, 10))) throw new NamedError("InvalidNumberStringError", `Make sure logit_bias's keys to be number represented in string. Got ${token}`);
  }
  if (isThere(config.top_logprobs) && config.logprobs !== true) throw new NamedError("DependencyError", "top_logprobs requires logprobs to be true.");
  within(config.top_logprobs, (value) => value >= 0 && value <= 5, "0 < top_logprobs <= 5");
}
