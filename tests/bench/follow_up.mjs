// How long a follow-up turn of a long chat takes on the CPU before its first GPU command, part by part.
//
//     node tests/bench/follow_up.mjs sites/chat/dist/model 90000

import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";

const RUNTIME = fileURLToPath(new URL("../../runtime_js/", import.meta.url));
const { buildSync } = createRequire(join(RUNTIME, "package.json"))("esbuild");
const SOURCE = `
export { ChatTokenizer } from "./src/tokenizer/chat_tokenizer.ts";
export { Fields } from "./src/support/fields.ts";
export { PrefixTree } from "./src/engine/prefix_tree.ts";
export { parseChatRequest } from "./src/api/openai/request.ts";
`;
const bundle = mkdtempSync(join(tmpdir(), "follow-up-"));
process.on("exit", () => rmSync(bundle, { recursive: true }));
const outfile = join(bundle, "bundle.mjs");
buildSync({ stdin: { contents: SOURCE, resolveDir: RUNTIME }, bundle: true, format: "esm", platform: "node", outfile, logLevel: "error" });
const { ChatTokenizer, Fields, PrefixTree, parseChatRequest } = await import(outfile);

const [folder, characters = "90000"] = process.argv.slice(2);
const read = (pattern) => JSON.parse(readFileSync(join(folder, readdirSync(folder).find((name) => pattern.test(name))), "utf8"));
const manifest = read(/^manifest.*json$/);
const tokenizer = new ChatTokenizer(read(/^tokenizer.*json$/), new Fields(manifest.tokenizer_config, "tokenizer_config", (message) => new Error(message)));

const WORDS = "the model reads what was said before and answers with a story of rivers, 12 birds and <b>a</b> small house; naïve café, too ".split(" ");
let word = 0;
const say = (length) => {
  let said = "";
  while (said.length < length) said += `${WORDS[(word = (word * 31 + 7) % 9973) % WORDS.length]} `;
  return said;
};
const chat = [];
while (chat.reduce((sum, { content }) => sum + content.length, 0) < Number(characters)) {
  chat.push({ role: chat.length % 2 === 0 ? "user" : "assistant", content: say(900) });
}
if (chat.length % 2 === 0) chat.pop();

/** Milliseconds that this process has computed: on a machine that does other things too, the clock tells less. */
const busy = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
const TURNS = 40;
const totals = [];
const tree = new PrefixTree();
for (let turn = 0; turn <= TURNS; turn++) { // the whole chat first, then ever other turns behind it
  const messages = turn === 0 ? chat : [...chat, { role: "assistant", content: say(600) }, { role: "user", content: say(300) }];
  const times = {};
  let last = busy();
  const lap = (name) => { const now = busy(); times[name] = (now - last).toFixed(2); last = now; };
  const { prompts: [{ conversation }] } = parseChatRequest({ messages });
  lap("request");
  const rendered = tokenizer.render(conversation);
  lap("render");
  const tokens = tokenizer.encode(rendered);
  lap("encode");
  const [found] = tree.matches(tokens);
  lap("lookup");
  tree.set(turn, tokens);
  lap("insert");
  const total = Object.values(times).reduce((sum, ms) => sum + Number(ms), 0);
  if (turn > 0) totals.push(total);
  if (turn < 5 || turn === TURNS) console.log(`${turn === 0 ? "first" : `turn ${turn}`}: ${messages.length} messages, ${rendered.length} characters, ${tokens.length} tokens, ${found?.length ?? 0} known: `
    + `${total.toFixed(2)} ms (${Object.entries(times).map(([name, ms]) => `${name} ${ms}`).join(", ")})`);
}
totals.sort((a, b) => a - b);
console.log(`${TURNS} turns: ${totals[0].toFixed(2)} ms at best, ${totals[TURNS >> 1].toFixed(2)} ms in the middle, ${totals[TURNS - 1].toFixed(2)} ms at most`);
