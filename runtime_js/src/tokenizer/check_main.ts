/**
 * A program for Node, which the builder runs: whether the page can use a model's tokenizer and chat template.
 *
 * Reads {tokenizer, config, conversations, texts} from stdin: the text of tokenizer.json, what the manifest will carry, lists of messages,
 * and texts. Writes {error} where the page would refuse the model, else {renders: [{text} or {error}], ids: [[id, ...], ...]}.
 */

import { Fields } from "../support/fields.ts";
import { ChatTokenizer } from "./chat_tokenizer.ts";

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function check(request: Fields): object {
  const wrong = (text: string): Error => new Error(text);
  const tokenizerJson: unknown = JSON.parse(request.string("tokenizer", 2 ** 30));
  const tokenizer = new ChatTokenizer(tokenizerJson, new Fields(request.raw("config"), "tokenizer_config", wrong));
  const renders = request.array("conversations", 16, (conversation) => {
    if (!Array.isArray(conversation)) throw wrong("a conversation is a list");
    const messages = conversation.map((entry: unknown) => {
      const fields = new Fields(entry, "message", wrong);
      return { role: fields.string("role", 64), content: fields.string("content", 1 << 20) };
    });
    try {
      return { text: tokenizer.render({ messages }) };
    } catch (error) {
      return { error: message(error) };
    }
  });
  const ids = request.array("texts", 64, (text) => tokenizer.encode(String(text)));
  return { renders, ids };
}

const parts: Buffer[] = [];
for await (const part of process.stdin) parts.push(Buffer.from(part));
const request = new Fields(JSON.parse(Buffer.concat(parts).toString("utf8")), "", (text) => new Error(text));
let answer: object;
try {
  answer = check(request);
} catch (error) {
  answer = { error: message(error) };
}
process.stdout.write(JSON.stringify(answer));
