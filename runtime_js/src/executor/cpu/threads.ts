/// <reference path="../../support/inline.d.ts" />
/** The threads that help the one which runs the engine. Where some do not start, there are fewer; nobody waits for them for long. */

import type { Thread } from "../../support/platform.ts";
import { startThread } from "../../support/thread.ts";
import type { ThreadOrders, ThreadReply } from "./thread_worker.ts";
import script from "inline:./thread_worker.ts";

/** A browser may say nothing of a worker that it does not start. */
const START_MS = 10_000;

export class Threads {
  #running: readonly Thread<ThreadReply>[];
  /** Called where a thread ended by an error, as by a kernel that left its memory. */
  onFailure: () => void = () => undefined;

  private constructor(running: readonly Thread<ThreadReply>[]) {
    this.#running = running;
    for (const thread of running) thread.onerror = () => this.onFailure();
  }

  /** One for each of the stacks. Each compiles nothing: the module is compiled already. */
  static async start(orders: Omit<ThreadOrders, "stack">, stacks: readonly number[], signal: AbortSignal): Promise<Threads> {
    const started = await Promise.all(stacks.map((stack) => startOne({ ...orders, stack }, signal)));
    const running = started.filter((thread) => thread !== null);
    if (signal.aborted) for (const thread of running) thread.terminate();
    else for (const thread of running) thread.postMessage("go");
    return new Threads(running);
  }

  get count(): number {
    return this.#running.length;
  }

  terminate(): void {
    for (const thread of this.#running) thread.terminate();
    this.#running = [];
  }
}

/** Null where it is not ready in time. It does nothing before it is told to, so that one which comes late has taken no work along. */
function startOne(orders: ThreadOrders, signal: AbortSignal): Promise<Thread<ThreadReply> | null> {
  const thread = startThread<ThreadReply>(script);
  if (thread === null) return Promise.resolve(null);
  return new Promise((resolve) => {
    const settle = (isReady: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", refuse);
      thread.onmessage = thread.onerror = null;
      if (!isReady) thread.terminate();
      resolve(isReady ? thread : null);
    };
    const refuse = (): void => settle(false);
    const timer = setTimeout(refuse, START_MS);
    signal.addEventListener("abort", refuse, { once: true });
    thread.onmessage = () => settle(true);
    thread.onerror = refuse;
    thread.postMessage(orders);
  });
}
