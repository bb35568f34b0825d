/** The model's own Jinja template: a conversation to the text of a prompt. */

import { PICTURE, isSound, type MediaInput } from "../media/source.ts";
import { ManifestError, RequestValidationError } from "../support/errors.ts";
import type { Fields } from "../support/fields.ts";
import { isJsonObject, parseJson, type JsonObject } from "../support/json.ts";
import { MAX_TEMPLATE } from "../support/limits.generated.ts";
import type { ChatMessage, Conversation, ToolCall } from "./conversation.ts";
import { ChatJinja } from "./jinja/chat_jinja.ts";
import { JsonText } from "./jinja/json_text.ts";

/** What a template wants of calls that were made: arguments as an object or as its JSON; ids of some length, 0 for any. */
interface CallStyle {
  readonly takes: "object" | "text";
  readonly idLength: number;
}

const USUAL: CallStyle = { takes: "object", idLength: 0 };
/** From the most usual to the rarest. */
const STYLES: readonly CallStyle[] = [USUAL, { ...USUAL, takes: "text" }, { ...USUAL, idLength: 9 }, { takes: "text", idLength: 9 }];
const PROBE_CALL: ToolCall = { id: "call_0123456789abcdef01234567", name: "probe", arguments: "{\"probed\": \"value\"}" };
const PROBE: Conversation = {
  messages: [
    { role: "user", content: "question" }, { role: "assistant", content: "", toolCalls: [PROBE_CALL] },
    { role: "tool", content: "result", name: PROBE_CALL.name, toolCallId: PROBE_CALL.id },
  ],
  tools: [{ type: "function", function: { name: PROBE_CALL.name, description: "", parameters: { type: "object", properties: {} } } }],
};

const QUESTION: Conversation = { messages: [{ role: "user", content: "probed question" }] };

/** An id of so many letters, the same for the same id. */
function shortened(id: string, length: number): string {
  if (length === 0 || id.length === length) return id;
  let text = "";
  for (let seed = 0; text.length < length; seed++) {
    let hash = 0x811c9dc5 ^ seed; // FNV-1a
    for (const character of id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    text += hash.toString(36).padStart(6, "0").slice(-6);
  }
  return text.slice(0, length);
}

class NamedTemplate {
  readonly #template: ChatJinja;
  /** Known once it is needed. */
  #style: CallStyle | undefined;
  /** Whether what is said is a list of parts, as templates of models that see may want it, which lose a text. Known once it is needed. */
  #takesParts: boolean | undefined;

  constructor(text: string) {
    this.#template = new ChatJinja(text);
  }

  render(conversation: Conversation, constants: JsonObject): string {
    this.#takesParts ??= !this.#keepsQuestion(constants, false) && this.#keepsQuestion(constants, true);
    const hasCalls = conversation.messages.some(({ toolCalls, toolCallId }) => toolCalls !== undefined || toolCallId !== undefined);
    return this.#render(conversation, hasCalls ? this.#style ??= this.#probed(constants) : USUAL, constants);
  }

  /** The first style in which the template writes arguments as they were: some want an object, some text, and some certain ids. */
  #probed(constants: JsonObject): CallStyle {
    return STYLES.find((style) => {
      try {
        const text = this.#render(PROBE, style, { ...constants, add_generation_prompt: true });
        return /probed(?!')(?!\\")/.test(text);
      } catch {
        return false;
      }
    }) ?? USUAL;
  }

  #keepsQuestion(constants: JsonObject, inParts: boolean): boolean {
    try {
      return this.#render(QUESTION, USUAL, constants, inParts).includes("probed question");
    } catch {
      return false;
    }
  }

  #render({ messages, tools, variables }: Conversation, calls: CallStyle, constants: JsonObject, inParts = this.#takesParts): string {
    return this.#template.render({
      ...variables, documents: null, ...constants, tools: tools === undefined || tools.length === 0 ? null : tools,
      messages: messages.map((message) => this.#message(message, calls, inParts === true)),
    });
  }

  /** As transformers' templates know a message: what it has not is not there. */
  #message({ role, content, pictures = [], name, reasoning, toolCalls, toolCallId }: ChatMessage, { takes, idLength }: CallStyle, inParts: boolean): object {
    const argumentsOf = (text: string): JsonText | string => {
      const value = takes === "object" ? parseJson(text) : undefined;
      return value !== undefined && isJsonObject(value) ? new JsonText(text) : text;
    };
    return {
      ...(reasoning !== undefined && { thinking: reasoning }), role, content: inParts || pictures.length > 0 ? partsOf(content, pictures) : content, ...(name !== undefined && { name }),
      ...(toolCallId !== undefined && { tool_call_id: shortened(toolCallId, idLength) }),
      ...(toolCalls !== undefined && toolCalls.length > 0 && {
        tool_calls: toolCalls.map((call) => (
          { id: shortened(call.id, idLength), type: "function", function: { name: call.name, arguments: argumentsOf(call.arguments) } })),
      }),
      ...(reasoning !== undefined && { reasoning_content: reasoning }),
    };
  }
}

/** What is said, as templates of models that see have it. Of what stands for pictures more than there are is left out. */
function partsOf(content: string, pictures: readonly MediaInput[]): object[] {
  return content.split(PICTURE).flatMap((text, i) => {
    const shown = i > 0 ? pictures[i - 1] : undefined;
    return [...(shown === undefined ? [] : [{ type: isSound(shown) ? "audio" : "image" }]), ...(text === "" && pictures.length > 0 ? [] : [{ type: "text", text }])];
  });
}

/** A rendered conversation up to the end of its last message's text, as transformers' continue_final_message cuts it. */
function openEnded(rendered: string, content: string): string {
  const at = rendered.lastIndexOf(content.trim());
  if (at < 0) {
    throw new RequestValidationError("The model's chat template does not keep the assistant's last message, so it cannot be continued. End with a user message.");
  }
  const whole = content.trimStart(); // where the template keeps the spaces behind it
  return rendered.slice(0, at + (rendered.startsWith(whole, at) ? whole : content.trim()).length);
}

export class ChatTemplate {
  readonly #plain: NamedTemplate;
  /** For conversations with tools, where the model has another template for them. */
  readonly #withTools: NamedTemplate;
  readonly #constants: JsonObject;

  /** `constants` are the special tokens that templates write. Raises what the template library raises for a template that it cannot read. */
  constructor(text: string, toolText: string | undefined, constants: JsonObject) {
    this.#plain = new NamedTemplate(text);
    this.#withTools = toolText === undefined ? this.#plain : new NamedTemplate(toolText);
    this.#constants = constants;
  }

  /** Of a tokenizer_config.json; undefined where it has no template. */
  static of(config: Fields, constants: JsonObject): ChatTemplate | undefined {
    const text = (key: string): string | undefined => config.optional(key, () => config.string(key, MAX_TEMPLATE));
    const [plain, withTools] = [text("chat_template"), text("tool_template")];
    if (plain === undefined) return undefined;
    try {
      return new ChatTemplate(plain, withTools, constants);
    } catch (error) {
      throw new ManifestError(`The model's chat template cannot be read: ${String(error)}. Build the model folder again.`);
    }
  }

  /**
   * The prompt that asks for the next answer, or for the rest of the last message where that is the assistant's and says something.
   * Raises RequestValidationError where the template refuses the conversation.
   */
  render(conversation: Conversation): string {
    const { messages } = conversation;
    const last = messages.at(-1);
    if (last?.role !== "assistant" || (last.toolCalls?.length ?? 0) > 0) return this.#apply(conversation, true);
    if (last.content.trim() === "") {
      if (messages.length === 1) throw new RequestValidationError("messages has nothing but an assistant's message that says nothing: give the user's before it.", { param: "messages" });
      return this.#apply({ ...conversation, messages: messages.slice(0, -1) }, true);
    }
    return openEnded(this.#apply(conversation, false), last.content);
  }

  /** A tool's description and parameters may be left out; a template that cannot do without gets empty ones. */
  #apply(conversation: Conversation, asksForAnswer: boolean): string {
    const { tools = [] } = conversation;
    const template = tools.length > 0 ? this.#withTools : this.#plain;
    const constants = { ...this.#constants, add_generation_prompt: asksForAnswer };
    try {
      return template.render(conversation, constants);
    } catch (error) {
      try {
        if (tools.some((tool) => !isComplete(tool))) return template.render({ ...conversation, tools: tools.map(completed) }, constants);
      } catch { // the first reason is the better one
      }
      throw new RequestValidationError(
        `The model's chat template refuses these messages: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function isComplete({ function: called = null }: JsonObject): boolean {
  return isJsonObject(called) && "description" in called && "parameters" in called;
}

function completed(tool: JsonObject): JsonObject {
  const { function: called = null } = tool;
  return isJsonObject(called) ? { ...tool, function: { description: "", parameters: { type: "object", properties: {} }, ...called } } : tool;
}
