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
  /** How long it thought. */
  readonly thoughtSeconds?: number | undefined;
  /** What the model would have tools do. */
  readonly calls?: readonly Call[] | undefined;
  readonly ending: Ending;
  /** Tokens a second, for a finished answer. */
  readonly speed?: number | undefined;
  /** Of the conversation up to its end, as the engine counted them. */
  readonly tokens?: number | undefined;
  /** Who answered, where there was a choice. */
  readonly by?: string | undefined;
  /** Texts that came with a question. */
  readonly attachments?: readonly Attachment[] | undefined;
  /** Pictures and sounds that came with a question. */
  readonly pictures?: readonly MediaFile[] | undefined;
  readonly sounds?: readonly MediaFile[] | undefined;
  /** The model is not told this message any more: there is no room for it. */
  readonly leftOut?: boolean | undefined;
}

/** A file of text. */
export interface Attachment {
  readonly name: string;
  readonly text: string;
}

/** A picture, or a sound. */
export interface MediaFile {
  readonly name: string;
  /** What it shows, or what is heard in it, for those who do not see or hear it. */
  readonly description?: string | undefined;
  readonly data: Blob;
}

export function isSound({ data }: MediaFile): boolean {
  return data.type.startsWith("audio/");
}

export function mediaOf({ pictures = [], sounds = [] }: Pick<Message, "pictures" | "sounds">): MediaFile[] {
  return [...pictures, ...sounds];
}

/** A call of a tool, as the model writes it. */
export interface Call {
  readonly name: string;
  /** JSON, or the beginning of it. */
  readonly arguments: string;
  /** What the tool gave. */
  readonly result?: string | undefined;
}

type Files = Pick<Message, "attachments" | "pictures" | "sounds">;

/** What came with a message, and more. */
export function withMore(former: Files | undefined, more: Files): Files {
  const both = (key: keyof Files): object => {
    const files = [...former?.[key] ?? [], ...more[key] ?? []];
    return files.length > 0 ? { [key]: files } : {};
  };
  return { ...both("attachments"), ...both("pictures"), ...both("sounds") };
}

/** What the model is told of a message. */
export interface Turn extends Pick<Message, "role" | "text"> {
  readonly media?: readonly MediaFile[];
}

/** Whether an answer was cut, so that the model can go on with it. */
export function isCut({ role, text, ending }: Message): boolean {
  return role === "assistant" && text.trim() !== "" && (ending === "length" || ending === "abort");
}

/** The text of a message with those that came with it: behind them, because a question about a text is understood best when it was read. */
export function toldText({ text, attachments = [] }: Message): string {
  return [...attachments.map((file) => `${file.name}:\n\n${fenced(file.text)}`), text].join("\n\n");
}

/** In a fence that the text does not have. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([fence]) => fence.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text.replace(/\n$/, "")}\n${fence}`;
}

/**
 * What the model is told of a conversation. An answer that failed or is empty says nothing; the questions on both sides of it become one,
 * because templates want questions and answers in turn.
 */
export function turnsOf(messages: readonly Message[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    const { role, ending, leftOut } = message;
    const text = toldText(message);
    if (leftOut === true || (role === "assistant" && (text.trim() === "" || ending === "failed" || ending === "open"))) continue;
    const last = turns.at(-1);
    const media = [...(last?.role === role ? last.media ?? [] : []), ...mediaOf(message)];
    const shown = media.length > 0 ? { media } : {};
    if (last?.role === role) turns[turns.length - 1] = { role, text: `${last.text}\n\n${text}`, ...shown };
    else turns.push({ role, text, ...shown });
  }
  return turns;
}
