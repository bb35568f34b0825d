/** `<llm-chat>`: a conversation with a model as an element for any page. Elements share engines; each has a conversation of its own. */

import { MLCEngineError, RequestValidationError, type ErrorCode } from "../../support/errors.ts";
import { Late, type Highlight, type LateScripts, type Markdown, type Mathematics } from "../../view/late.ts";
import { ENDINGS, ROLES } from "../../view/message.ts";
import { ChatStore, type ChatMessage, type ChatOptions, type ChatState } from "../state/chat_store.ts";
import type { Engine, EngineState, EngineStore } from "../state/engine_store.ts";
import { ChatView } from "./chat_view.ts";
import { Source, type ElementModel, type EngineAttributes, type OpenModel } from "./source.ts";
import style from "inline:./style.css";
import type { LLMChatElement, LLMChatMessage } from "./types.ts";
import { ELEMENT_WORDS, type ElementWords } from "./words.ts";

export type { ElementModel, ElementWords, Engine, OpenModel };
export type * from "./types.ts";

const ENGINE_ATTRIBUTES = ["model", "weights", "device", "shared"];
/** After these an engine must be loaded anew. */
const ENDS: readonly ErrorCode[] = ["DeviceLost", "GPUExecution", "OutOfMemory", "ModelNotLoaded", "Protocol", "Internal"];
const PROPERTIES = ["messages", "request", "words"];

/** Makes `name` an element that talks to one of the models. Outside of pages, where nothing is laid out (jsdom), and where the name is taken, nothing is done. */
export function defineChat(models: readonly ElementModel[], open: OpenModel, name = "llm-chat"): void {
  if (typeof customElements === "undefined" || typeof ResizeObserver === "undefined" || customElements.get(name) !== undefined) return;
  const source = new Source(models, open);
  const late: LateScripts = {
    markdown: new Late<Markdown>(() => import("../../view/markdown.ts")),
    highlight: new Late<Highlight>(() => import("../../view/highlight.ts")),
    mathematics: new Late<Mathematics>(() => import("../../view/mathematics.ts")),
  };
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);

  class LLMChat extends HTMLElement implements LLMChatElement {
    static readonly observedAttributes = [...ENGINE_ATTRIBUTES, "autostart", "placeholder"];
    readonly #root = this.attachShadow({ mode: "open", delegatesFocus: true });
    readonly #chat = new ChatStore();
    #request: ChatOptions = {};
    #words: ElementWords = ELEMENT_WORDS;
    #view: ChatView | undefined;
    #engines: EngineStore<Engine> | undefined;
    #leave: () => void = () => undefined;
    /** Ids of messages that events told of, or that the page gave. */
    readonly #told = new Set<string>();
    /** What the view was made for. */
    #attributes = "";
    #toldStatus: EngineState<Engine>["status"] = "idle";
    #toldProgress: unknown;
    #toldError: unknown;

    constructor() {
      super();
      this.#root.adoptedStyleSheets = [sheet];
      this.#chat.subscribe(() => this.#show());
    }

    connectedCallback(): void {
      this.#takeEarlyProperties();
      this.#attach();
    }

    /** The answer ends here, and the engine where nobody else has it. */
    disconnectedCallback(): void {
      this.#chat.stop();
      this.#detach();
    }

    /** Where a page moves it with `moveBefore`, all goes on. */
    connectedMoveCallback(): void {}

    attributeChangedCallback(attribute: string): void {
      if (!this.isConnected || this.#view === undefined) return;
      if (ENGINE_ATTRIBUTES.includes(attribute)) {
        this.#chat.stop();
        this.#detach();
        this.#attach();
      } else if (attribute === "autostart") this.#autostart();
      else this.#show();
    }

    get messages(): readonly LLMChatMessage[] {
      return this.#chat.get().messages.map(({ id: _, ...message }) => message);
    }

    set messages(messages: readonly LLMChatMessage[]) {
      const read = readMessages(messages);
      for (const { id } of read) this.#told.add(id);
      this.#chat.setMessages(read);
    }

    get request(): ChatOptions {
      return this.#request;
    }

    set request(request: ChatOptions) {
      this.#request = request;
    }

    get words(): Partial<ElementWords> {
      return this.#words;
    }

    set words(words: Partial<ElementWords>) {
      this.#words = { ...ELEMENT_WORDS, ...words };
      if (this.#view !== undefined) this.#build();
    }

    get status(): EngineState<Engine>["status"] {
      return this.#engines?.get().status ?? "idle";
    }

    load(): Promise<Engine> {
      return this.#engines?.open() ?? Promise.reject(new RequestValidationError("The element is in no document: insert it first."));
    }

    async ask(text: string): Promise<string> {
      const before = this.#chat.get().messages.length;
      await this.#configured().send(text);
      const { status, error, messages } = this.#chat.get();
      if (status === "failed") throw error;
      return messages[before + 1]?.content ?? "";
    }

    stop(): void {
      this.#chat.stop();
    }

    /** A page may have set them before this script was there. */
    #takeEarlyProperties(): void {
      for (const property of PROPERTIES) {
        const value: unknown = Object.getOwnPropertyDescriptor(this, property)?.value;
        if (value === undefined) continue;
        Reflect.deleteProperty(this, property);
        Reflect.set(this, property, value);
      }
    }

    /** The conversation, whose next request goes to the engine of now, which is loaded for it. */
    #configured(): ChatStore {
      const system = this.getAttribute("system") ?? undefined;
      const engine = this.load();
      engine.catch(() => undefined); // whoever asks is told
      this.#chat.configure(engine, { context_overflow: "drop_oldest", ...(system !== undefined && { system }), ...this.#request });
      return this.#chat;
    }

    #attach(): void {
      const attribute = (name: string): string | undefined => this.getAttribute(name) ?? undefined;
      const attributes: EngineAttributes = { model: attribute("model"), weights: attribute("weights"), device: attribute("device"), shared: this.hasAttribute("shared") };
      const store = this.#engines = source.engine(attributes);
      const leave = store.use();
      const unsubscribe = store.subscribe(() => this.#show());
      this.#leave = () => {
        unsubscribe();
        leave();
      };
      this.#toldStatus = "idle";
      const former = this.#attributes;
      this.#attributes = JSON.stringify(attributes);
      if (this.#view === undefined || this.#attributes !== former) this.#build();
      else this.#show();
      this.#autostart();
    }

    #autostart(): void {
      if (this.hasAttribute("autostart")) this.#engines?.load();
    }

    #detach(): void {
      this.#leave();
      this.#engines = undefined;
    }

    #build(): void {
      const facts = source.facts(this.getAttribute("model") ?? undefined);
      this.#view = new ChatView(this.#root, this.#words, late, facts, this.#chat, {
        start: () => this.#goOn(),
        cancel: () => {
          this.#chat.stop();
          this.#engines?.unload();
        },
        send: (text) => void this.#configured().send(text).catch(() => undefined), // it says what went wrong
        retry: () => void this.#configured().regenerate(),
        again: () => {
          const { error } = this.#chat.get();
          if (error instanceof MLCEngineError && ENDS.includes(error.code)) this.#engines?.unload();
          this.#goOn();
        },
      });
      this.#show();
    }

    /** Loads the model, and answers what waits for an answer. */
    #goOn(): void {
      const { status, messages } = this.#chat.get();
      if (status === "failed" || messages.at(-1)?.role === "user") void this.#configured().regenerate();
      else this.#engines?.load();
    }

    #show(): void {
      const engine = this.#engines?.get();
      if (engine === undefined) return;
      const chat = this.#chat.get();
      this.#view?.show(engine, chat, this.getAttribute("placeholder") ?? "");
      if (engine.status === "ready" && engine.engine !== undefined) void late.markdown.load();
      this.#tell(engine, chat);
    }

    /** Events of what is new. */
    #tell({ status, progress, error }: EngineState<Engine>, chat: ChatState): void {
      const events: Event[] = [];
      if (progress !== undefined && progress !== this.#toldProgress) events.push(new CustomEvent("progress", { detail: progress }));
      if (status === "ready" && this.#toldStatus !== "ready") events.push(new Event("ready"));
      for (const { id, ...message } of chat.messages) {
        if (message.ending === "open" || this.#told.has(id)) continue;
        this.#told.add(id);
        events.push(new CustomEvent<LLMChatMessage>("message", { detail: message }));
      }
      const failure: unknown = status === "failed" ? error : chat.error;
      if (failure !== undefined && failure !== this.#toldError) {
        events.push(new ErrorEvent("error", { error: failure, message: failure instanceof Error ? failure.message : String(failure) }));
      }
      [this.#toldStatus, this.#toldProgress, this.#toldError] = [status, progress, failure];
      for (const event of events) this.dispatchEvent(event);
    }
  }

  customElements.define(name, LLMChat);
}

function readMessages(messages: readonly LLMChatMessage[]): ChatMessage[] {
  return Array.from(messages, ({ role, content, reasoning = "", ending = "stop" }) => {
    if (!ROLES.includes(role) || typeof content !== "string" || typeof reasoning !== "string" || !ENDINGS.includes(ending)) {
      throw new RequestValidationError('A message of a conversation is { role: "user" or "assistant", content: a text }. What the model is told first is the attribute `system`.');
    }
    return { id: crypto.randomUUID(), role, content, reasoning, ending: ending === "open" ? "abort" : ending };
  });
}
