/** Engines whose model is the fake runner, in this thread and behind a worker that is none: nothing else in them is fake. */

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MLCEngine } from "../../src/api/engine.ts";
import type { MLCEngineConfig } from "../../src/api/types.ts";
import type { LoadListener, ModelChoice } from "../../src/engine/choice.ts";
import type { MemoryEstimate } from "../../src/executor/memory_estimate.ts";
import type { Sense } from "../../src/engine/pictures.ts";
import { SequenceManager } from "../../src/engine/sequences.ts";
import type { SamplingConfig } from "../../src/engine/sampling.ts";
import { Session } from "../../src/engine/session.ts";
import type { EmbeddingFacts } from "../../src/storage/embedding_facts.ts";
import { abortable } from "../../src/support/abort.ts";
import { ManifestError } from "../../src/support/errors.ts";
import { NO_FORMAT, type ChatFormat } from "../../src/formats/format.ts";
import { Fields } from "../../src/support/fields.ts";
import { ChatTokenizer } from "../../src/tokenizer/chat_tokenizer.ts";
import { WebWorkerMLCEngine, type WorkerLike } from "../../src/transport/client.ts";
import { WebWorkerMLCEngineHandler } from "../../src/transport/worker.ts";
import { shapeOf } from "./generations.ts";
import { FakePagedKv } from "./paged_kv.ts";
import { grammarsOf } from "./grammars.ts";
import { FakeRunner } from "./runner.ts";

/** What ends an answer that has a form. */
const END = 2;

Object.assign(globalThis, { location: { href: "https://page.example/chat/" } });

// Tests run from runtime_js.
const TOKENIZER_JSON: { readonly added_tokens: readonly object[] } = JSON.parse(readFileSync("../tests/fixtures/tiny-llama/tokenizer.json", "utf8"));
const TOKENIZER_CONFIG: object = JSON.parse(readFileSync("../tests/fixtures/tiny-llama/tokenizer_config.json", "utf8"));

/** `marks`: further special tokens, with the ids that the vocabulary ends with. */
export function fakeTokenizer(overrides: Readonly<Record<string, unknown>> = {}, marks: readonly string[] = []): ChatTokenizer {
  const added = marks.map((content, i) => (
    { id: VOCABULARY_END + i, content, special: true, normalized: false, lstrip: false, rstrip: false, single_word: false }));
  const json = { ...TOKENIZER_JSON, added_tokens: [...TOKENIZER_JSON.added_tokens, ...added] };
  return new ChatTokenizer(json, new Fields({ ...TOKENIZER_CONFIG, ...overrides }, "tokenizer_config", (message) => new ManifestError(message)));
}

/** Beyond what the fixture has. */
const VOCABULARY_END = 1000;

export const MODEL = "toy";
export const CONTEXT = 256;
export const CONFIG: MLCEngineConfig = {
  appConfig: { model_list: [MODEL, "other"].map((model_id) => ({ model_id, manifest: `models/${model_id}/manifest.json` })) },
};

/** A model that was loaded. */
export interface Loaded {
  readonly modelId: string;
  readonly choice: ModelChoice;
  readonly runner: FakeRunner;
  readonly listener: LoadListener;
  readonly device: "gpu" | "cpu";
  disposals: number;
}

export class FakeEngine extends MLCEngine {
  readonly loaded: Loaded[] = [];
  /** What a load waits for. */
  loading: (signal: AbortSignal, modelId: string) => Promise<void> = () => Promise.resolve();
  /** Of a model. */
  contextLength = CONTEXT;
  /** What a model takes. */
  readonly memory = ({ contextLength = this.contextLength }: ModelChoice): MemoryEstimate => (
    { weights: 1000, cache: contextLength, workspace: 0, total: 1000 + contextLength, contextLength });
  override estimate = async (choice: ModelChoice): Promise<MemoryEstimate> => this.memory(choice);
  /** Called with each runner before anything runs on it. */
  prepare: (runner: FakeRunner) => void = () => undefined;
  tokenizer = fakeTokenizer();
  /** What the model's own generation config says. */
  sampling: SamplingConfig = {};
  format: ChatFormat = NO_FORMAT;
  eosTokenIds: ReadonlySet<number> = new Set();
  rowCounts = [1, 2, 4];
  /** Of a call of a model that makes vectors of texts. */
  mostTexts = 1;
  /** Of a model that sees. */
  vision: Sense | undefined;
  hearing: Sense | undefined;
  /** Of an embedding model. */
  embeds: EmbeddingFacts | undefined;

  protected override async open(choice: ModelChoice, listener: LoadListener, signal: AbortSignal): Promise<Session> {
    await abortable(this.loading(signal, choice.modelId), signal, "Loading was stopped.");
    const pageSize = 4;
    const runner = new FakeRunner(shapeOf({ contextLength: this.contextLength, pageSize, prefillChunk: this.embeds?.whole === true ? this.contextLength : 16, shortestChunk: 16, rowCounts: this.rowCounts, slots: 0, mostTexts: this.mostTexts }), 8, this.contextLength / pageSize);
    const device = choice.device === "cpu" ? "cpu" : "gpu";
    listener.needs(this.memory(choice), device);
    this.prepare(runner);
    const loaded: Loaded = { modelId: choice.modelId, choice, runner, listener, device, disposals: 0 };
    this.loaded.push(loaded);
    return new Session({
      runner, sequences: new SequenceManager(new FakePagedKv(), runner), tokenizer: this.tokenizer,
      grammars: grammarsOf(this.tokenizer, runner.vocabulary, [END]), format: this.format, eosTokenIds: this.eosTokenIds, vocabSize: runner.vocabulary, sampling: this.sampling,
      modelId: choice.modelId, embedding: this.embeds, vision: this.vision, hearing: this.hearing, dispose: () => { loaded.disposals++; },
    });
  }

  /** Models that were loaded and not freed. */
  get alive(): number {
    return this.loaded.filter(({ disposals }) => disposals === 0).length;
  }
}

/** Messages come, whatever a test does to timers. */
const later = setTimeout;

/** A worker in this thread: messages are cloned and come later. */
export class Loopback extends EventTarget implements WorkerLike {
  readonly sent: unknown[] = [];
  readonly received: { kind: string }[] = [];
  readonly handler: WebWorkerMLCEngineHandler;
  isTerminated = false;

  constructor(engine: MLCEngine) {
    super();
    this.handler = new WebWorkerMLCEngineHandler((message) => { this.deliver(structuredClone(message)); }, (listener) => engine.host.heardBy(listener));
  }

  deliver(data: unknown): void {
    if (typeof data === "object" && data !== null && "kind" in data) this.received.push({ kind: String(data.kind) });
    later(() => { if (!this.isTerminated) this.dispatchEvent(new MessageEvent("message", { data })); }, 0);
  }

  postMessage(message: unknown): void {
    const data: unknown = structuredClone(message);
    this.sent.push(data);
    later(() => { if (!this.isTerminated) this.handler.onmessage({ data }); }, 0);
  }

  terminate(): void {
    this.isTerminated = true;
  }
}

/** How an engine is reached: what holds for one must hold for the other. */
export interface Setup {
  readonly engine: FakeEngine;
  readonly client: FakeEngine | WebWorkerMLCEngine;
}

export const PLACES: Readonly<Record<string, (config?: MLCEngineConfig) => Setup>> = {
  "in this thread": (config) => {
    const engine = new FakeEngine({ ...CONFIG, ...config });
    return { engine, client: engine };
  },
  "in a worker": (config) => {
    const engine = new FakeEngine();
    return { engine, client: new WebWorkerMLCEngine(new Loopback(engine), { ...CONFIG, ...config }) };
  },
};

/** Fails a test that would wait for ever. */
export async function soon<T>(work: Promise<T>, what = "this", milliseconds = 60_000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new Error(`${what} hangs`)), milliseconds); });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Tests of a client whose model is loaded, in each place. */
export function inEachPlace(define: (check: (name: string, work: (it: Setup) => Promise<void>) => void) => void, milliseconds?: number): void {
  for (const [place, make] of Object.entries(PLACES)) {
    define((name, work) => {
      test(`${place}: ${name}`, async () => {
        const it = make();
        await it.client.reload(MODEL);
        await soon(work(it), name, milliseconds);
      });
    });
  }
}
