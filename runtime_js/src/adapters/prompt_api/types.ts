/** The names of Chrome's Prompt API: https://webmachinelearning.github.io/prompt-api */

import type { ServedEngine } from "../../api/openai/fetch.ts";
import type { ChatCompletionMessageParam, ChatCompletionRequest } from "../../api/openai/types.ts";
import type { CreateMonitor } from "./monitor.ts";

export type Availability = "unavailable" | "downloadable" | "downloading" | "available";
export type SamplingMode =
  "most-predictable" | "predictable" | "slightly-predictable" | "balanced" | "slightly-creative" | "creative" | "most-creative";

export interface Content {
  readonly type: "text" | "image" | "audio" | "tool-call" | "tool-response";
  readonly value: unknown;
}

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly Content[];
  /** Of an assistant's last message: the answer goes on with it. */
  readonly prefix?: boolean;
}

/** What is no list is taken as a string, whatever it is. */
export type Prompt = string | readonly Message[];

export interface Expected {
  readonly type: Content["type"];
  readonly languages?: readonly string[];
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: object;
  /** Called with the arguments, an object. */
  readonly execute: (input: unknown) => Promise<string>;
}

/** A tool without `execute` is the page's to call: an answer then is a list of parts, those of the type tool-call among them. */
export type DeclaredTool = Omit<Tool, "execute"> & Partial<Pick<Tool, "execute">>;

export interface CoreOptions {
  readonly samplingMode?: SamplingMode;
  /** Of extensions; heeded where there is no `samplingMode`. */
  readonly topK?: number;
  readonly temperature?: number;
  readonly expectedInputs?: readonly Expected[];
  readonly expectedOutputs?: readonly Expected[];
  readonly tools?: readonly DeclaredTool[];
}

export interface CreateOptions extends CoreOptions {
  readonly tools?: readonly Tool[];
  /** Ends the session, too, when it is aborted later. */
  readonly signal?: AbortSignal;
  /** Gets what tells `downloadprogress`, from 0 to 1. */
  readonly monitor?: (monitor: CreateMonitor) => void;
  readonly initialPrompts?: readonly Message[];
}

/** Of a session whose tools the page runs: `expectedInputs` has "tool-response", `expectedOutputs` has "tool-call". */
export interface OpenLoopOptions extends Omit<CreateOptions, "tools"> {
  readonly tools: readonly DeclaredTool[];
}

export interface PromptOptions {
  /** A JSON Schema, or a regular expression, that the answer fits. */
  readonly responseConstraint?: object | RegExp;
  /** The model is not told of the constraint. */
  readonly omitResponseConstraintInput?: boolean;
  readonly signal?: AbortSignal;
}

/** What sessions run on. */
export interface PromptEngine {
  readonly chat: ServedEngine["chat"];
  countTokens(messages: readonly ChatCompletionMessageParam[], modelId?: string, options?: Pick<ChatCompletionRequest, "tools">): Promise<number>;
}

export interface ModelSource {
  /** Tokens that a conversation may have. */
  readonly contextWindow: number;
  /** Whether the model sees pictures. Default: it reads text alone. */
  readonly sees?: boolean | undefined;
  /** Whether it hears sounds. Default: it does not. */
  readonly hears?: boolean | undefined;
  /** Loads the model; called once, and again after it failed. `progress` is told numbers from 0 to 1. */
  open(progress: (loaded: number) => void): Promise<PromptEngine>;
  /** Whether all of the model is on this device. */
  isStored(): Promise<boolean>;
  /** Takes the browser's own LanguageModel where it has one. Default: false. */
  readonly prefersNative?: boolean | undefined;
  /** Whether it could run here at all. Default: yes. */
  isPossible?(): Promise<boolean>;
}
