/** What views say. */

import type { Ending } from "./message.ts";

/** off: no model. early: what is sent waits for the model. ready: it is answered. busy: an answer is being written. */
export type ComposerMode = "off" | "early" | "ready" | "busy";

export interface ViewWords {
  readonly placeholders: Readonly<Record<ComposerMode, string>>;
  /** In front of a message, for those who do not see whose it is. */
  readonly wrote: string;
  readonly answered: string;
  /** While nothing of an answer is there, and above thoughts. */
  readonly thinking: string;
  readonly thoughts: string;
  /** time: how long, with its unit. */
  readonly thoughtFor: string;
  /** Above a call of a tool, and above what came back. */
  readonly calls: string;
  readonly result: string;
  readonly copy: string;
  readonly copyCode: string;
  readonly change: string;
  readonly again: string;
  /** Read an answer aloud. */
  readonly speak: string;
  readonly quote: string;
  /** With an answer that was cut. */
  readonly goOn: string;
  readonly formerVersion: string;
  readonly nextVersion: string;
  /** number, of: which of how many. */
  readonly version: string;
  readonly table: string;
  /** In front of who answered. */
  readonly from: string;
  /** Behind an answer; speed: a number. */
  readonly speed: string;
  /** Below the messages that are left out. */
  readonly leftOut: string;
  /** Why an answer ended. */
  readonly notes: Readonly<Partial<Record<Ending, string>>>;
}

export const WORDS: ViewWords = {
  placeholders: {
    off: "Start the model first", early: "Write while the model loads; it answers when it is ready", ready: "Write a message", busy: "Write a message",
  },
  wrote: "You wrote:",
  answered: "The model answered:",
  thinking: "Thinking…",
  thoughts: "Thoughts",
  thoughtFor: "Thought for {time}",
  calls: "Calls {name}",
  result: "Result",
  copy: "Copy",
  copyCode: "Copy code",
  change: "Change",
  again: "Answer again",
  speak: "Read aloud",
  quote: "Quote",
  goOn: "Continue",
  formerVersion: "Former version",
  nextVersion: "Next version",
  version: "Version {number} of {of}",
  table: "Table",
  from: "From",
  speed: "{speed} tokens/s",
  leftOut: "The model no longer sees what stands above.",
  notes: { length: "Stopped at the longest answer that the settings allow.", abort: "Stopped.", failed: "Broken off by an error." },
};
