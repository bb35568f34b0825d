/** An engine that shows tests and measurements what it computes: token ids, logits, times of steps. No user's page loads it. */

import { MLCEngine } from "../api/engine.ts";
import { parseChatRequest, parseTextRequest, type ParsedRequest } from "../api/openai/request.ts";
import type { ChatCompletionRequest, CompletionRequest } from "../api/openai/types.ts";
import type { LoadListener, ModelChoice } from "../engine/choice.ts";
import { loadModel, type LoadedModel } from "../engine/load.ts";
import { MAX_DEPTH } from "../engine/pace.ts";
import { Sampler } from "../engine/sampler.ts";
import { Scheduler } from "../engine/scheduler.ts";
import type { Sequence } from "../engine/sequences.ts";
import { Session } from "../engine/session.ts";
import type { CacheView, Draw, Row, StepResult } from "../executor/runner.ts";
import { InternalError, ModelNotLoadedError } from "../support/errors.ts";

type DebugRequest = ChatCompletionRequest | CompletionRequest;

function parsed(request: DebugRequest): ParsedRequest {
  return "prompt" in request ? parseTextRequest(request) : parseChatRequest(request);
}

const GREEDY = { temperature: 0, topP: 1, seed: 0 };

/** Greedy steps are all alike. */
const DRAW: Draw = new Sampler(GREEDY, []).next();

export class DebugEngine extends MLCEngine {
  #model: LoadedModel | null = null;

  protected override async open(choice: ModelChoice, listener: LoadListener, signal: AbortSignal): Promise<Session> {
    const model = await loadModel(choice, listener, signal);
    this.#model = model;
    return new Session(model);
  }

  get #loaded(): LoadedModel {
    if (this.#model === null) throw new ModelNotLoadedError("No model is loaded. Call reload() with a model first.");
    return this.#model;
  }

  /**
   * Token ids of a prompt and its answer, the end token included, through the ordinary path, and `performance.now()` at each of the answer.
   * `onToken` hears how many there are.
   */
  async debugTokenIds(request: DebugRequest, onToken?: (count: number) => void): Promise<{ prompt: number[]; ids: number[]; times: number[] }> {
    const { answer, model } = parsed(request);
    const { events } = await this.host.begin({ request: answer, model });
    const [ids, times]: [number[], number[]] = [[], []];
    for await (const event of events) {
      if (event.type !== "token") continue;
      ids.push(event.token);
      times.push(performance.now());
      onToken?.(ids.length);
    }
    return { prompt: await this.#tokens(request), ids, times };
  }

  #tokens(request: DebugRequest): Promise<number[]> {
    return this.host.encodePrompt(parsed(request).answer.prompt, undefined);
  }

  /** float32[vocab_size]: the logits after the prompt, computed from an empty cache. */
  async debugLogits(request: DebugRequest): Promise<Float32Array> {
    return this.#fresh(async (sequence) => this.#prefill(sequence, await this.#tokens(request)));
  }

  /**
   * -log p of tokens of a text. Of each `window` tokens, from an empty cache, the first half is prefilled and the rest decoded, one at
   * a time.
   */
  async debugSurprisals(text: string, window: number): Promise<number[]> {
    const { tokenizer } = this.#loaded;
    const tokens = tokenizer.encode(text);
    const surprisals: number[] = [];
    for (let start = 0; start + window <= tokens.length; start += window) {
      await this.#fresh(async (sequence) => {
        const given = window >> 1;
        let logits = await this.#prefill(sequence, tokens.slice(start, start + given));
        for (let position = given; position < window; position++) {
          const token = tokens[start + position] ?? 0;
          surprisals.push(surprisal(logits, token));
          logits = await this.#decode(sequence, token, position);
        }
      });
    }
    return surprisals;
  }

  /**
   * `performance.now()` at the first of `count` + 1 tokens and as each other is read, decoded behind `context` tokens that are in the
   * cache but were never computed. The work is that of real ones.
   */
  async debugDecodeTimes(context: number, count: number): Promise<number[]> {
    const { runner, sequences } = this.#loaded;
    const pretended = new Array<number>(context - 1).fill(0); // a prompt's last token is always computed
    await this.#fresh(async (sequence) => {
      await this.#pretend(sequence, pretended.length);
      sequence.commit(pretended);
    }, true, context);
    const times: number[] = [];
    await new Promise<void>((resolve, reject) => {
      new Scheduler(runner, sequences, 1).add(
        { prompt: [...pretended, 0], maxTokens: count + 1, eosTokenIds: new Set(), sampler: new Sampler(GREEDY, []) },
        { begin: () => undefined, token: () => { times.push(performance.now()); return false; }, end: () => resolve(), fail: reject });
    });
    await this.resetChat();
    return times;
  }

  /** Greedy ids of `count` tokens after each of the texts, all decoded in steps with a row for each. */
  async debugRows(texts: readonly string[], count: number): Promise<number[][]> {
    const { runner, sequences, tokenizer } = this.#loaded;
    return this.#several(texts.length, async (rows) => {
      const ids: number[][] = [];
      for (const [i, row] of rows.entries()) {
        const tokens = tokenizer.encode(texts[i] ?? "").slice(0, runner.shape.prefillChunk);
        await sequences.append(row, tokens.length);
        ids.push([(await runner.prefillAndSample(tokens, 0, this.#view(row), DRAW)).token]);
      }
      while ((ids[0]?.length ?? count) < count) {
        const results = await this.#decodeRows(rows, ids.map((row) => row.at(-1)));
        results.forEach(({ token }, i) => ids[i]?.push(token));
      }
      return ids;
    });
  }

  /** Greedy ids behind each of the last `count` tokens of a text: by one step with a row for each position, or by a step for each. */
  async debugPositions(text: string, count: number, isTogether: boolean): Promise<number[]> {
    const { runner, sequences, tokenizer } = this.#loaded;
    const tokens = tokenizer.encode(text).slice(0, runner.shape.prefillChunk);
    const first = tokens.length - count;
    return this.#fresh(async (sequence) => {
      await sequences.append(sequence, first);
      await runner.prefill(tokens.slice(0, first), 0, this.#view(sequence));
      const ids: number[] = [];
      for (let position = first; position < tokens.length; position += isTogether ? count : 1) {
        const added = tokens.slice(position, isTogether ? tokens.length : position + 1);
        const caches = await sequences.appendRows(sequence, added.length);
        const results = await runner.decode(caches.map((cache, i): Row => ({ position: position + i, cache, ...DRAW, token: added[i] })));
        ids.push(...results.map(({ token }) => token));
      }
      return ids;
    });
  }

  /**
   * `performance.now()` as each of `count` steps with `rows` rows is done, each row behind `context` tokens that are in the cache but
   * were never computed. The work is that of real ones; `ahead` steps are under way at a time.
   */
  async debugRowTimes(rows: number, context: number, count: number, ahead = MAX_DEPTH): Promise<number[]> {
    const { sequences } = this.#loaded;
    const times: number[] = [];
    await this.#several(rows, async (all) => {
      for (const row of all) await this.#pretend(row, context);
      await this.#decodeRows(all, all.map(() => 0)); // compiles what is not compiled yet
      const underWay: Promise<unknown>[] = [];
      for (let step = 0; step < count; step++) {
        for (const row of all) await sequences.append(row, 1); // or the step would wait for it
        underWay.push(this.#submitRows(all, []).then(() => times.push(performance.now())));
        if (underWay.length >= ahead) await underWay.shift();
      }
      await Promise.all(underWay);
    });
    return times;
  }

  /** Room for `count` tokens that are never computed; in parts, as real ones come. */
  async #pretend(sequence: Sequence, count: number): Promise<void> {
    const { runner, sequences } = this.#loaded;
    const { prefillChunk } = runner.shape;
    for (let left = count; left > 0; left -= prefillChunk) await sequences.append(sequence, Math.min(left, prefillChunk));
  }

  /** Runs `work` on empty sequences, which nobody uses after it. */
  async #several<T>(count: number, work: (rows: readonly Sequence[]) => Promise<T>): Promise<T> {
    const { sequences } = this.#loaded;
    sequences.forget();
    const rows = Array.from({ length: count }, () => sequences.acquire([]));
    for (const row of rows) row.isForgotten = true;
    try {
      return await work(rows);
    } finally {
      for (const row of rows) sequences.release(row);
    }
  }

  async #decodeRows(rows: readonly Sequence[], tokens: readonly (number | undefined)[]): Promise<readonly StepResult[]> {
    for (const row of rows) await this.#loaded.sequences.append(row, 1);
    return this.#submitRows(rows, tokens);
  }

  /** A step whose tokens have their places. Without tokens, with those that the step before sampled. */
  #submitRows(rows: readonly Sequence[], tokens: readonly (number | undefined)[]): Promise<readonly StepResult[]> {
    const { runner, sequences } = this.#loaded;
    const caches = sequences.views(rows);
    return runner.decode(rows.map((row, i): Row => {
      const cache = caches[i];
      if (cache === undefined) throw new InternalError("a sequence has no view");
      return { position: sequences.length(row) - 1, cache, ...DRAW, token: tokens[i] };
    }));
  }

  /** Runs `work` on an empty sequence, which nobody uses after it, unless `isKept`. `count`: tokens that it will have, where they may be many. */
  async #fresh<T>(work: (sequence: Sequence) => Promise<T>, isKept = false, count = 0): Promise<T> {
    const { sequences } = this.#loaded;
    sequences.forget();
    const sequence = sequences.acquire([], null, count);
    sequence.isForgotten = !isKept;
    try {
      return await work(sequence);
    } finally {
      sequences.release(sequence);
    }
  }

  #view(sequence: Sequence): CacheView {
    const [view] = this.#loaded.sequences.views([sequence]);
    if (view === undefined) throw new InternalError("a sequence has no view");
    return view;
  }

  async #prefill(sequence: Sequence, tokens: readonly number[]): Promise<Float32Array> {
    const { runner, sequences } = this.#loaded;
    const { prefillChunk } = runner.shape;
    for (let position = 0; ; position += prefillChunk) {
      const chunk = tokens.slice(position, position + prefillChunk);
      await sequences.append(sequence, chunk.length);
      if (position + chunk.length < tokens.length) await runner.prefill(chunk, position, this.#view(sequence));
      else return this.#logits(runner.prefillAndSample(chunk, position, this.#view(sequence), DRAW));
    }
  }

  async #decode(sequence: Sequence, token: number, position: number): Promise<Float32Array> {
    const { runner, sequences } = this.#loaded;
    await sequences.append(sequence, 1);
    return this.#logits(runner.decode([{ position, cache: this.#view(sequence), ...DRAW, token }]));
  }

  /** The logits that a step of one row, now under way, leaves behind. */
  async #logits(step: Promise<unknown>): Promise<Float32Array> {
    await step;
    return this.#loaded.runner.logits();
  }
}

/** -log softmax(logits)[token] */
function surprisal(logits: Float32Array, token: number): number {
  const largest = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
  return Math.log(sum) + largest - (logits[token] ?? NaN);
}
