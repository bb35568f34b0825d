/** A thread of a team: computes what others begin until it is ended. */

import { imports, prepareInstance } from "./instance.ts";

export interface ThreadOrders {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly entries: readonly string[];
  readonly team: number;
  /** Its stack's end; stacks grow downwards. */
  readonly stack: number;
}

/** "ready" answers orders; "go" is said to those that were in time, and from then on it hears nothing more. */
export type ThreadReply = "ready";

let serve: (() => void) | undefined;

globalThis.addEventListener("message", ({ data }: MessageEvent<ThreadOrders | "go">) => {
  if (data === "go") {
    serve?.();
    return;
  }
  const { module, memory, entries, team, stack } = data;
  const instance = new WebAssembly.Instance(module, imports(memory));
  const { exports, steps } = prepareInstance(instance, entries);
  const pointer = exports["__stack_pointer"];
  if (!(pointer instanceof WebAssembly.Global)) throw new TypeError("no stack pointer");
  pointer.value = stack;
  serve = () => steps.steps_serve(team);
  const ready: ThreadReply = "ready";
  globalThis.postMessage(ready);
});
