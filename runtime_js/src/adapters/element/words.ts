/** What the element says. */

import { WORDS, type ViewWords } from "../../view/words.ts";

export interface ElementWords extends ViewWords {
  /** What the element is, for those who hear it; model: its name. */
  readonly label: (model: string) => string;
  /** Above an empty conversation, where the page puts nothing into the element. */
  readonly welcome: string;
  readonly conversation: string;
  readonly message: string;
  readonly send: string;
  readonly stop: string;
  readonly toEnd: string;
  readonly changing: string;
  readonly leaveChange: string;
  /** Before a model is loaded; size: of its download, undefined where it is on this device already. */
  readonly about: (model: string) => string;
  readonly start: (size: string | undefined) => string;
  readonly loading: string;
  readonly cancel: string;
  readonly tryAgain: string;
  /** Told to those who hear it. */
  readonly ready: string;
  readonly answering: string;
  /** The browser does not let a page copy. */
  readonly copyRefused: string;
}

export const ELEMENT_WORDS: ElementWords = {
  ...WORDS,
  label: (model) => `Chat with ${model}`,
  welcome: "What would you like to know?",
  conversation: "Conversation",
  message: "Your message",
  send: "Send",
  stop: "Stop answering",
  toEnd: "Go to the end",
  changing: "Changing an earlier message: what follows it will be answered anew.",
  leaveChange: "Leave the message as it was",
  about: (model) => `${model} runs on this device itself. Nothing you write leaves this page.`,
  start: (size) => (size === undefined ? "Start" : `Download and start · ${size}`),
  loading: "The model is loading",
  cancel: "Cancel",
  tryAgain: "Try again",
  ready: "The model is ready.",
  answering: "The model is answering.",
  copyRefused: "The browser does not let this page copy. Select the text yourself.",
};
