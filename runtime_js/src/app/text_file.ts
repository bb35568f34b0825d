/** Files of text that somebody gives to the model. They come from anywhere: sizes and names are bounded, and what is no text is refused. */

import type { Attachment } from "../view/message.ts";

export const MAX_FILES = 10;
/** Of one: a context of 128k tokens holds about as much. */
export const MAX_FILE_BYTES = 1 << 20;
const MAX_NAME = 200;

/** By which a system offers files for choice. What others hold is looked at as well. */
export const TEXT_TYPES = "text/*,application/json,application/xml,application/yaml,.md,.markdown,.csv,.tsv,.log,.toml,.ini,.py,.js,.ts,.tsx,.jsx,.java,.c,.h,.cpp,.hpp,.cs,.go,.rs,.rb,.php,.sh,.sql,.tex,.srt";

export type FileFault = "tooLarge" | "notText" | "isEmpty";

/** Controls that no text has: all but tab, line feed, form feed, carriage return and escape. */
const CONTROLS = /[\u0000-\u0008\u000b\u000e-\u001a\u001c-\u001f]/;
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** On one line, without a folder, and without letters that change the direction of writing. */
export function plainName(name: string): string {
  const plain = (name.split(/[/\\]/).at(-1) ?? "").replaceAll(UNPRINTABLE, "").trim();
  return (plain === "" ? "?" : plain).slice(0, MAX_NAME);
}

/** By its byte order mark; without one it is UTF-8. */
function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}

export async function readTextFile(file: File): Promise<Attachment | FileFault> {
  if (file.size > MAX_FILE_BYTES) return "tooLarge";
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    const text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes);
    if (text.trim() === "") return "isEmpty";
    return CONTROLS.test(text) ? "notText" : { name: plainName(file.name), text };
  } catch {
    return "notText";
  }
}
