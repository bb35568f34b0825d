// How long 100 KB of text take to encode, whatever they are: node tests/bench/tokenizers.mjs tokenizer.json...
// For each the slowest texts, in milliseconds of processor time, the encoder new each time: what was encoded before is remembered. Half a second is the aim.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(new URL("../../runtime_js/package.json", import.meta.url));
const outfile = join(tmpdir(), `tokenizers-${process.pid}.mjs`);
await require("esbuild").build({
  stdin: {
    contents: 'export { Encoder } from "./src/tokenizer/encoder.ts"; export { readAddedTokens } from "./src/tokenizer/added_tokens.ts"; export { Fields } from "./src/support/fields.ts";',
    resolveDir: new URL("../../runtime_js", import.meta.url).pathname,
  },
  outfile, bundle: true, format: "esm", platform: "node", logLevel: "warning",
});
const { Encoder, Fields, readAddedTokens } = await import(pathToFileURL(outfile));

const SIZE = 100_000;
let seed = 1;
const below = (most) => (seed = (seed * 48271) % 2147483647) % most;
const drawn = (pool) => { let text = ""; while (text.length < SIZE) text += pool[below(pool.length)]; return text; };
const words = Array.from({ length: 3000 }, () => Array.from({ length: 1 + below(9) }, () => "abcdefghijklmnopqrstuvwxyz"[below(26)]).join(""));
const TEXTS = {
  "prose": drawn(words.map((word) => `${word} `)), "newlines": "\n".repeat(SIZE), "line ends": "\r\n".repeat(SIZE / 2), "spaces": " ".repeat(SIZE), "spaces, a letter": `${" ".repeat(SIZE)}x`,
  "tabs": "\t".repeat(SIZE), "spaces and newlines": " \n".repeat(SIZE / 2), "a letter": "a".repeat(SIZE), "a capital": "A".repeat(SIZE), "a digit": "7".repeat(SIZE), "digits": drawn("0123456789"),
  "a sign": "=".repeat(SIZE), "signs": drawn("!?.,;:()[]{}<>=+-*/&|%$#@^~'\""), "letters, no spaces": drawn("abcdefghijklmnopqrstuvwxyz"), "both cases": drawn("aBcDeFgHiJ"),
  "letters and digits": drawn("a1b2c3"), "contractions": "'s".repeat(SIZE / 2), "emoji": "😀".repeat(SIZE / 2), "many emoji": drawn(Array.from({ length: 300 }, (_, i) => String.fromCodePoint(0x1f600 + i % 80, 0x1f300 + i))),
  "families": "👩‍👩‍👧‍👦".repeat(SIZE / 11), "CJK": drawn(Array.from({ length: 3000 }, (_, i) => String.fromCodePoint(0x4e00 + i))), "a CJK character": "漢".repeat(SIZE), "Hangul": drawn(Array.from({ length: 3000 }, (_, i) => String.fromCodePoint(0xac00 + i))),
  "Devanagari": drawn("नमस्ते दुनिया क्षत्रिय".match(/./gu)), "Arabic": drawn("مرحبا بالعالم السلام"), "Thai": drawn("สวัสดีชาวโลกน้ำ"), "accents": "\u0301".repeat(SIZE), "letters with accents": "e\u0301".repeat(SIZE / 2), "control": drawn(Array.from({ length: 32 }, (_, i) => String.fromCharCode(i))),
  "private use": drawn(Array.from({ length: 500 }, (_, i) => String.fromCodePoint(0xf0000 + 7 * i))), "a and spaces": drawn("a  "), "marks of spaces": "\u2581".repeat(SIZE), "one of 99 letters": `${"a".repeat(99)} `.repeat(SIZE / 100), "words of 99 letters": drawn(Array.from({ length: 400 }, (_, i) => `${words.slice(7 * i, 7 * i + 30).join("").slice(0, 99)} `)),
  "anything": drawn(Array.from({ length: 4000 }, () => String.fromCodePoint(below(4) === 0 ? below(0xd7ff) : below(0x300)))), "halves of pairs": "\ud83d".repeat(SIZE), "code": drawn(["if (", "x", " === ", "null) {\n", "    return ", "foo_bar", ";\n", "}\n\n", "\t", "// ", "[0]"]), "angle brackets": "<|".repeat(SIZE / 2),
};

for (const path of process.argv.slice(2)) {
  const json = JSON.parse(readFileSync(path, "utf8"));
  const added = readAddedTokens(new Fields(json, "", Error));
  new Encoder(json, added).encode(TEXTS.prose);
  const times = Object.entries(TEXTS).map(([name, text]) => {
    const encoder = new Encoder(json, added);
    const before = process.cpuUsage();
    const count = encoder.encode(text).length;
    const { user, system } = process.cpuUsage(before);
    return { name, ms: (user + system) / 1000, count };
  }).sort((a, b) => b.ms - a.ms);
  console.log(path.split("/").slice(-2).join("/"), times.slice(0, 6).map(({ name, ms }) => `${name} ${ms.toFixed(0)}`).join(", "));
}
