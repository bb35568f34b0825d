/** Hooks for React 18 and 19. On a server they render what is before a load, and load nothing. */

import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { ChatStore, type ChatMessage, type ChatOptions, type ChatState } from "../state/chat_store.ts";
import { EngineStore, type Engine, type EngineState, type OpenOptions } from "../state/engine_store.ts";

export type { ChatMessage, ChatOptions, ChatState, Engine, EngineState, OpenOptions };

function useStore<S>(store: { readonly get: () => S; readonly subscribe: (listener: () => void) => () => void }): S {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}

export interface UsedEngine<E> extends EngineState<E> {
  readonly load: () => void;
  readonly unload: () => void;
}

/**
 * An engine for as long as the component is there: `useEngine((options) => createEngine(options))`. The function of the first render counts.
 * @param options auto: loads at once; default: when `load` is called, as after a click
 */
export function useEngine<E extends Engine>(open: (options: OpenOptions) => Promise<E>, options: { readonly auto?: boolean } = {}): UsedEngine<E> {
  const [store] = useState(() => new EngineStore(open));
  const { auto = false } = options;
  useEffect(() => {
    const leave = store.use();
    if (auto) store.load();
    return leave;
  }, [store, auto]);
  return { ...useStore(store), load: store.load, unload: store.unload };
}

export interface UsedChat extends ChatState {
  readonly send: (text: string) => Promise<void>;
  readonly regenerate: () => Promise<void>;
  readonly stop: () => void;
  readonly setMessages: (messages: readonly ChatMessage[]) => void;
}

/** A conversation with an engine. Options may change from render to render. */
export function useChat(engine: Engine | undefined, options: ChatOptions & { readonly initialMessages?: readonly ChatMessage[] } = {}): UsedChat {
  const { initialMessages, ...request } = options;
  const [store] = useState(() => new ChatStore(initialMessages));
  const latest = useRef(request);
  latest.current = request;
  useEffect(() => store.configure(engine, latest.current));
  useEffect(() => () => store.stop(), [store]);
  const { send, regenerate, stop, setMessages } = store;
  return { ...useStore(store), send, regenerate, stop, setMessages };
}
