/** Chrome's Prompt API, `LanguageModel`, on an engine: for browsers that have none, and for a model of one's own. */

import { abortable } from "../../support/abort.ts";
import { checkTools, readInputs, readSampling, still, toInitial, unsupported } from "./messages.ts";
import { CreateMonitor } from "./monitor.ts";
import { LanguageModelSession, PARTS, TEXTS, tokensOf } from "./session.ts";
import type { ToolCallPart } from "./tool_parts.ts";
import type { Availability, Content, CoreOptions, CreateOptions, ModelSource, OpenLoopOptions, PromptEngine } from "./types.ts";

export { LanguageModelSession };
export { LanguageModelToolCall, LanguageModelToolError, LanguageModelToolSuccess } from "./tool_parts.ts";
export type { ToolCallPart, ToolResultContent } from "./tool_parts.ts";
export type { CreateMonitor } from "./monitor.ts";
export type * from "./types.ts";

/** One whose answers may be calls of tools: `prompt` gives a list of parts then, text first, and `promptStreaming` ends with those calls. */
export type OpenLoopSession = LanguageModelSession<string | Content[], ToolCallPart>;

/** What stands for the global `LanguageModel`. */
export interface LanguageModelStatic {
  create(options?: CreateOptions): Promise<LanguageModelSession>;
  create(options: OpenLoopOptions): Promise<OpenLoopSession>;
  availability(options?: CoreOptions): Promise<Availability>;
  /** Its sessions are its instances. */
  [Symbol.hasInstance](value: unknown): boolean;
}

function isLanguageModel(value: unknown): value is LanguageModelStatic {
  return (typeof value === "function" || typeof value === "object") && value !== null && "create" in value && "availability" in value;
}

/** Sessions of all callers share one engine. */
export function createLanguageModel(source: ModelSource): LanguageModelStatic {
  const native: unknown = Reflect.get(globalThis, "LanguageModel");
  if (source.prefersNative === true && isLanguageModel(native)) return native;
  const monitors = new Set<(loaded: number) => void>();
  let engine: Promise<PromptEngine> | undefined;
  let isOpen = false;

  function open(): Promise<PromptEngine> {
    engine ??= source.open((loaded) => { for (const tell of monitors) tell(loaded); }).then((opened) => {
      isOpen = true;
      return opened;
    }, (error: unknown) => {
      engine = undefined;
      throw error;
    });
    return engine;
  }

  async function availability(options: CoreOptions = {}): Promise<Availability> {
    readSampling(options);
    if (readInputs(options, source) === undefined || await source.isPossible?.() === false) return "unavailable";
    if (isOpen) return "available";
    return engine !== undefined ? "downloading" : await source.isStored() ? "available" : "downloadable";
  }

  function create(options?: CreateOptions): Promise<LanguageModelSession>;
  function create(options: OpenLoopOptions): Promise<OpenLoopSession>;
  async function create(options: CreateOptions | OpenLoopOptions = {}): Promise<LanguageModelSession | OpenLoopSession> {
    const { signal, monitor, initialPrompts = [], tools = [] } = options;
    signal?.throwIfAborted();
    const sampling = readSampling(options);
    const inputs = readInputs(options, source);
    if (inputs === undefined) throw unsupported(`This model takes ${["text", ...(source.sees === true ? ["pictures"] : []), ...(source.hears === true ? ["sounds"] : [])].join(" and ")}, and writes text.`);
    checkTools(tools, options);
    const history = await still(toInitial(initialPrompts, inputs));
    const target = new CreateMonitor();
    monitor?.(target);
    const tell = (told: number): void => { if (signal?.aborted !== true) target.tell(told); };
    monitors.add(tell);
    try {
      tell(0);
      const opened = await abortable(open(), signal);
      tell(1);
      const toolTokens = await abortable(tokensOf(tools, opened), signal);
      const setting = { engine: opened, contextWindow: source.contextWindow, sampling, tools, toolTokens, inputs };
      const isOpenLoop = tools.some(({ execute }) => execute === undefined);
      const session = isOpenLoop
        ? new LanguageModelSession({ ...setting, answers: PARTS }, history, history.length)
        : new LanguageModelSession({ ...setting, answers: TEXTS }, history, history.length);
      await session.measured();
      signal?.throwIfAborted();
      return session.endWith(signal);
    } finally {
      monitors.delete(tell);
    }
  }

  function LanguageModel(): never {
    throw new TypeError("Illegal constructor");
  }
  Object.defineProperty(LanguageModel, Symbol.hasInstance, { value: (value: unknown) => value instanceof LanguageModelSession });
  return Object.assign(LanguageModel, { create, availability });
}
