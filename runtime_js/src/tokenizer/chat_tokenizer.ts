/** Messages to token ids through the model's own Jinja chat template and tokenizer, and ids back to text. */

import { Template } from "@huggingface/jinja";
import { Tokenizer } from "@huggingface/tokenizers";
import { ManifestError, RequestValidationError } from "../support/errors.ts";
import { Fields, isRecord } from "../support/fields.ts";
import { MAX_SPECIAL_TOKEN, MAX_TEMPLATE } from "../support/limits.generated.ts";
import { readAddedTokens, type AddedToken } from "./added_tokens.ts";
import { Detokenizer, readSpelling, type Spelling } from "./detokenizer.ts";
import { infillPrompt } from "./infill.ts";
import { SegmentEncoder } from "./segments.ts";
import { inWords } from "./words.ts";

function broken(message: string): ManifestError {
  return new ManifestError(`The model's tokenizer is not usable: ${message}. Build the model folder again.`);
}

/** A special token of tokenizer_config.json: a string, an object with `content`, or absent. */
function specialToken(config: Fields, key: string): string {
  const value = config.raw(key);
  const content = isRecord(value) ? value["content"] : value;
  return typeof content === "string" && content.length <= MAX_SPECIAL_TOKEN ? content : "";
}

/** The template called "default" where the config has several; undefined where it has none. */
function templateText(config: Fields): string | undefined {
  if (!config.has("chat_template")) return undefined;
  if (!Array.isArray(config.raw("chat_template"))) return config.string("chat_template", MAX_TEMPLATE);
  const named = config.objects("chat_template", 16, (entry) => (
    { name: entry.string("name", 64), template: entry.string("template", MAX_TEMPLATE) }));
  const chosen = named.find((entry) => entry.name === "default") ?? named[0];
  if (chosen === undefined) throw config.wrong("chat_template", "a template");
  return chosen.template;
}

/** A message as chat templates read it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly name?: string | undefined;
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

export class ChatTokenizer {
  readonly #tokenizer: Tokenizer;
  /** Undefined for a base model, which only continues text. */
  readonly #template: Template | undefined;
  readonly #constants: { readonly bos_token: string; readonly eos_token: string };
  readonly #added: readonly AddedToken[];
  readonly #segments: SegmentEncoder;
  readonly #spelling: Spelling;

  /**
   * @param tokenizerJson the content of tokenizer.json
   * @param config tokenizer_config.json, as the manifest carries it
   * Raises ManifestError.
   */
  constructor(tokenizerJson: unknown, config: Fields) {
    if (!isRecord(tokenizerJson)) throw broken("tokenizer.json is no object");
    const json = new Fields(tokenizerJson, "tokenizer.json", broken);
    this.#spelling = readSpelling(json);
    this.#added = readAddedTokens(json);
    this.#constants = { bos_token: specialToken(config, "bos_token"), eos_token: specialToken(config, "eos_token") };
    try {
      const template = templateText(config);
      this.#template = template === undefined ? undefined : new Template(template);
      this.#tokenizer = new Tokenizer(inWords(tokenizerJson), {});
    } catch (error) {
      throw error instanceof ManifestError ? error : broken(String(error));
    }
    this.#segments = new SegmentEncoder(this.#added, (text) => this.#tokenizer.encode(text, { add_special_tokens: false }).ids);
  }

  /**
   * The prompt that asks for the next answer, or for the rest of the last message where that is the assistant's.
   * Raises RequestValidationError where the model has no template, or its template refuses the messages.
   */
  render(messages: readonly ChatMessage[]): string {
    if (this.#template === undefined) {
      throw new RequestValidationError(
        "This model has no chat template: it continues text and does not chat. Use engine.completions.create({ prompt }).");
    }
    const safe = messages.map((message) => (message.role === "user" ? { ...message, content: this.#segments.asText(message.content) } : message));
    const last = safe.at(-1);
    if (last?.role !== "assistant") return this.#apply(this.#template, safe, true);
    if (last.content.trim() === "") return this.#apply(this.#template, safe.slice(0, -1), true);
    return openEnded(this.#apply(this.#template, safe, false), last.content);
  }

  #apply(template: Template, messages: readonly ChatMessage[], asksForAnswer: boolean): string {
    try {
      return template.render({ ...this.#constants, messages, add_generation_prompt: asksForAnswer });
    } catch (error) {
      throw new RequestValidationError(
        `The model's chat template refuses these messages: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Token ids of a text to continue, with the special tokens that the tokenizer itself adds. */
  encodeText(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: true }).ids;
  }

  /** Token ids that ask for what is between two texts. Raises RequestValidationError where the model was not made for it. */
  encodeInfill(prefix: string, suffix: string): number[] {
    const prompt = infillPrompt(this.#added, { prefix, suffix });
    if (prompt !== undefined) return this.encodeText(prompt);
    throw new RequestValidationError("This model has no tokens that mark a gap to fill in: leave `suffix` out.", { param: "suffix" });
  }

  /** The same tokens. Raises RequestValidationError where one is not of the vocabulary. */
  known(tokens: readonly number[]): number[] {
    const unknown = tokens.findIndex((token) => this.#tokenizer.id_to_token(token) === undefined);
    if (unknown < 0) return [...tokens];
    throw new RequestValidationError(`Token ${tokens[unknown]}, at place ${unknown}, is not of this model's vocabulary.`, { param: "prompt" });
  }

  /** Token ids of what `render` gave: the template has written the special tokens already. */
  encode(prompt: string): number[] {
    return this.#segments.encode(prompt);
  }

  /** Token ids of a text in the middle of another. */
  encodePart(text: string): readonly number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }

  /** By id, the bytes that each of `size` tokens is in a text; none for those that are not. */
  tokenBytes(size: number): Uint8Array[] {
    const detokenizer = this.detokenizer();
    return Array.from({ length: size }, (_, id) => detokenizer.bytesOf(id) ?? new Uint8Array(0));
  }

  detokenizer(): Detokenizer {
    return new Detokenizer((id) => this.#tokenizer.id_to_token(id), this.#added, this.#spelling);
  }
}
