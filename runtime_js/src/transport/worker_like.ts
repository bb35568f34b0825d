/** What the client needs of a Worker. */
export interface WorkerLike {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: "message" | "messageerror" | "error", listener: (event: Event) => void): void;
  /** Ends the worker, where it can be ended. */
  terminate?(): void;
  /** Outside of browsers: the process waits for the worker, or does not. */
  ref?(): void;
  unref?(): void;
}
