/** A loaded model: answers requests with events. */

import type { ModelRunner } from "../executor/runner.ts";
import { abortable, childController, onAbort } from "../support/abort.ts";
import { AbortError, ContextWindowSizeExceededError, InternalError, RequestValidationError, type MLCEngineError } from "../support/errors.ts";
import type { EmbeddingFacts } from "../storage/embedding_facts.ts";
import { isSound, type MediaInput } from "../media/source.ts";
import { log } from "../support/log.ts";
import { PushStream } from "../support/stream.ts";
import type { ChatTokenizer } from "../tokenizer/chat_tokenizer.ts";
import { tagsOf, type ChatFormat } from "../formats/format.ts";
import type { ParserOptions } from "../formats/parser.ts";
import type { ChatMessage, Conversation } from "../tokenizer/conversation.ts";
import type { Constraint } from "./constraint.ts";
import { AnswerWriter, type AnswerEvent, type AnswerRequest, type Prompt } from "./answer.ts";
import { DraftModel } from "./draft_model.ts";
import { embed, poolFor, textsToEmbed, withoutEnd } from "./embedding.ts";
import { cut, roomForPrompt, shortened, withoutMiddle, withoutOldest, type Overflow } from "./overflow.ts";
import type { Generation } from "./generation.ts";
import { Lookup } from "./lookup.ts";
import { ProcessedAnswer, type LogitProcessor } from "./logit_processor.ts";
import { isThinking, parserOptions } from "./output.ts";
import { withIds, withPrompts, withoutIds } from "./picture_prompt.ts";
import { Pictures, PromptVectors, type SeenPicture, type Sense } from "./pictures.ts";
import type { EmbeddingCall, Embeddings } from "./pooling.ts";
import { Remembered } from "./remembered.ts";
import { Resumed, type Past } from "./resumable.ts";
import { Recital } from "./recital.ts";
import { Sampler } from "./sampler.ts";
import type { SamplingConfig } from "./sampling.ts";
import { Scheduler, type Stop } from "./scheduler.ts";
import type { SequenceManager } from "./sequences.ts";
import type { DraftSource } from "./draft_source.ts";
import type { GuessRequest } from "./speculation.ts";
import type { Grammars } from "./structure/grammars.ts";
import { ThinkingBudget } from "./thinking_budget.ts";
import { TimedConstraint } from "./timed_constraint.ts";
import { structureBehindThought, toolStructure } from "./tool_structure.ts";

/** Times that a message is cut: each time by as many characters as its tokens should be too many. */
const MOST_CUTS = 8;

const NO_ENDS: ReadonlySet<number> = new Set();

export interface SessionParts {
  readonly runner: ModelRunner;
  readonly sequences: SequenceManager;
  readonly tokenizer: ChatTokenizer;
  readonly grammars: Grammars;
  /** How the model writes thoughts and calls of tools. */
  readonly format: ChatFormat;
  readonly eosTokenIds: ReadonlySet<number>;
  /** Logits of a token. */
  readonly vocabSize: number;
  /** How tokens are drawn where a request does not say. */
  readonly sampling: SamplingConfig;
  /** What responses call the model. */
  readonly modelId: string;
  /** Of a model that makes vectors of texts, and does nothing else. */
  readonly embedding?: EmbeddingFacts | undefined;
  /** Of a model that sees pictures. */
  readonly vision?: Sense | undefined;
  /** Of a model that hears. */
  readonly hearing?: Sense | undefined;
  /** Frees the runner and all that it holds. */
  readonly dispose: () => void;
  /** Loads the model anew where the runner is lost; absent where that is the caller's affair. */
  readonly revive?: ((error: MLCEngineError, signal: AbortSignal) => Promise<SessionParts>) | undefined;
}

/** What a request shows, as far as it was looked at. */
type Shown = ReadonlyMap<MediaInput, SeenPicture>;

const NOTHING: Shown = new Map();

/** A prompt's tokens, and the text that a chat template made of it. */
interface Encoded {
  readonly rendered: string;
  readonly tokens: readonly number[];
  /** Tokens that end an answer to this prompt, beside those that end any. */
  readonly ends?: readonly number[];
}

/** What could be done next where an answer may leave out so much. */
const OTHERWISE: Readonly<Record<Overflow, string>> = {
  error: ", or let the oldest part be left out by context_overflow: \"drop_oldest\"",
  drop_oldest: ", or let the middle of its longest messages be left out by context_overflow: \"truncate_middle\"", truncate_middle: "",
};

function tooLong(kind: Prompt["kind"], { length }: readonly number[], contextLength: number, overflow: Overflow): ContextWindowSizeExceededError {
  const [what, param] = kind === "chat" ? ["conversation", "messages"] : ["prompt", "prompt"];
  const stays = overflow === "error" ? "" : ", and what is never left out is too long as well";
  return new ContextWindowSizeExceededError(
    `The ${what} has ${length} tokens, the context window ${contextLength}${stays}. Shorten it, load with a larger context_window_size${OTHERWISE[overflow]}.`,
    { promptTokens: length, contextWindowSize: contextLength, param });
}

export class Session {
  readonly modelId: string;
  #parts: SessionParts;
  #scheduler: Scheduler;
  /** Resolves when there is a runner again, or will be none. */
  #ready: Promise<void> = Promise.resolve();
  /** Whose answers wait for it. */
  #orphans: readonly Generation[] = [];
  readonly #life = new AbortController();
  /** Ends what is not yet with the scheduler. */
  #preparing = new AbortController();
  /** Those that it was shown, for as long as it is loaded. */
  readonly #pictures = new Pictures();
  /** Models that may draft for this one. */
  readonly #sameVocabulary = new WeakSet<Session>();

  constructor(parts: SessionParts) {
    this.modelId = parts.modelId;
    this.#parts = parts;
    this.#scheduler = this.#schedule();
  }

  #schedule(): Scheduler {
    const { runner, sequences, revive } = this.#parts;
    return new Scheduler(runner, sequences, undefined, revive && ((error, left) => {
      this.#orphans = left;
      this.#ready = this.#revive(error, revive);
    }));
  }

  /** Goes on with the answers under way where the model runs again: what is known of them is computed anew. */
  async #revive(error: MLCEngineError, revive: NonNullable<SessionParts["revive"]>): Promise<void> {
    log.warn(`The model is loaded again: ${error.message}`);
    this.#parts.dispose();
    try {
      const { signal } = this.#life;
      this.#parts = await revive(error, signal);
      if (signal.aborted) this.#parts.dispose();
      signal.throwIfAborted();
      this.#scheduler = this.#schedule();
      this.#scheduler.adopt(this.#orphans);
    } catch (failure) {
      for (const orphan of this.#orphans) orphan.fail(failure);
    }
    this.#orphans = [];
  }

  /**
   * The answer's events, pushed as they come; leaving the stream ends the generation. With a past, what it had comes first, at once.
   * Rejects with RequestValidationError, ContextWindowSizeExceededError or QueueFullError, or where the grammar engine cannot be fetched.
   */
  async answer(request: AnswerRequest, processor?: LogitProcessor, past?: Past, drafter?: Session, signal?: AbortSignal): Promise<PushStream<AnswerEvent>> {
    if (this.#parts.embedding !== undefined) {
      throw new RequestValidationError(
        `The model "${this.modelId}" makes vectors of texts and does not write: use engine.embeddings.create({ input }), or load a language model.`,
        { param: "model" });
    }
    const { tokenizer, runner, grammars, format } = this.#parts;
    const { stopTokens = [], sampling } = request;
    tokenizer.known(stopTokens, "stop_token_ids");
    tokenizer.known(sampling.logitBias?.map(([token]) => token) ?? [], "logit_bias");
    const shown = await this.#see(request.prompt, signal);
    const { rendered, tokens: prompt, ends: ownEnds = [] } = this.#fit(request, runner.shape.contextLength, shown);
    if (prompt.length === 0) throw new RequestValidationError("The prompt has no tokens: there is nothing to answer.");
    const parse = parserOptions(request, format, rendered);
    const structure = toolStructure(request, parse.format, parse.isThinking)
      ?? (request.structure && structureBehindThought(request.structure, parse.format, parse.isThinking));
    const ignoresEos = request.ignoreEos === true && structure === undefined; // a form ends where it is whole
    const eosTokenIds = new Set([...(ignoresEos ? [] : [...this.#parts.eosTokenIds, ...ownEnds]), ...stopTokens]);
    const grammar = structure === undefined ? undefined : await TimedConstraint.of(grammars.constraint(structure));
    await this.#ready;
    const behind = this.#budgeted(request.thinkingBudget, parse, grammar);
    const before = tokenizer.known(past?.tokens ?? [], "sessionId");
    for (const token of before) behind?.accept(token);
    const recites = request.recites === true;
    const comesAgain = before.length > 0 && (recites || sampling.topLogprobs !== undefined); // nobody has kept the logprobs
    const recital = recites || comesAgain ? new Recital([...prompt, ...before], recites ? 1 : prompt.length, this.#parts.vocabSize, behind) : undefined;
    const constraint = recital ?? behind;
    let stop: Stop = () => undefined;
    const events = new PushStream<AnswerEvent>(() => stop());
    const tags = tagsOf({ ...parse.format, ...(parse.tools.size === 0 && { tools: undefined }) });
    const detokenizer = tokenizer.detokenizer(tags);
    const writer = new AnswerWriter(prompt.length, request.stop, eosTokenIds, detokenizer, parse, events, grammar?.times);
    const sampler = new Sampler({ ...this.#parts.sampling, ...sampling }, this.#asWords(prompt, shown), request.choice, processor && new ProcessedAnswer(processor, request.step === "next"));
    if (before.length > 0 && !comesAgain) sampler.skip(before);
    const keepsTokens = request.prompt.kind === "chat" && request.prompt.conversation.keepsTokens === true && shown.size === 0;
    const heard = !keepsTokens ? writer : new Remembered(writer, (tokens) => {
      const said = eosTokenIds.has(tokens.at(-1) ?? -1) ? tokens.slice(0, -1) : tokens;
      const speller = tokenizer.detokenizer(tags);
      tokenizer.remember(rendered + said.map((token) => speller.push(token)).join(""), [...prompt, ...said]);
    });
    const listener = past === undefined ? heard : new Resumed(heard, past, comesAgain);
    const shifts = request.overflow === "drop_oldest";
    const { contextLength } = runner.shape;
    const left = Math.min(request.maxTokens ?? Infinity, shifts ? Infinity : contextLength - prompt.length) - before.length;
    if (listener instanceof Resumed && !comesAgain && (listener.isEnded || left <= 0)) {
      constraint?.dispose();
      listener.end(listener.isEnded ? "stop" : "length", 0);
      return events;
    }
    const maxTokens = request.maxTokens === undefined ? Infinity : request.maxTokens - (comesAgain ? 0 : before.length) + (recites ? prompt.length - 1 : 0);
    const { priority } = request;
    const drafts = recital === undefined ? this.#drafts(request.guesses, prompt.length, sampler, shown.size === 0 ? drafter : undefined) : [recital];
    const vectors = shown.size === 0 ? undefined : new PromptVectors(this.#pictures, [...shown.values()], this.#senseOf);
    try {
      if (maxTokens === 0) {
        throw new RequestValidationError("A prompt of one token has no logprobs: nothing comes before it.", { param: "max_tokens" });
      }
      const whole = before.length === 0 || comesAgain ? prompt : [...prompt, ...before];
      const known = recites ? prompt.slice(0, 1) : shifts ? withoutOldest(whole, contextLength) : whole;
      if (recites) writer.recite(prompt[0] ?? 0, prompt.length);
      const ends = recites ? NO_ENDS : eosTokenIds; // the prompt may have some; the writer knows where the answer begins
      stop = this.#scheduler.add({ prompt: known, maxTokens, eosTokenIds: ends, sampler, shifts, priority, constraint, drafts, vectors }, listener);
    } catch (error) {
      constraint?.dispose();
      throw error;
    }
    return events;
  }

  /** Who guesses what comes behind a prompt. Raises RequestValidationError where the model that should has another vocabulary. */
  #drafts({ isOff, prediction }: GuessRequest = {}, promptLength: number, sampler: Sampler, drafter: Session | undefined): DraftSource[] {
    if (isOff === true) return [];
    const predicted = prediction === undefined ? [] : [new Lookup(this.#parts.tokenizer.encodePart(prediction), promptLength)];
    if (drafter !== undefined) this.#checkVocabulary(drafter);
    const model = drafter === undefined ? [] : [new DraftModel((tokens, count) => drafter.continueTokens(tokens, count, sampler.copy()))];
    return [...predicted, new Lookup(), ...model];
  }

  #checkVocabulary(drafter: Session): void {
    if (this.#sameVocabulary.has(drafter)) return;
    if (drafter === this || !this.#parts.tokenizer.hasTokensOf(drafter.#parts.tokenizer)) {
      throw new RequestValidationError(
        `The model "${drafter.modelId}" cannot draft for "${this.modelId}": ${drafter === this ? "it is the same one" : "its vocabulary is another"}. `
        + "Name a smaller model of the same family, or leave `draft` out.", { param: "draft" });
    }
    this.#sameVocabulary.add(drafter);
  }

  /** What the model says behind these tokens, so many tokens of it, unless it answers somebody else: nothing then. */
  continueTokens(prompt: readonly number[], maxTokens: number, sampler: Sampler): Promise<readonly number[]> {
    if (this.#scheduler.isBusy || prompt.length >= this.#parts.runner.shape.contextLength) return Promise.resolve([]);
    return new Promise((resolve) => {
      const tokens: number[] = [];
      this.#scheduler.add({ prompt, maxTokens, eosTokenIds: new Set(), sampler }, {
        begin: () => undefined, token: (token) => { tokens.push(token); return false; }, end: () => resolve(tokens), fail: () => resolve([]),
      });
    });
  }

  /** With a bound for thoughts, where there is one and the model thinks. */
  #budgeted(budget: number | undefined, { format: { thinking }, isThinking }: ParserOptions, inner: Constraint | undefined): Constraint | undefined {
    if (budget === undefined || thinking === undefined) return inner;
    const { tokenizer } = this.#parts;
    const tags = [thinking.begin, thinking.end];
    return new ThinkingBudget({
      format: thinking, budget, isThinking, detokenizer: () => tokenizer.detokenizer(tags), encode: (text) => tokenizer.encodePart(text),
    }, inner);
  }

  /** The prompt, shortened as the request allows where it is too long. Raises ContextWindowSizeExceededError. */
  #fit({ prompt, overflow = "error", maxTokens = Infinity, thinkingBudget }: AnswerRequest, contextLength: number, shown: Shown): Encoded {
    const isThoughtless = thinkingBudget === 0;
    const whole = this.#encode(prompt, shown, isThoughtless);
    if (whole.tokens.length < contextLength) return whole;
    const most = roomForPrompt(contextLength, maxTokens);
    if (prompt.kind === "text" && prompt.suffix !== undefined && overflow !== "error") return this.#gap(prompt.text, prompt.suffix, most);
    if (prompt.kind !== "chat" && overflow !== "error") return { ...whole, tokens: cut(whole.tokens, overflow, most) };
    if (prompt.kind === "chat") {
      const encoded = (messages: readonly ChatMessage[]): Encoded => (
        this.#encode({ ...prompt, conversation: { ...prompt.conversation, messages } }, shown, isThoughtless));
      let [least, tokens] = [prompt.conversation.messages, whole.tokens.length];
      for (const messages of shortened(least, overflow)) {
        const shorter = encoded(messages);
        if (shorter.tokens.length <= most) return shorter;
        [least, tokens] = [messages, shorter.tokens.length];
      }
      for (let tries = overflow === "truncate_middle" ? MOST_CUTS : 0; tries > 0; tries--) {
        const characters = least.reduce((sum, { content }) => sum + content.length, 0);
        const messages = withoutMiddle(least, Math.ceil(characters * (1 - most / tokens)) + tries);
        if (messages === undefined) break;
        const shorter = encoded(messages);
        if (shorter.tokens.length <= most) return shorter;
        [least, tokens] = [messages, shorter.tokens.length];
      }
    }
    throw tooLong(prompt.kind, whole.tokens, contextLength, overflow);
  }

  /**
   * Each input's vector. Rejects with RequestValidationError or ContextWindowSizeExceededError, or with AbortError where the signal or
   * interrupt() ends it. accepted: called behind all that could be refused.
   */
  async embed(call: EmbeddingCall, signal: AbortSignal, accepted?: () => void): Promise<Embeddings> {
    await this.#ready;
    const { embedding, runner, tokenizer } = this.#parts;
    const most = Math.min(embedding?.maxTokens ?? Infinity, runner.shape.contextLength);
    const prompts = textsToEmbed(call, embedding).map((input) => {
      const { tokens } = this.#encode(input, NOTHING, false, "input");
      if (tokens.length === 0) throw new RequestValidationError("An input has no tokens.", { param: "input" });
      if (tokens.length <= most) return tokens;
      if (!call.truncate) {
        throw new ContextWindowSizeExceededError(
          `The text has ${tokens.length} tokens, and this model takes ${most}. Shorten it, or let its end be left out by truncate: true.`,
          { promptTokens: tokens.length, contextWindowSize: most, param: "input" });
      }
      return input.kind === "text" ? withoutEnd(tokens, tokenizer.encodePart(input.text), most) : tokens.slice(0, most);
    });
    return embed(this.#scheduler, prompts, runner.shape, poolFor(call, embedding, runner.shape), signal, accepted);
  }

  /** Tokens of the prompt that an answer to this request goes on behind. Rejects as `answer` does. */
  async promptTokens(request: AnswerRequest): Promise<number> {
    return this.#fit(request, this.#parts.runner.shape.contextLength, await this.#see(request.prompt)).tokens.length;
  }

  /** The tokens of a prompt, of pictures the model's own image token. Rejects with RequestValidationError, or where a picture cannot be had. */
  async encode(prompt: Prompt): Promise<readonly number[]> {
    const shown = await this.#see(prompt);
    return this.#asWords(this.#encode(prompt, shown).tokens, shown);
  }

  #asWords(tokens: readonly number[], shown: Shown): readonly number[] {
    return withoutIds(tokens, [...shown.values()], this.#senseOf);
  }

  /** Looks at the pictures of a prompt. */
  async #see(prompt: Prompt, signal?: AbortSignal): Promise<Shown> {
    const sources = prompt.kind === "chat" ? prompt.conversation.messages.flatMap(({ pictures = [] }) => pictures) : [];
    if (sources.length === 0) return NOTHING;
    for (const source of sources) this.#checkSense(source);
    const looking = childController(this.#preparing.signal);
    const leave = (): void => looking.abort();
    if (signal !== undefined) onAbort(looking.signal, onAbort(signal, leave));
    const seen = await abortable(this.#pictures.see(sources, this.#senseOf, looking.signal), looking.signal, "The request was interrupted.").finally(leave);
    return new Map(sources.flatMap((source, i) => { const one = seen[i]; return one === undefined ? [] : [[source, one] as const]; }));
  }

  /** Raises RequestValidationError where the model has not the sense for it. */
  #checkSense(source: MediaInput): void {
    const { vision, hearing } = this.#parts;
    if ((isSound(source) ? hearing : vision) !== undefined) return;
    const [what, does] = isSound(source) ? ["sound", "does not hear"] : ["picture", hearing === undefined ? "reads text alone" : "does not see"];
    const other = isSound(source) ? "hears" : "sees pictures";
    throw new RequestValidationError(
      `${source.path} is a ${what}, and the model "${this.modelId}" ${does}. Leave the part out, or load a model that ${other}.`, { param: source.path });
  }

  /** That of the model as it runs now. */
  readonly #senseOf = (source: MediaInput): Sense => {
    const { vision, hearing } = this.#parts;
    const sense = isSound(source) ? hearing : vision;
    if (sense === undefined) throw new InternalError("the model saw pictures before");
    return sense;
  };

  /** `isThoughtless`: a thought that the template begins is closed at once. `param`: the field of the request that has token ids. */
  #encode(prompt: Prompt, shown: Shown = NOTHING, isThoughtless = false, param = "prompt"): Encoded {
    const { tokenizer } = this.#parts;
    switch (prompt.kind) {
      case "chat": {
        const pictures = prompt.conversation.messages.flatMap(({ pictures: sources = [] }) => sources.flatMap((source) => shown.get(source) ?? []));
        const begun = withPrompts(this.#render(prompt.conversation), pictures, this.#senseOf);
        const { thinking } = this.#parts.format;
        const rendered = isThoughtless && thinking !== undefined && isThinking(begun, thinking) ? `${begun}\n${thinking.end}\n\n` : begun;
        return { rendered, tokens: withIds(tokenizer.encode(rendered, prompt.conversation.keepsTokens), pictures, this.#senseOf) };
      }
      case "text":
        return prompt.suffix === undefined ? { rendered: "", tokens: tokenizer.encodeText(prompt.text) } : this.#gap(prompt.text, prompt.suffix);
      case "tokens":
        return { rendered: "", tokens: tokenizer.known(prompt.tokens, param) };
    }
  }

  #gap(prefix: string, suffix: string, most = Infinity): Encoded {
    return { rendered: "", ...this.#parts.tokenizer.encodeInfill(prefix, suffix, most) };
  }

  #render(conversation: Conversation): string {
    const { tokenizer, format, vision, hearing } = this.#parts;
    if ((conversation.tools?.length ?? 0) > 0 && format.tools === undefined) {
      throw new RequestValidationError(
        "This model has no tools: its chat template speaks of none, or of none in a format that is known. Leave `tools` out, or build the model "
        + "with --tool-format.", { param: "tools" });
    }
    const marks = [vision, hearing].flatMap((sense) => (sense === undefined ? [] : [sense.settings.placeholder, sense.settings.image]));
    return tokenizer.render(conversation, marks);
  }

  /** The text of tokens. Raises RequestValidationError. */
  decode(tokens: readonly number[]): string {
    const { tokenizer } = this.#parts;
    const detokenizer = tokenizer.detokenizer();
    return tokenizer.known(tokens, "tokens").map((token) => detokenizer.push(token)).join("");
  }

  /** Ends all answers with "abort". */
  interrupt(): void {
    this.#preparing.abort();
    this.#preparing = new AbortController();
    this.#scheduler.interrupt();
    for (const orphan of this.#orphans) orphan.end("abort");
  }

  /** Forgets the conversations in the cache. */
  forget(): void {
    this.#parts.sequences.forget();
  }

  /** Ends the running answers with "abort", refuses those that wait, and frees the model. */
  close(): void {
    this.#preparing.abort();
    this.#scheduler.close(new AbortError("The model was unloaded before this request began."));
    for (const orphan of this.#orphans) orphan.end("abort");
    this.#life.abort(new AbortError("The model was unloaded."));
    this.#parts.dispose();
  }
}
