/** A conversation with the model, as the Prompt API's LanguageModel is one. */

import { ToolCalls } from "../../api/openai/tool_calls.ts";
import type { ChatCompletionChunk, ChatCompletionMessageParam, ChatCompletionMessageToolCall, ChatCompletionTool } from "../../api/openai/types.ts";
import { abortable, childController } from "../../support/abort.ts";
import { RequestValidationError } from "../../support/errors.ts";
import { checkOrder, readConstraint, still, telling, toMessages, type Constraint, type Inputs, type Sampling } from "./messages.ts";
import { partOf, type ToolCallPart } from "./tool_parts.ts";
import type { Content, DeclaredTool, Prompt, PromptEngine, PromptOptions, SamplingMode } from "./types.ts";

/** Rounds of tools that one prompt may take. */
const MAX_ROUNDS = 32;

/** What an answer is, with the calls that are left to the page. */
interface Answers<Answer, Call> {
  whole(text: string, calls: readonly ToolCallPart[]): Answer;
  /** What a stream ends with. */
  end(calls: readonly ToolCallPart[]): readonly Call[];
}

/** Where all calls are made here. */
export const TEXTS: Answers<string, never> = { whole: (text) => text, end: () => [] };
export const PARTS: Answers<string | Content[], ToolCallPart> = {
  whole: (text, calls) => (calls.length === 0 ? text : [...(text === "" ? [] : [{ type: "text", value: text } as const]), ...calls]),
  end: (calls) => calls,
};

interface Setting<Answer, Call> {
  readonly engine: PromptEngine;
  readonly contextWindow: number;
  readonly sampling: Sampling;
  readonly tools: readonly DeclaredTool[];
  /** Of the context, what the model is told of tools takes. */
  readonly toolTokens: number;
  readonly inputs: Inputs;
  readonly answers: Answers<Answer, Call>;
}

function destroyed(): DOMException {
  return new DOMException("The session was destroyed.", "InvalidStateError");
}

/** Of a prompt, or first prompts, for which there is no room. Older browsers have no class of that name. */
function tooLong(requested: number, quota: number): Error {
  const message = `The prompt is too long: ${requested} tokens for a context of ${quota}.`;
  const known: unknown = Reflect.get(globalThis, "QuotaExceededError");
  const error: unknown = typeof known === "function" ? Reflect.construct(known, [message, { requested, quota }]) : undefined;
  return error instanceof Error ? error : Object.assign(new DOMException(message, "QuotaExceededError"), { requested, quota });
}

/** A request that the engine refuses is one that the specification does not have. */
function told(error: unknown): unknown {
  return error instanceof RequestValidationError ? new DOMException(error.message, "NotSupportedError") : error;
}

function functions(tools: readonly DeclaredTool[]): ChatCompletionTool[] {
  return tools.map(({ name, description, inputSchema }) => ({ type: "function", function: { name, description, parameters: { ...inputSchema } } }));
}

/** Tokens that a model is told of tools in. Rejects with a NotSupportedError where it has none. */
export async function tokensOf(tools: readonly DeclaredTool[], engine: PromptEngine): Promise<number> {
  if (tools.length === 0) return 0;
  const messages = [{ role: "user", content: "" }] as const;
  const counts = Promise.all([engine.countTokens(messages, undefined, { tools: functions(tools) }), engine.countTokens(messages)]);
  const [telling, silent] = await counts.catch((error: unknown) => { throw told(error); });
  return telling - silent;
}

export class LanguageModelSession<Answer = string, Call = never> extends EventTarget {
  oncontextoverflow: ((event: Event) => void) | null = null;
  /** The name that this event had before. */
  onquotaoverflow: ((event: Event) => void) | null = null;
  readonly #setting: Setting<Answer, Call>;
  /** What is never left out. */
  readonly #kept: number;
  readonly #life = new AbortController();
  #history: readonly ChatCompletionMessageParam[];
  #usage = 0;
  /** Prompts come one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(setting: Setting<Answer, Call>, history: readonly ChatCompletionMessageParam[], kept: number) {
    super();
    this.#setting = setting;
    this.#history = history;
    this.#kept = kept;
    this.addEventListener("contextoverflow", (event) => this.oncontextoverflow?.(event));
    this.addEventListener("quotaoverflow", (event) => this.onquotaoverflow?.(event));
  }

  /** Ends the session when the signal does, with its reason. */
  endWith(signal: AbortSignal | undefined): this {
    signal?.addEventListener("abort", () => this.#life.abort(signal.reason), { once: true, signal: this.#life.signal });
    return this;
  }

  /** Counts what the conversation holds. Raises a QuotaExceededError where the first prompts do not fit. */
  async measured(): Promise<this> {
    await this.#measure();
    const { contextWindow } = this.#setting;
    if (this.#usage >= contextWindow) throw tooLong(this.#usage, contextWindow);
    return this;
  }

  async #measure(): Promise<void> {
    const { engine, toolTokens } = this.#setting;
    this.#usage = toolTokens + (this.#history.length === 0 ? 0 : await engine.countTokens(this.#history));
  }

  get contextUsage(): number {
    return Math.min(this.#usage, this.contextWindow); // an answer may have filled it, and its end has no room
  }

  get contextWindow(): number {
    return this.#setting.contextWindow;
  }

  /** The names that these two had before. */
  get inputUsage(): number {
    return this.contextUsage;
  }

  get inputQuota(): number {
    return this.contextWindow;
  }

  get samplingMode(): SamplingMode {
    return this.#setting.sampling.mode;
  }

  async prompt(input: Prompt, options: PromptOptions = {}): Promise<Answer> {
    let text = "";
    const pieces = this.#pieces(input, options, this.#begin(options.signal));
    let next = await pieces.next();
    for (; next.done !== true; next = await pieces.next()) text += next.value;
    return this.#setting.answers.whole(text, next.value);
  }

  /** Raises what the session, or the signal, was ended with. */
  promptStreaming(input: Prompt, options: PromptOptions = {}): ReadableStream<string | Call> {
    const pieces = this.#pieces(input, options, this.#begin(options.signal));
    const { answers } = this.#setting;
    return new ReadableStream<string | Call>({
      async pull(controller) {
        const next = await pieces.next();
        if (next.done !== true) return controller.enqueue(next.value);
        for (const call of answers.end(next.value)) controller.enqueue(call);
        controller.close();
      },
      async cancel() {
        await pieces.return([]);
      },
    });
  }

  /** Yields the answer's text, and gives the calls that are left to the page. */
  async *#pieces(input: Prompt, options: PromptOptions, begun: AbortController): AsyncGenerator<string, readonly ToolCallPart[], void> {
    const { signal } = begun;
    let done: () => void = () => undefined;
    const before = this.#turn;
    this.#turn = Promise.all([before, new Promise<void>((resolve) => { done = resolve; })]);
    try {
      const constraint = readConstraint(options);
      const messages = still(toMessages(input, this.#setting.inputs));
      messages.catch(() => undefined); // it is told when its turn comes
      await abortable(before, signal);
      const given = await messages;
      checkOrder(given, this.#history.length === 0);
      const asked = telling(given.length === 0 ? [{ role: "user", content: "" }] : given, constraint?.told ?? "");
      await this.#makeRoom(asked);
      const [answer, calls] = yield* this.#answer([...this.#history, ...asked], constraint, signal);
      this.#history = [...this.#history, ...behindPrefix(asked, answer)];
      await this.#measure();
      return calls;
    } catch (error) {
      signal.throwIfAborted(); // with the reason itself
      throw told(error);
    } finally {
      done();
      begun.abort();
    }
  }

  /** Aborted with the session, or by whoever asks. Whoever is done aborts it, so that neither remembers it. */
  #begin(asked: AbortSignal | undefined): AbortController {
    this.#life.signal.throwIfAborted();
    asked?.throwIfAborted();
    const begun = childController(this.#life.signal);
    asked?.addEventListener("abort", () => begun.abort(asked.reason), { once: true, signal: begun.signal });
    return begun;
  }

  /** Yields the answer's text, and gives the messages that it came to, those of tools among them, and the calls that are left to the page. */
  async *#answer(
    conversation: readonly ChatCompletionMessageParam[], constraint: Constraint | undefined, signal: AbortSignal,
  ): AsyncGenerator<string, [ChatCompletionMessageParam[], readonly ToolCallPart[]], void> {
    const { engine, sampling: { mode: _, ...sampling }, tools } = this.#setting;
    const said: ChatCompletionMessageParam[] = [];
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const pieces = await engine.chat.completions.create({
        messages: behindPrefix(conversation, said), stream: true, ...sampling,
        ...(constraint && { response_format: constraint.format }),
        ...(tools.length > 0 && { tools: functions(tools) }),
      }, { signal });
      const message = new Said();
      for await (const piece of pieces) {
        const text = message.take(piece);
        if (text !== "") yield text;
      }
      said.push(message.message);
      if (message.calls.length === 0) return [said, []];
      const isOurs = message.calls.every(({ function: { name } }) => tools.find((tool) => tool.name === name)?.execute !== undefined);
      if (!isOurs && tools.some(({ execute }) => execute === undefined)) return [said, message.calls.map(partOf)];
      said.push(...await Promise.all(message.calls.map((call) => this.#call(call))));
      signal.throwIfAborted();
    }
    throw new DOMException(`The model called tools ${MAX_ROUNDS} times and gave no answer.`, "OperationError");
  }

  async #call(call: ChatCompletionMessageToolCall): Promise<ChatCompletionMessageParam> {
    const { name, arguments: text } = call.function;
    const tool = this.#setting.tools.find((one) => one.name === name);
    let content: string;
    try {
      content = tool?.execute === undefined ? `There is no tool "${name}".` : String(await tool.execute(JSON.parse(text)));
    } catch (error) {
      content = `The tool failed: ${String(error)}`;
    }
    return { role: "tool", tool_call_id: call.id, content };
  }

  /** Leaves out the oldest turns where a prompt does not fit otherwise. */
  async #makeRoom(asked: readonly ChatCompletionMessageParam[]): Promise<void> {
    const { engine, contextWindow, toolTokens } = this.#setting;
    const fits = async (history: readonly ChatCompletionMessageParam[]): Promise<boolean> => toolTokens + await engine.countTokens([...history, ...asked]) < contextWindow;
    let history = this.#history;
    while (!await fits(history)) {
      const next = history.findIndex(({ role }, i) => i > this.#kept && role === "user");
      if (history.length <= this.#kept) throw tooLong(await this.#added(history, asked), contextWindow);
      history = [...history.slice(0, this.#kept), ...(next < 0 ? [] : history.slice(next))];
    }
    if (history === this.#history) return;
    this.#history = history;
    this.dispatchEvent(new Event("contextoverflow"));
    this.dispatchEvent(new Event("quotaoverflow"));
  }

  /** Tokens that messages add to others. */
  async #added(history: readonly ChatCompletionMessageParam[], asked: readonly ChatCompletionMessageParam[]): Promise<number> {
    const { engine } = this.#setting;
    if (asked.length === 0) return 0;
    return await engine.countTokens([...history, ...asked]) - (history.length === 0 ? 0 : await engine.countTokens(history));
  }

  /** Messages that the next prompt goes on behind. */
  async append(input: Prompt, { signal }: { readonly signal?: AbortSignal } = {}): Promise<undefined> {
    const shown = still(toMessages(input, this.#setting.inputs));
    const begun = this.#begin(signal);
    const work = this.#turn.then(async () => {
      const messages = await shown;
      begun.signal.throwIfAborted();
      checkOrder(messages, this.#history.length === 0);
      await this.#makeRoom(messages);
      begun.signal.throwIfAborted();
      this.#history = [...this.#history, ...messages];
      await this.#measure();
    });
    this.#turn = work.catch(() => undefined);
    await abortable(work, begun.signal).finally(() => begun.abort());
    return undefined;
  }

  /** Tokens that a prompt would add. */
  async measureContextUsage(input: Prompt, options: PromptOptions = {}): Promise<number> {
    const messages = toMessages(input, this.#setting.inputs);
    checkOrder(messages, true);
    const history = messages[0]?.role === "system" ? [] : this.#history;
    const asked = telling(messages, readConstraint(options)?.told ?? "");
    const begun = this.#begin(options.signal);
    return abortable(this.#added(history, asked), begun.signal).finally(() => begun.abort());
  }

  /** The name that this had before. */
  measureInputUsage(input: Prompt, options: PromptOptions = {}): Promise<number> {
    return this.measureContextUsage(input, options);
  }

  /** The conversation twice, each to go on by itself; what both have in common is computed once. */
  async clone({ signal }: { readonly signal?: AbortSignal } = {}): Promise<LanguageModelSession<Answer, Call>> {
    const begun = this.#begin(signal);
    try {
      await abortable(this.#turn, begun.signal);
      begun.signal.throwIfAborted();
    } finally {
      begun.abort();
    }
    const clone = new LanguageModelSession(this.#setting, this.#history, this.#kept);
    clone.#usage = this.#usage;
    return clone.endWith(signal);
  }

  destroy(): undefined {
    this.#life.abort(destroyed());
  }
}

/** What was asked and answered: an answer that goes on with the assistant's last message is one message with it. */
function behindPrefix(asked: readonly ChatCompletionMessageParam[], answer: readonly ChatCompletionMessageParam[]): ChatCompletionMessageParam[] {
  const [prefix, [first, ...more]] = [asked.at(-1), answer];
  if (prefix?.role !== "assistant" || typeof prefix.content !== "string" || first === undefined) return [...asked, ...answer];
  return [...asked.slice(0, -1), { ...first, content: `${prefix.content}${first.content ?? ""}` }, ...more];
}

/** An answer as it comes. */
class Said {
  readonly #calls = new ToolCalls();
  #text = "";

  take({ choices: [choice] }: ChatCompletionChunk): string {
    const delta = choice?.delta ?? {};
    this.#calls.take(delta);
    this.#text += delta.content ?? "";
    return delta.content ?? "";
  }

  get calls(): ChatCompletionMessageToolCall[] {
    return this.#calls.all;
  }

  get message(): ChatCompletionMessageParam {
    const { calls } = this;
    return { role: "assistant", content: this.#text, ...(calls.length > 0 && { tool_calls: calls }) };
  }
}
