/**
 * A program for Node, which the builder runs: whether the page can use a model's tokenizer and chat template.
 *
 * Reads {tokenizer, config, conversations, texts} from stdin: the text of tokenizer.json, what the manifest will carry, {messages, tools},
 * and texts. Writes {error} where the page would refuse the model, else {renders: [{text} or {error}], ids: [[id, ...], ...]}.
 */

import { Fields } from "../support/fields.ts";
import { readJsonObjects } from "../support/json.ts";
import { ChatTokenizer } from "./chat_tokenizer.ts";

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function check(request: Fields): object {
  const wrong = (text: string): Error => new Error(text);
  const tokenizerJson: unknown = JSON.parse(request.string("tokenizer", 2 ** 30));
  const tokenizer = new ChatTokenizer(tokenizerJson, new Fields(request.raw("config"), "tokenizer_config", wrong));
  const renders = request.objects("conversations", 16, (conversation) => {
    const messages = conversation.objects("messages", 16, (message) => ({ role: message.string("role", 64), content: message.string("content", 1 << 20) }));
    const tools = readJsonObjects(conversation, "tools", 16);
    try {
      return { text: tokenizer.render({ messages, tools }) };
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
