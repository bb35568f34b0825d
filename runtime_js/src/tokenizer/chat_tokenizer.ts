/** Messages to token ids through the model's own Jinja chat template and tokenizer, and ids back to text. */

import { ManifestError, RequestValidationError } from "../support/errors.ts";
import { Fields, isRecord } from "../support/fields.ts";
import { MAX_SPECIAL_TOKEN } from "../support/limits.generated.ts";
import { readAddedTokens, type AddedToken } from "./added_tokens.ts";
import { ChatTemplate } from "./chat_template.ts";
import type { Conversation } from "./conversation.ts";
import { Detokenizer } from "./detokenizer.ts";
import { Encoder } from "./encoder.ts";
import { Infill } from "./infill.ts";
import { SaidTexts } from "./said.ts";
import { SegmentEncoder } from "./segments.ts";
import { readSpelling, type Spelling } from "./spelling.ts";

/** Ids without a token between others, at most. */
const LARGEST_GAP = 1 << 16;

function broken(message: string): ManifestError {
  return new ManifestError(`The model's tokenizer is not usable: ${message}. Build the model folder again.`);
}

/** A special token of tokenizer_config.json: a string, an object with `content`, or absent. */
function specialToken(config: Fields, key: string): string {
  const value = config.raw(key);
  const content = isRecord(value) ? value["content"] : value;
  return typeof content === "string" && content.length <= MAX_SPECIAL_TOKEN ? content : "";
}

export class ChatTokenizer {
  readonly #encoder: Encoder;
  /** Undefined for a base model, which only continues text. */
  readonly #template: ChatTemplate | undefined;
  readonly #added: readonly AddedToken[];
  readonly #segments: SegmentEncoder;
  readonly #said = new SaidTexts();
  /** Undefined for a model that was not made to fill in. */
  readonly #infill: Infill | undefined;
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
    this.#infill = Infill.of(this.#added);
    const others = ["unk_token", "pad_token"].filter((key) => specialToken(config, key) !== "");
    const constants = Object.fromEntries(["bos_token", "eos_token", ...others].map((key) => [key, specialToken(config, key)]));
    this.#template = ChatTemplate.of(config, constants);
    try {
      this.#encoder = new Encoder(tokenizerJson, this.#added);
    } catch (error) {
      throw broken(String(error));
    }
    this.#segments = new SegmentEncoder(this.#added, (text, isFirst) => this.#encoder.encode(text, isFirst));
  }

  /**
   * The prompt that asks for the next answer, or for the rest of the last message where that is the assistant's. What users and tools say
   * stays text, whatever it spells, unless the conversation says otherwise; nobody's text is one of the `marks`, which templates write. Raises RequestValidationError where the model has no template, or its template refuses the conversation.
   */
  render(conversation: Conversation, marks: readonly string[] = []): string {
    if (this.#template === undefined) {
      throw new RequestValidationError(
        "This model has no chat template: it continues text and does not chat. Use engine.completions.create({ prompt }).");
    }
    const told = (role: string, text: string): string => this.#segments.without(role === "user" || role === "tool" ? this.#segments.asText(text) : text, marks);
    const messages = conversation.specialTokens === "parse" ? conversation.messages : conversation.messages.map(({ role, content, name, ...more }) => ({
      role, content: told(role, content), ...(name !== undefined && { name: told(role, name) }), ...more }));
    return this.#template.render({ ...conversation, messages });
  }

  /** Token ids of a text to continue, with the special tokens that the tokenizer itself adds. */
  encodeText(text: string): number[] {
    return this.#encoder.encodeWhole(text);
  }

  /**
   * Token ids that ask for what is between two texts, at most so many, and those that end it. What the texts spell stays text where it is a mark
   * of a gap. Raises RequestValidationError where the model was not made for it.
   */
  encodeInfill(prefix: string, suffix: string, most: number): { readonly tokens: number[]; readonly ends: readonly number[] } {
    if (this.#infill === undefined) {
      throw new RequestValidationError("This model has no tokens that mark a gap to fill in: leave `suffix` out.", { param: "suffix" });
    }
    const { marks, ends } = this.#infill;
    const [before, behind] = [prefix, suffix].map((text) => this.#segments.without(text, marks));
    const around = this.encodeText("").length;
    const tokens = this.#infill.tokens(before ?? "", behind ?? "", most - around, (text) => this.#segments.encode(text));
    return { tokens: this.#encoder.framed(tokens), ends };
  }

  /** The same tokens. Raises RequestValidationError where one is not of the vocabulary. */
  known(tokens: readonly number[], param: string): number[] {
    const unknown = tokens.findIndex((token) => this.#encoder.tokenOf(token) === undefined);
    if (unknown < 0) return [...tokens];
    throw new RequestValidationError(`Token ${tokens[unknown]}, at place ${unknown} of ${param}, is not of this model's vocabulary.`, { param });
  }

  /** Token ids of what `render` gave: the template has written the special tokens already. keepsTokens: of what begins as what was said before, those. */
  encode(prompt: string, keepsTokens = false): readonly number[] {
    const said = keepsTokens ? this.#said.find(prompt) : undefined;
    return said === undefined ? this.#segments.encode(prompt) : [...said.tokens, ...this.#segments.encodeBehind(prompt.slice(said.text.length))];
  }

  /** Remembers a prompt's text and tokens together with those of its answer. */
  remember(text: string, tokens: readonly number[]): void {
    this.#said.add(text, tokens);
  }

  /** Token ids of a text in the middle of another. */
  encodePart(text: string): readonly number[] {
    return this.#encoder.encode(text);
  }

  /** Whether another one's tokens are the same. */
  hasTokensOf(other: ChatTokenizer): boolean {
    let gap = 0;
    for (let id = 0; gap < LARGEST_GAP; id++) {
      const [own, others] = [this.#encoder.tokenOf(id), other.#encoder.tokenOf(id)];
      if (own !== others) return false;
      gap = own === undefined ? gap + 1 : 0;
    }
    return true;
  }

  /** By id, the bytes that each of `size` tokens is in a text with these tags; none for those that are not. */
  tokenBytes(size: number, tags: readonly string[] = []): Uint8Array[] {
    const detokenizer = this.detokenizer(tags);
    return Array.from({ length: size }, (_, id) => detokenizer.bytesOf(id) ?? new Uint8Array(0));
  }

  /** `tags` are texts that are written out although tokens of theirs are special. */
  detokenizer(tags: readonly string[] = []): Detokenizer {
    const added = this.#added.map((token) => (
      token.isSpecial && tags.some((tag) => tag.includes(token.content)) ? { ...token, isSpecial: false } : token));
    return new Detokenizer((id) => this.#encoder.tokenOf(id), added, this.#spelling);
  }
}
