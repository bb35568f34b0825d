/** What the runtime reads of strangers. Each target makes an input, reads it, and says which errors are words for it. */

import { readdirSync, readFileSync } from "node:fs";
import { parseChatRequest, parseEmbeddingRequest, parseTextRequest } from "../../src/api/openai/request.ts";
import { parseResponseRequest } from "../../src/api/openai/responses/request.ts";
import { fromJson } from "../../src/app/sidebar/transfer.ts";
import { patternGrammar, PatternError } from "../../src/engine/structure/pattern.ts";
import { schemaGrammar } from "../../src/engine/structure/schema.ts";
import { SchemaError } from "../../src/engine/structure/schema_fields.ts";
import { parsePlan } from "../../src/executor/plan.ts";
import { OutputParser } from "../../src/formats/parser.ts";
import { eventData } from "../../src/hybrid/event_stream.ts";
import { withPixels } from "../../src/media/decode.ts";
import { parseProcessor } from "../../src/media/settings.ts";
import { readWav } from "../../src/media/sound/wav_reader.ts";
import { wavOf } from "../../src/media/sound/wav.ts";
import { parseManifest } from "../../src/storage/manifest.ts";
import { ManifestError, RemoteError, RequestValidationError } from "../../src/support/errors.ts";
import { Fields } from "../../src/support/fields.ts";
import { readAddedTokens } from "../../src/tokenizer/added_tokens.ts";
import { Encoder } from "../../src/tokenizer/encoder.ts";
import { ChatJinja } from "../../src/tokenizer/jinja/chat_jinja.ts";
import { ENDPOINTS } from "../fakes/api_schema.ts";
import * as formats from "../fakes/formats.ts";
import { manifestObject } from "../fakes/model.ts";
import { FAKE_WGSL, fakePlan } from "../fakes/plan.ts";
import { chunk, png } from "../fakes/png.ts";
import { pick, valid, type Random } from "../fakes/schema.ts";
import { mutatedBytes, mutatedJson, mutatedText } from "./mutation.ts";

interface Target {
  /** What it reads. */
  readonly reads: string;
  readonly read: (random: Random) => Promise<unknown>;
  /** Whether an error is one that its callers know. */
  readonly names: (error: unknown) => boolean;
}

const is = (...classes: readonly (abstract new (...given: never[]) => Error)[]) => (error: unknown): boolean => classes.some((one) => error instanceof one);
/** An Error with words, and none that the language raises. */
const isPlain = (error: unknown): boolean => error instanceof Error && Object.getPrototypeOf(error) === Error.prototype && error.message !== "";
const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const chars = (random: Random, from: string, length: number): string => Array.from({ length }, () => from[Math.floor(random() * from.length)]).join("");

const FIXTURES = "../tests/fixtures";
const PICTURES = Object.values(Object(json("test/golden/pictures.json")));
const SCHEMAS = Object.values(Object(json(`${FIXTURES}/json_schemas.json`)));
const TOKENIZERS = [json(`${FIXTURES}/tiny-llama/tokenizer.json`)];
const TEMPLATES = readdirSync(`${FIXTURES}/templates`).filter((name) => name.endsWith(".jinja")).map((name) => readFileSync(`${FIXTURES}/templates/${name}`, "utf8"));
const SNIPPETS = readFileSync("../tests/golden/jinja_snippets.txt", "utf8").split("\n").filter((line) => line !== "");
const FORMATS = Object.values(formats).filter((format) => typeof format === "object");
const [MANIFEST, PLAN, TOWER] = [manifestObject(), fakePlan(), fakePlan(true)];
const CONVERSATION = {
  messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "What is the sky?" }, { role: "assistant", content: "Blue." }, { role: "user", content: "Why?" }],
  add_generation_prompt: true, bos_token: "<s>", eos_token: "</s>", enable_thinking: true,
  tools: [{ type: "function", function: { name: "look", description: "Looks.", parameters: { type: "object", properties: { at: { type: "string" } } } } }],
};
const JINJA_WORDS = [
  "{{", "}}", "{%", "%}", "-%}", "{#", "#}", "{% for m in messages %}", "{% endfor %}", "{% if x %}", "{% endif %}", "{% set x = x ~ x %}", "namespace(a=1)", "messages", "loop.index",
  "range(10**9)", "'a' * 10**9", "[0] * 10**8", "| tojson", "| join", "| map(attribute='role')", "| sort", "| replace('', 'aa')", ".split('')", "[::-1]", "[1:10**20]", "**", "//", "%", "is defined",
  "{% macro f(x) %}", "{{ f(f) }}", "{% endmacro %}", "{{ f(1) }}", "not", "(", ")", "~", "1e999", "0x", "'", '"', "\\", "-", "1", ".__class__", "| indent(10**9)", "| format", "{% break %}", "{% generation %}",
  ".zfill(10**9)", ".expandtabs(10**9)", ".expandtabs(0)", ".ljust(-1)", ".center(10**9)", "| tojson(indent=10**9)", "| round(-400)", "| center(10**9)", "'%.999f' % 1.5", "'{:.120g}'.format(2.5)",
  "'\\U00ffffff'", "| truncate(-1)", "| wordwrap(0)", "| batch(0)", "| slice(0)", "| random", "strftime_now('%')", "dict(a=1)", "loop.cycle()", "| dictsort", "| groupby('role')", "cycler()", "joiner()", "lipsum()",
];
const PATTERN_WORDS = ["(", ")", "[", "]", "{1,3}", "{1000,}", "*", "+", "?", "|", "^", "$", ".", "\\d", "\\w", "\\b", "(?:", "(?=", "(?<a>", "\\1", "\\u{1f600}", "[^a-z]", "[\\s\\S]", "a", "\\p{L}", "-", "\\"];

const PLTE = chunk("PLTE", Uint8Array.of(1, 2, 3, 40, 50, 60));
const PNGS = [
  png(2, 5, 8, 2, [[0, 1, 2, 3, 4, 5, 6], [1, 1, 2, 3, 3, 3, 3], [2, 1, 1, 1, 1, 1, 1], [3, 9, 9, 9, 9, 9, 9], [4, 1, 1, 1, 1, 1, 1]]),
  png(1, 1, 16, 6, [[0, 1, 2, 3, 4, 5, 6, 7, 8]]), png(5, 1, 2, 0, [[0, 0b00011011, 0b01000000]]),
  png(3, 1, 1, 3, [[0, 0b01000000]], [PLTE, chunk("tRNS", Uint8Array.of(0))]),
];
const TONE = Float32Array.from({ length: 200 }, (_, i) => Math.sin(i / 5));

const CHATS = {
  format: "webllm-build chats", version: 1,
  chats: [{
    id: "a", title: "Sky", created: 1, updated: 2, pinned: false, leaf: "2", settings: { temperature: 0.5, system: "Be brief." },
    messages: [
      { id: "1", role: "user", text: "Look", ending: "stop", at: 1, attachments: [{ name: "a.txt", text: "b" }], pictures: [{ name: "a.png", data: "data:image/png;base64,iVBORw0K" }] },
      { id: "2", parent: "1", role: "assistant", text: "Blue", thought: "hm", ending: "stop", at: 2, speed: 3, tokens: 4, calls: [{ id: "c", name: "look", arguments: "{}" }] },
    ],
  }],
};

function request(parse: (value: unknown) => unknown, ...paths: readonly string[]): Target {
  return {
    reads: `requests: ${paths.join(", ")}`, names: is(RequestValidationError),
    read: async (random) => {
      const { fields = {}, needed = [] } = ENDPOINTS[pick(random, paths)] ?? {};
      const kept = Object.entries(fields).filter(([key]) => needed.includes(key) || random() < 0.3);
      parse(mutatedJson(random, Object.fromEntries(kept.map(([key, spec]) => [key, valid(spec, random)])), [CONVERSATION]));
    },
  };
}

export const TARGETS: Readonly<Record<string, Target>> = {
  manifest: { reads: "manifests", names: is(ManifestError), read: async (random) => parseManifest(mutatedJson(random, MANIFEST, [PLAN])) },
  plan: { reads: "plans of libraries", names: is(ManifestError), read: async (random) => parsePlan(mutatedJson(random, random() < 0.3 ? TOWER : PLAN, [MANIFEST]), FAKE_WGSL) },
  processor: {
    reads: "settings of pictures in manifests", names: is(ManifestError),
    read: async (random) => {
      const settings = PICTURES.flatMap((one) => (Object(one).settings === undefined ? [] : [Object(one).settings]));
      return parseProcessor(new Fields(mutatedJson(random, pick(random, settings), settings), "processor", (message) => new ManifestError(message)));
    },
  },
  chat: request(parseChatRequest, "chat/completions"),
  completion: request(parseTextRequest, "completions"),
  embedding: request(parseEmbeddingRequest, "embeddings"),
  response: {
    reads: "requests: responses", names: is(RequestValidationError),
    read: async (random) => {
      const items = [{ role: "user", content: "hi" }, { role: "user", content: [{ type: "input_text", text: "x" }, { type: "input_image", image_url: "data:image/png;base64,AA==" }] },
        { type: "function_call", call_id: "c", name: "look", arguments: "{}" }, { type: "function_call_output", call_id: "c", output: "blue" }];
      const body = { model: "m", input: random() < 0.3 ? "hi" : items, instructions: "x", max_output_tokens: 9, temperature: 1, stream: false, tool_choice: "auto", text: { format: { type: "json_schema", name: "a", schema: {} } },
        tools: [{ type: "function", name: "look", parameters: { type: "object" }, strict: true }], reasoning: { effort: "low" }, metadata: { a: "b" }, store: false };
      return parseResponseRequest(mutatedJson(random, body, [CONVERSATION]));
    },
  },
  events: {
    reads: "server-sent events of a remote model", names: is(RemoteError),
    read: async (random) => {
      const bytes = mutatedBytes(random, new TextEncoder().encode('data: {"choices": [{"delta": {"content": "é"}}]}\r\n\r\n: ping\n\ndata:a\ndata: b\n\rdata: [DONE]\n\n'));
      let at = 0;
      const pull = (to: ReadableStreamDefaultController<Uint8Array>): void => (at < bytes.length ? to.enqueue(bytes.subarray(at, at += 1 + Math.floor(random() * 20))) : to.close());
      for await (const _ of eventData(new ReadableStream({ pull }), (part) => part));
    },
  },
  jinja: {
    reads: "chat templates", names: isPlain,
    read: async (random) => new ChatJinja(mutatedText(random, random() < 0.3 ? pick(random, TEMPLATES) : pick(random, SNIPPETS), JINJA_WORDS)).render(CONVERSATION),
  },
  schema: {
    reads: "JSON Schemas that answers follow", names: is(SchemaError),
    read: async (random) => schemaGrammar(mutatedJson(random, pick(random, SCHEMAS), SCHEMAS), random() < 0.5),
  },
  pattern: {
    reads: "patterns in JSON Schemas", names: is(PatternError),
    read: async (random) => patternGrammar(mutatedText(random, pick(random, ["^a[b-d]+$", "(x|yz){2,5}", "[0-9]{3}-[^a]*"]), PATTERN_WORDS)),
  },
  answer: {
    reads: "what a model writes, with calls of tools", names: () => false,
    read: async (random) => {
      let ids = 0;
      const parser = new OutputParser({
        format: pick(random, FORMATS), tools: new Map([["look", { type: "object", properties: { at: { type: "string" }, n: { type: "integer" } } }]]), tellsAll: random() < 0.3,
        parallel: random() < 0.5, isThinking: random() < 0.2, newId: () => `c${ids++}`, opened: "",
      }, () => undefined);
      const tags = JSON.stringify(pick(random, FORMATS)).match(/"[^"]{2,30}"/g)?.map((tag) => tag.slice(1, -1)) ?? [];
      const words = [...tags, "look", "{", "}", "[", "]", '"', "'", ":", ",", "at", "n", "=", "(", ")", "\\", "\\u12", "1e5", "true", "None", "\n", "</", "<", ">"];
      for (let left = Math.floor(random() * 60); left > 0; left--) parser.push(random() < 0.8 ? pick(random, words) : chars(random, "ab<{[\"'\\/ \n", 5));
      parser.end();
    },
  },
  png: {
    reads: "PNG files where no browser decodes", names: is(RequestValidationError),
    read: async (random) => {
      const file = new Uint8Array(await pick(random, PNGS).arrayBuffer());
      return withPixels(new Blob([mutatedBytes(random, file)]), async (source) => source.rows(0, source.height));
    },
  },
  wav: {
    reads: "WAV files", names: is(RequestValidationError),
    read: async (random) => {
      const file = new Uint8Array(await wavOf({ values: TONE, rate: 16_000 }, pick(random, [16, 32] as const)).arrayBuffer());
      return readWav(new Blob([mutatedBytes(random, random() < 0.7 ? file.subarray(0, 60) : file)]));
    },
  },
  chats: {
    reads: "files of chats that are taken in", names: isPlain,
    read: async (random) => fromJson(random() < 0.8 ? JSON.stringify(mutatedJson(random, CHATS, [])) : mutatedText(random, JSON.stringify(CHATS))),
  },
  tokenizer: {
    reads: "tokenizer.json, and a text with it", names: isPlain,
    read: async (random) => {
      const changed = Object(mutatedJson(random, pick(random, TOKENIZERS), []));
      return new Encoder(changed, readAddedTokens(new Fields(changed, "tokenizer.json", (message) => new Error(message)))).encodeWhole("The sky is blue; 12 é🙂\n\n");
    },
  },
};
