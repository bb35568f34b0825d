/** A message as it is shown. */

export const ROLES = ["user", "assistant"] as const;
export const ENDINGS = ["open", "stop", "length", "abort", "failed"] as const;

/** How a message ended. open: still being written; the others as finish_reason, or failed by an error. */
export type Ending = (typeof ENDINGS)[number];

export interface Message {
  readonly role: (typeof ROLES)[number];
  readonly text: string;
  /** What the model thought before it answered. It is not told again. */
  readonly thought?: string | undefined;
  readonly ending: Ending;
  /** Tokens a second, for a finished answer. */
  readonly speed?: number | undefined;
  /** Who answered, where there was a choice. */
  readonly by?: string | undefined;
  /** The model is not told this message any more: there is no room for it. */
  readonly leftOut?: boolean | undefined;
}
