/** Who hears of calls. Text that was held for a call is certain when the call begins. */
export interface CallSink {
  /** A call may come: what is read from here on is held. */
  expect(): void;
  /** Raises Malformed where there is no such tool. */
  begin(name: string): void;
  /** A piece of its arguments' JSON. */
  piece(text: string): void;
}
