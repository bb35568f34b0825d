/** Plain text and Markdown. */

import type { Section } from "../passages.ts";
import { DocumentError, MAX_CHARACTERS, type ReadDocument } from "./document.ts";

const MAX_HEADING = 200;

export async function readText(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<ReadDocument> {
  const text = decode(bytes).replace(/\r\n?/g, "\n");
  if (text.includes("\0")) throw new DocumentError("This is neither a text nor a PDF.");
  if (text.length > MAX_CHARACTERS) throw new DocumentError(`The text has ${text.length} characters, and ${MAX_CHARACTERS} are the most: split it into several files.`);
  return { text, sections: /\.(md|markdown|mdx)$/i.test(name) ? headings(text) : [], note: null };
}

function decode(bytes: Uint8Array<ArrayBuffer>): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** A section for each heading of Markdown that stands in no block of code, with the headings above it. */
export function headings(text: string): Section[] {
  const sections: Section[] = [{ start: 0, page: null, heading: null }];
  const above: string[] = [];
  let fence: string | null = null;
  for (const { 0: line, index } of text.matchAll(/^.*$/gm)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]?.slice(0, 3) ?? null;
    if (mark !== null) fence = fence === null ? mark : fence === mark ? null : fence;
    const found = fence === null ? /^ {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$/.exec(line) : null;
    if (found === null) continue;
    const [, marks = "", title = ""] = found;
    above.length = Math.min(above.length, marks.length - 1);
    above.push(title.slice(0, MAX_HEADING));
    const section = { start: index, page: null, heading: above.filter((part) => part !== undefined && part !== "").join(" › ") };
    if (index === 0) sections.pop();
    sections.push(section);
  }
  return sections;
}
