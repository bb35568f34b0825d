/** GPT-2's alphabet: each byte of UTF-8 as a character that can be seen. Printable Latin-1 stands for itself, other bytes for code points from 256 on, in order. */

function alphabet(): readonly string[] {
  const isPrintable = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}

export const CHARACTER_OF: readonly string[] = alphabet();
export const BYTE_OF: ReadonlyMap<string, number> = new Map(CHARACTER_OF.map((character, byte) => [character, byte]));

const ENCODER = new TextEncoder();
const PLAIN = /^[!-~]*$/;

export function spelledInBytes(text: string): string {
  if (PLAIN.test(text)) return text;
  let spelled = "";
  for (const byte of ENCODER.encode(text)) spelled += CHARACTER_OF[byte] ?? "";
  return spelled;
}
