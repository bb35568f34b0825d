// test/scheduler.test.ts
import assert from "node:assert/strict";
import { test } from "node:test";

// src/errors.ts
var MLCEngineError = class extends Error {
  constructor(code, message, details = {}, cause) {
    super(message, cause === void 0 ? void 0 : { cause });
    this.code = code;
    this.details = details;
    this.name = `${code}Error`;
  }
  code;
  details;
};
var OutOfMemoryError = class extends MLCEngineError {
  constructor(message, details) {
    super("OutOfMemory", message, details);
  }
};
var ContextWindowSizeExceededError = class extends MLCEngineError {
  constructor(message, details) {
    super("ContextWindowSizeExceeded", message, details);
  }
};
var AbortError = class extends MLCEngineError {
  constructor(message, details) {
    super("Abort", message, details);
  }
};
var InternalError = class extends MLCEngineError {
  constructor(message, details, cause) {
    super("Internal", message, details, cause);
  }
};

// src/sampler/sampler.ts
var STEP_WORD = 4;
var Sampler = class {
  #words = new Uint32Array(8);
  #greedy;
  constructor({ temperature, topP, seed }) {
    const floats = new Float32Array(this.#words.buffer);
    floats[0] = temperature;
    floats[1] = topP;
    const seedWords = seed === void 0 ? crypto.getRandomValues(new Uint32Array(2)) : new Uint32Array(BigUint64Array.of(BigInt.asUintN(64, BigInt(seed))).buffer);
    this.#words.set(seedWords, 2);
    this.#greedy = temperature === 0;
  }
  /** uint32[8] for the next step. Greedy steps are all alike, so that nothing is written for them. */
  next() {
    const words = this.#words.slice();
    if (!this.#greedy) this.#words[STEP_WORD] = (this.#words[STEP_WORD] ?? 0) + 1 >>> 0;
    return words;
  }
};

// src/scheduler/generate.ts
var PIPELINE_DEPTH = 3;
async function prefill(runner, sequence, prompt, { sampler, signal }) {
  const { contextLength, prefillChunk } = runner.shape;
  if (prompt.length >= contextLength) {
    throw new ContextWindowSizeExceededError(
      `The conversation has ${prompt.length} tokens, the context window ${contextLength}. Shorten it, start a new chat, or load with a larger context_window_size.`,
      { promptTokens: prompt.length, contextWindowSize: contextLength }
    );
  }
  const cached = sequence.reuse(prompt);
  for (let position = cached; ; position += prefillChunk) {
    if (signal.aborted) return { cached, first: null };
    const chunk = prompt.slice(position, position + prefillChunk);
    const cache = await sequence.append(chunk.length);
    const isLast = position + chunk.length === prompt.length;
    const first = isLast ? runner.prefillAndSample(chunk, position, cache, sampler.next()) : null;
    if (first === null) await runner.prefill(chunk, position, cache);
    sequence.commit(chunk);
    if (first !== null) return { cached, first };
  }
}
async function* decode(runner, sequence, first, { maxTokens, eosTokenIds, sampler, signal }) {
  const limit = Math.min(maxTokens, runner.shape.contextLength - sequence.length);
  const inFlight = [first];
  let submitted = 1;
  try {
    for (let read = 1; ; read++) {
      while (inFlight.length < PIPELINE_DEPTH && submitted < limit) {
        const position = sequence.length;
        const step = runner.decode(position, await sequence.append(1), sampler.next());
        step.catch(() => void 0);
        inFlight.push(step);
        submitted++;
      }
      const token = await inFlight.shift() ?? 0;
      if (submitted > read) sequence.commit([token]);
      const finishReason = eosTokenIds.has(token) ? "stop" : read >= limit ? "length" : signal.aborted ? "abort" : null;
      yield { token, finishReason };
      if (finishReason !== null) return;
    }
  } finally {
    await Promise.allSettled(inFlight);
    sequence.trim();
  }
}

// src/scheduler/queue.ts
var RequestQueue = class {
  #waiting = [];
  #busy = false;
  /** Waits for its turn; call what it returns when done. Raises AbortError where the signal comes first. */
  async enter(signal) {
    if (signal?.aborted) throw new AbortError("The request was aborted before it began.");
    if (this.#busy) await this.#turn(signal);
    this.#busy = true;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#busy = false;
      this.#waiting.shift()?.enter();
    };
  }
  #turn(signal) {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new AbortError("The request was aborted before it began."));
      };
      const waiting = {
        enter: () => {
          signal?.removeEventListener("abort", abort);
          this.#busy = true;
          resolve();
        },
        refuse: reject
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.push(waiting);
    });
  }
  /** Refuses all that wait; whoever is inside stays. */
  refuseWaiting(error) {
    for (const waiting of this.#waiting.splice(0)) waiting.refuse(error);
  }
};

// src/executor/abi.generated.ts
var ABI_ERRORS = {
  /** not enough free pages, or no memory for the tables; nothing changed */
  OUT_OF_PAGES: -1,
  /** no sequence has this id (never made, or freed) */
  UNKNOWN_SEQUENCE: -2,
  /** a number out of range; nothing changed */
  INVALID_ARGUMENT: -3
};

// src/scheduler/sequence.ts
function commonPrefix(a, b) {
  const difference = a.findIndex((token, i) => token !== b[i]);
  return difference < 0 ? a.length : difference;
}
var Sequence = class {
  #abi;
  #runner;
  #id;
  /** Known tokens in the cache. The cache may hold more: steps that were submitted before their token was read. */
  #tokens = [];
  /** Starts the page pool over, with the pages that the runner has room for. */
  constructor(abi, runner, pages) {
    this.#abi = abi;
    this.#runner = runner;
    this.#call("kv_reset", abi.kv_reset(runner.shape.pageSize, pages));
    this.#id = this.#call("kv_new", abi.kv_new());
  }
  /** Tokens in the cache. */
  get length() {
    return this.#call("kv_length", this.#abi.kv_length(this.#id));
  }
  /** Keeps what a prompt has in common with the cache, but never the whole prompt: its last token must be computed. */
  reuse(prompt) {
    const kept = Math.min(commonPrefix(this.#tokens, prompt), prompt.length - 1);
    this.truncate(kept);
    return kept;
  }
  /** Makes room for `count` more tokens. Raises OutOfMemoryError; nothing has changed then. */
  async append(count) {
    let copies = this.#abi.kv_append(this.#id, count);
    if (copies === ABI_ERRORS.OUT_OF_PAGES) {
      const pages = Math.ceil((this.length + count) / this.#runner.shape.pageSize);
      const missing = pages - this.#abi.kv_page_count(this.#id) - this.#abi.kv_available();
      this.#call("kv_grow", this.#abi.kv_grow(await this.#runner.reservePages(this.#abi.kv_capacity() + missing)));
      copies = this.#abi.kv_append(this.#id, count);
    }
    this.#call("kv_append", copies);
    return { pages: this.#view(this.#abi.kv_pages(this.#id), this.#abi.kv_page_count(this.#id)), copies: this.#view(this.#abi.kv_copies(), 2 * copies) };
  }
  /** Says which tokens the next places of the cache hold. */
  commit(tokens) {
    for (const token of tokens) this.#tokens.push(token);
  }
  /** Rolls the cache back to the tokens that are known. */
  trim() {
    this.truncate(Math.min(this.#tokens.length, this.length));
  }
  truncate(length) {
    this.#call("kv_truncate", this.#abi.kv_truncate(this.#id, length));
    this.#tokens.length = length;
  }
  #view(pointer, words) {
    return new Int32Array(this.#abi.memory.buffer, pointer, words);
  }
  #call(name, result) {
    if (result === ABI_ERRORS.OUT_OF_PAGES) throw new OutOfMemoryError("The KV cache has no room for more tokens. Start a new chat or load a smaller context window.");
    if (result < 0) throw new InternalError(`${name} answered ${result}`);
    return result;
  }
};

// test/fakes/paged_kv.ts
var FakePagedKv = class {
  memory = new WebAssembly.Memory({ initial: 1 });
  #pageSize = 1;
  #references = [];
  #sequences = /* @__PURE__ */ new Map();
  #copies = [];
  #nextId = 0;
  kv_reset(pageSize, pages) {
    this.#pageSize = pageSize;
    this.#references = new Array(pages).fill(0);
    this.#sequences.clear();
    return 0;
  }
  kv_grow(pages) {
    while (this.#references.length < pages) this.#references.push(0);
    return 0;
  }
  kv_new() {
    this.#sequences.set(this.#nextId, { length: 0, pages: [] });
    return this.#nextId++;
  }
  kv_fork(id, length) {
    const parent = this.#get(id);
    const pages = parent.pages.slice(0, Math.ceil(length / this.#pageSize));
    for (const page of pages) this.#refer(page, 1);
    this.#sequences.set(this.#nextId, { length, pages });
    return this.#nextId++;
  }
  kv_append(id, count) {
    const sequence = this.#get(id);
    const last = sequence.pages.at(-1);
    const copiesLast = last !== void 0 && count > 0 && sequence.length % this.#pageSize > 0 && (this.#references[last] ?? 0) > 1;
    const added = Math.ceil((sequence.length + count) / this.#pageSize) - sequence.pages.length;
    if (added + (copiesLast ? 1 : 0) > this.kv_available()) return ABI_ERRORS.OUT_OF_PAGES;
    this.#copies = [];
    if (copiesLast) {
      const fresh = this.#take();
      this.#copies = [last, fresh];
      this.#refer(last, -1);
      sequence.pages[sequence.pages.length - 1] = fresh;
    }
    for (let i = 0; i < added; i++) sequence.pages.push(this.#take());
    sequence.length += count;
    return this.#copies.length / 2;
  }
  kv_copies() {
    new Int32Array(this.memory.buffer, 1024).set(this.#copies);
    return 1024;
  }
  kv_truncate(id, length) {
    const sequence = this.#get(id);
    if (length < 0 || length > sequence.length) return ABI_ERRORS.INVALID_ARGUMENT;
    for (const page of sequence.pages.splice(Math.ceil(length / this.#pageSize))) this.#refer(page, -1);
    sequence.length = length;
    return 0;
  }
  kv_free(id) {
    this.kv_truncate(id, 0);
    this.#sequences.delete(id);
    return 0;
  }
  kv_length(id) {
    return this.#get(id).length;
  }
  kv_pages(id) {
    new Int32Array(this.memory.buffer, 2048).set(this.#get(id).pages);
    return 2048;
  }
  kv_page_count(id) {
    return this.#get(id).pages.length;
  }
  kv_available() {
    return this.#references.filter((count) => count === 0).length;
  }
  kv_capacity() {
    return this.#references.length;
  }
  scratch() {
    return 0;
  }
  #get(id) {
    const sequence = this.#sequences.get(id);
    if (sequence === void 0) throw new Error(`unknown sequence ${id}`);
    return sequence;
  }
  /** The highest free page, so that page order and token order differ. */
  #take() {
    const page = this.#references.lastIndexOf(0);
    this.#refer(page, 1);
    return page;
  }
  #refer(page, by) {
    this.#references[page] = (this.#references[page] ?? 0) + by;
  }
};

// test/fakes/runner.ts
var VOCABULARY = 97;
function nextToken(tokens) {
  return tokens.reduce((hash, token, i) => Math.imul(hash, 31) + Math.imul(token, i + 7) >>> 0, 17) % VOCABULARY;
}
function reference(prompt, count, eos) {
  const tokens = [...prompt];
  for (let i = 0; i < count; i++) {
    tokens.push(nextToken(tokens));
    if (eos.has(tokens.at(-1) ?? -1)) break;
  }
  return tokens.slice(prompt.length);
}
var FakeRunner = class {
  shape;
  /** One entry a call: how many tokens it computed. */
  calls = [];
  #pages = [];
  #maxPages;
  #sampled = -1;
  /** Steps whose promise nobody has seen resolve. */
  pending = 0;
  deepestPipeline = 0;
  constructor(shape, pages, maxPages) {
    this.shape = shape;
    this.#maxPages = maxPages;
    this.#grow(pages);
  }
  #grow(pages) {
    while (this.#pages.length < pages) this.#pages.push(new Int32Array(this.shape.pageSize).fill(-1));
  }
  async reservePages(pages) {
    if (pages > this.#maxPages) throw new Error("out of memory");
    this.#grow(Math.max(pages, Math.min(2 * this.#pages.length, this.#maxPages)));
    return this.#pages.length;
  }
  async prefill(tokens, position, cache) {
    this.calls.push(`prefill ${tokens.length}`);
    this.#store(tokens, position, cache);
  }
  prefillAndSample(tokens, position, cache) {
    this.calls.push(`prefill ${tokens.length}`);
    this.#store(tokens, position, cache);
    return this.#sample(position + tokens.length, cache);
  }
  decode(position, cache) {
    this.calls.push("decode");
    this.#store([this.#sampled], position, cache);
    return this.#sample(position + 1, cache);
  }
  #at(cache, position) {
    const page = this.#pages[cache.pages[Math.floor(position / this.shape.pageSize)] ?? -1];
    if (page === void 0) throw new Error(`no page for position ${position}`);
    return { page, slot: position % this.shape.pageSize };
  }
  #store(tokens, position, cache) {
    if (tokens.length > this.shape.prefillChunk) throw new Error("a prefill call is too long");
    if (position + tokens.length > this.shape.contextLength) throw new Error("beyond the context");
    for (let i = 0; i < cache.copies.length; i += 2) {
      this.#pages[cache.copies[i + 1] ?? -1]?.set(this.#pages[cache.copies[i] ?? -1] ?? []);
    }
    tokens.forEach((token, i) => {
      const { page, slot } = this.#at(cache, position + i);
      page[slot] = token;
    });
  }
  async #sample(length, cache) {
    const tokens = Array.from({ length }, (_, i) => {
      const { page, slot } = this.#at(cache, i);
      return page[slot] ?? -1;
    });
    const sampled = nextToken(tokens);
    this.#sampled = sampled;
    this.deepestPipeline = Math.max(this.deepestPipeline, ++this.pending);
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
    this.pending--;
    return sampled;
  }
};

// test/scheduler.test.ts
var SHAPE = { contextLength: 32, pageSize: 4, prefillChunk: 5 };
var NO_EOS = /* @__PURE__ */ new Set();
function setup(pages = 8) {
  const kv = new FakePagedKv();
  const runner = new FakeRunner(SHAPE, pages, 8);
  return { kv, runner, sequence: new Sequence(kv, runner, pages) };
}
function options(overrides = {}) {
  const sampler = new Sampler({ temperature: 0, topP: 1, seed: 1 });
  return { maxTokens: Infinity, eosTokenIds: NO_EOS, sampler, signal: new AbortController().signal, ...overrides };
}
function promptOf(length, seed) {
  return Array.from({ length }, (_, i) => (i * 13 + seed) % VOCABULARY);
}
async function generate({ runner, sequence }, prompt, given) {
  const { cached, first } = await prefill(runner, sequence, prompt, given);
  const ids = [];
  let finish = null;
  if (first !== null) {
    for await (const { token, finishReason } of decode(runner, sequence, first, given)) {
      ids.push(token);
      finish = finishReason;
    }
  }
  return { ids, cached, finish };
}
test("an answer equals the plain reference, through chunks, pages and a full pipeline", async () => {
  const it = setup();
  const prompt = promptOf(12, 3);
  const { ids, finish } = await generate(it, prompt, options({ maxTokens: 10 }));
  assert.deepEqual(ids, reference(prompt, 10, NO_EOS));
  assert.equal(finish, "length");
  assert.deepEqual(it.runner.calls.slice(0, 3), ["prefill 5", "prefill 5", "prefill 2"]);
  assert.equal(it.runner.calls.filter((call) => call === "decode").length, 9, "no step beyond max_tokens");
  assert.equal(it.runner.deepestPipeline, 3);
});
test("an end token stops, and what ran beyond it is rolled back", async () => {
  const it = setup();
  const prompt = promptOf(6, 1);
  const plain = reference(prompt, 8, NO_EOS);
  const eos = /* @__PURE__ */ new Set([plain[4] ?? -1]);
  const expected = reference(prompt, 8, eos);
  const { ids, finish } = await generate(it, prompt, options({ eosTokenIds: eos }));
  assert.deepEqual(ids, expected);
  assert.equal(finish, "stop");
  assert.equal(it.sequence.length, prompt.length + expected.length, "the end token is known, so it stays");
  assert.equal(it.runner.pending, 0, "no step is left under way");
});
test("a follow-up computes only what is new", async () => {
  const it = setup();
  const first = promptOf(6, 1);
  const answer = (await generate(it, first, options({ maxTokens: 5 }))).ids;
  const second = [...first, ...answer, 5, 9, 2];
  it.runner.calls.length = 0;
  const { ids, cached } = await generate(it, second, options({ maxTokens: 6 }));
  assert.deepEqual(ids, reference(second, 6, NO_EOS));
  assert.equal(cached, first.length + answer.length - 1, "all but the last answered token, which no step had added");
  assert.equal(it.runner.calls[0], "prefill 4");
});
test("the same prompt again computes its last token only; another prompt starts over", async () => {
  const it = setup();
  const prompt = promptOf(9, 2);
  const once = await generate(it, prompt, options({ maxTokens: 4 }));
  it.runner.calls.length = 0;
  const again = await generate(it, prompt, options({ maxTokens: 4 }));
  assert.deepEqual(again.ids, once.ids);
  assert.equal(it.runner.calls[0], "prefill 1");
  const other = promptOf(7, 50);
  const different = await generate(it, other, options({ maxTokens: 4 }));
  assert.deepEqual(different.ids, reference(other, 4, NO_EOS));
  assert.equal(different.cached, 0);
});
test("the cache grows as the conversation does, up to the context length", async () => {
  const it = setup(1);
  const prompt = promptOf(3, 7);
  const { ids, finish } = await generate(it, prompt, options());
  assert.equal(finish, "length");
  assert.deepEqual(ids, reference(prompt, SHAPE.contextLength - prompt.length, NO_EOS));
  assert.equal(it.kv.kv_capacity(), 8);
});
test("a prompt as long as the context window is refused, and the conversation is kept", async () => {
  const it = setup();
  const prompt = promptOf(10, 4);
  await generate(it, prompt, options({ maxTokens: 2 }));
  await assert.rejects(generate(it, promptOf(32, 4), options()), ContextWindowSizeExceededError);
  const { cached } = await generate(it, [...prompt, nextToken(prompt), 1], options({ maxTokens: 2 }));
  assert.equal(cached, 11);
});
test("leaving the loop rolls back and the next request is right", async () => {
  const it = setup();
  const prompt = promptOf(5, 9);
  const given = options();
  const { first } = await prefill(it.runner, it.sequence, prompt, given);
  assert.ok(first);
  let count = 0;
  for await (const { finishReason } of decode(it.runner, it.sequence, first, given)) {
    assert.equal(finishReason, null);
    if (++count === 3) break;
  }
  assert.equal(it.runner.pending, 0);
  const { ids } = await generate(it, prompt, options({ maxTokens: 8 }));
  assert.deepEqual(ids, reference(prompt, 8, NO_EOS));
});
test("a signal ends the answer with abort, between chunks too", async () => {
  const it = setup();
  const controller = new AbortController();
  const given = options({ signal: controller.signal });
  const { first } = await prefill(it.runner, it.sequence, promptOf(5, 9), given);
  assert.ok(first);
  const reasons = [];
  for await (const { finishReason } of decode(it.runner, it.sequence, first, given)) {
    reasons.push(finishReason);
    if (reasons.length === 2) controller.abort();
  }
  assert.deepEqual(reasons, [null, null, "abort"]);
  assert.equal((await prefill(it.runner, it.sequence, promptOf(12, 2), given)).first, null);
});
test("a runner's error reaches the caller, and the next request works", async () => {
  const it = setup();
  const prompt = promptOf(5, 9);
  const decodeOnce = it.runner.decode.bind(it.runner);
  let calls = 0;
  it.runner.decode = (position, cache) => ++calls === 3 ? Promise.reject(new Error("GPU")) : decodeOnce(position, cache);
  await assert.rejects(generate(it, prompt, options()), /GPU/);
  it.runner.decode = decodeOnce;
  const { ids } = await generate(it, prompt, options({ maxTokens: 8 }));
  assert.deepEqual(ids, reference(prompt, 8, NO_EOS));
});
test("three requests at once run one after the other, in order", async () => {
  const it = setup();
  const queue = new RequestQueue();
  const order = [];
  const prompts = [promptOf(6, 1), promptOf(9, 2), promptOf(4, 3)];
  const answers = await Promise.all(prompts.map(async (prompt, i) => {
    const leave = await queue.enter();
    order.push(i);
    try {
      return (await generate(it, prompt, options({ maxTokens: 7 }))).ids;
    } finally {
      leave();
    }
  }));
  assert.deepEqual(order, [0, 1, 2]);
  assert.deepEqual(answers, prompts.map((prompt) => reference(prompt, 7, NO_EOS)));
});
test("a request that is aborted while it waits is refused, and the ones behind it go on", async () => {
  const queue = new RequestQueue();
  const leave = await queue.enter();
  const controller = new AbortController();
  const aborted = queue.enter(controller.signal);
  const behind = queue.enter();
  controller.abort();
  await assert.rejects(aborted, AbortError);
  leave();
  (await behind)();
  const refused = [await queue.enter(), queue.enter()];
  queue.refuseWaiting(new AbortError("unloaded"));
  await assert.rejects(refused[1], /unloaded/);
});
test("greedy steps write the same words; sampled steps count up and keep their seed", () => {
  const greedy = new Sampler({ temperature: 0, topP: 1, seed: 5 });
  assert.deepEqual(greedy.next(), greedy.next());
  const sampled = new Sampler({ temperature: 0.5, topP: 0.9, seed: -2 });
  const words = [sampled.next(), sampled.next()];
  assert.deepEqual(words.map((step) => step[4]), [0, 1]);
  assert.deepEqual([...words[0]?.subarray(2, 4) ?? []], [4294967294, 4294967295]);
  assert.equal(new Float32Array(words[0]?.buffer ?? new ArrayBuffer(8))[0], 0.5);
});
//# sourceMappingURL=data:application/json;base64,ewogICJ2ZXJzaW9uIjogMywKICAic291cmNlcyI6IFsiLi4vc2NoZWR1bGVyLnRlc3QudHMiLCAiLi4vLi4vc3JjL2Vycm9ycy50cyIsICIuLi8uLi9zcmMvc2FtcGxlci9zYW1wbGVyLnRzIiwgIi4uLy4uL3NyYy9zY2hlZHVsZXIvZ2VuZXJhdGUudHMiLCAiLi4vLi4vc3JjL3NjaGVkdWxlci9xdWV1ZS50cyIsICIuLi8uLi9zcmMvZXhlY3V0b3IvYWJpLmdlbmVyYXRlZC50cyIsICIuLi8uLi9zcmMvc2NoZWR1bGVyL3NlcXVlbmNlLnRzIiwgIi4uL2Zha2VzL3BhZ2VkX2t2LnRzIiwgIi4uL2Zha2VzL3J1bm5lci50cyJdLAogICJzb3VyY2VzQ29udGVudCI6IFsiaW1wb3J0IGFzc2VydCBmcm9tIFwibm9kZTphc3NlcnQvc3RyaWN0XCI7XG5pbXBvcnQgeyB0ZXN0IH0gZnJvbSBcIm5vZGU6dGVzdFwiO1xuaW1wb3J0IHsgQWJvcnRFcnJvciwgQ29udGV4dFdpbmRvd1NpemVFeGNlZWRlZEVycm9yIH0gZnJvbSBcIi4uL3NyYy9lcnJvcnMudHNcIjtcbmltcG9ydCB7IFNhbXBsZXIgfSBmcm9tIFwiLi4vc3JjL3NhbXBsZXIvc2FtcGxlci50c1wiO1xuaW1wb3J0IHsgZGVjb2RlLCBwcmVmaWxsLCB0eXBlIEZpbmlzaFJlYXNvbiwgdHlwZSBHZW5lcmF0aW9uT3B0aW9ucyB9IGZyb20gXCIuLi9zcmMvc2NoZWR1bGVyL2dlbmVyYXRlLnRzXCI7XG5pbXBvcnQgeyBSZXF1ZXN0UXVldWUgfSBmcm9tIFwiLi4vc3JjL3NjaGVkdWxlci9xdWV1ZS50c1wiO1xuaW1wb3J0IHsgU2VxdWVuY2UgfSBmcm9tIFwiLi4vc3JjL3NjaGVkdWxlci9zZXF1ZW5jZS50c1wiO1xuaW1wb3J0IHsgRmFrZVBhZ2VkS3YgfSBmcm9tIFwiLi9mYWtlcy9wYWdlZF9rdi50c1wiO1xuaW1wb3J0IHsgRmFrZVJ1bm5lciwgVk9DQUJVTEFSWSwgbmV4dFRva2VuLCByZWZlcmVuY2UgfSBmcm9tIFwiLi9mYWtlcy9ydW5uZXIudHNcIjtcblxuY29uc3QgU0hBUEUgPSB7IGNvbnRleHRMZW5ndGg6IDMyLCBwYWdlU2l6ZTogNCwgcHJlZmlsbENodW5rOiA1IH07XG5jb25zdCBOT19FT1M6IFJlYWRvbmx5U2V0PG51bWJlcj4gPSBuZXcgU2V0KCk7XG5cbmludGVyZmFjZSBTZXR1cCB7XG4gIHJlYWRvbmx5IGt2OiBGYWtlUGFnZWRLdjtcbiAgcmVhZG9ubHkgcnVubmVyOiBGYWtlUnVubmVyO1xuICByZWFkb25seSBzZXF1ZW5jZTogU2VxdWVuY2U7XG59XG5cbi8qKiA4IHBhZ2VzIG9mIDQgdG9rZW5zOyB0aGUgY2FjaGUgYmVnaW5zIHdpdGggYHBhZ2VzYCBvZiB0aGVtLiAqL1xuZnVuY3Rpb24gc2V0dXAocGFnZXMgPSA4KTogU2V0dXAge1xuICBjb25zdCBrdiA9IG5ldyBGYWtlUGFnZWRLdigpO1xuICBjb25zdCBydW5uZXIgPSBuZXcgRmFrZVJ1bm5lcihTSEFQRSwgcGFnZXMsIDgpO1xuICByZXR1cm4geyBrdiwgcnVubmVyLCBzZXF1ZW5jZTogbmV3IFNlcXVlbmNlKGt2LCBydW5uZXIsIHBhZ2VzKSB9O1xufVxuXG5mdW5jdGlvbiBvcHRpb25zKG92ZXJyaWRlczogUGFydGlhbDxHZW5lcmF0aW9uT3B0aW9ucz4gPSB7fSk6IEdlbmVyYXRpb25PcHRpb25zIHtcbiAgY29uc3Qgc2FtcGxlciA9IG5ldyBTYW1wbGVyKHsgdGVtcGVyYXR1cmU6IDAsIHRvcFA6IDEsIHNlZWQ6IDEgfSk7XG4gIHJldHVybiB7IG1heFRva2VuczogSW5maW5pdHksIGVvc1Rva2VuSWRzOiBOT19FT1MsIHNhbXBsZXIsIHNpZ25hbDogbmV3IEFib3J0Q29udHJvbGxlcigpLnNpZ25hbCwgLi4ub3ZlcnJpZGVzIH07XG59XG5cbmZ1bmN0aW9uIHByb21wdE9mKGxlbmd0aDogbnVtYmVyLCBzZWVkOiBudW1iZXIpOiBudW1iZXJbXSB7XG4gIHJldHVybiBBcnJheS5mcm9tKHsgbGVuZ3RoIH0sIChfLCBpKSA9PiAoaSAqIDEzICsgc2VlZCkgJSBWT0NBQlVMQVJZKTtcbn1cblxuYXN5bmMgZnVuY3Rpb24gZ2VuZXJhdGUoXG4gIHsgcnVubmVyLCBzZXF1ZW5jZSB9OiBTZXR1cCwgcHJvbXB0OiByZWFkb25seSBudW1iZXJbXSwgZ2l2ZW46IEdlbmVyYXRpb25PcHRpb25zLFxuKTogUHJvbWlzZTx7IGlkczogbnVtYmVyW107IGNhY2hlZDogbnVtYmVyOyBmaW5pc2g6IEZpbmlzaFJlYXNvbiB8IG51bGwgfT4ge1xuICBjb25zdCB7IGNhY2hlZCwgZmlyc3QgfSA9IGF3YWl0IHByZWZpbGwocnVubmVyLCBzZXF1ZW5jZSwgcHJvbXB0LCBnaXZlbik7XG4gIGNvbnN0IGlkczogbnVtYmVyW10gPSBbXTtcbiAgbGV0IGZpbmlzaDogRmluaXNoUmVhc29uIHwgbnVsbCA9IG51bGw7XG4gIGlmIChmaXJzdCAhPT0gbnVsbCkge1xuICAgIGZvciBhd2FpdCAoY29uc3QgeyB0b2tlbiwgZmluaXNoUmVhc29uIH0gb2YgZGVjb2RlKHJ1bm5lciwgc2VxdWVuY2UsIGZpcnN0LCBnaXZlbikpIHtcbiAgICAgIGlkcy5wdXNoKHRva2VuKTtcbiAgICAgIGZpbmlzaCA9IGZpbmlzaFJlYXNvbjtcbiAgICB9XG4gIH1cbiAgcmV0dXJuIHsgaWRzLCBjYWNoZWQsIGZpbmlzaCB9O1xufVxuXG50ZXN0KFwiYW4gYW5zd2VyIGVxdWFscyB0aGUgcGxhaW4gcmVmZXJlbmNlLCB0aHJvdWdoIGNodW5rcywgcGFnZXMgYW5kIGEgZnVsbCBwaXBlbGluZVwiLCBhc3luYyAoKSA9PiB7XG4gIGNvbnN0IGl0ID0gc2V0dXAoKTtcbiAgY29uc3QgcHJvbXB0ID0gcHJvbXB0T2YoMTIsIDMpO1xuICBjb25zdCB7IGlkcywgZmluaXNoIH0gPSBhd2FpdCBnZW5lcmF0ZShpdCwgcHJvbXB0LCBvcHRpb25zKHsgbWF4VG9rZW5zOiAxMCB9KSk7XG4gIGFzc2VydC5kZWVwRXF1YWwoaWRzLCByZWZlcmVuY2UocHJvbXB0LCAxMCwgTk9fRU9TKSk7XG4gIGFzc2VydC5lcXVhbChmaW5pc2gsIFwibGVuZ3RoXCIpO1xuICBhc3NlcnQuZGVlcEVxdWFsKGl0LnJ1bm5lci5jYWxscy5zbGljZSgwLCAzKSwgW1wicHJlZmlsbCA1XCIsIFwicHJlZmlsbCA1XCIsIFwicHJlZmlsbCAyXCJdKTtcbiAgYXNzZXJ0LmVxdWFsKGl0LnJ1bm5lci5jYWxscy5maWx0ZXIoKGNhbGwpID0+IGNhbGwgPT09IFwiZGVjb2RlXCIpLmxlbmd0aCwgOSwgXCJubyBzdGVwIGJleW9uZCBtYXhfdG9rZW5zXCIpO1xuICBhc3NlcnQuZXF1YWwoaXQucnVubmVyLmRlZXBlc3RQaXBlbGluZSwgMyk7XG59KTtcblxudGVzdChcImFuIGVuZCB0b2tlbiBzdG9wcywgYW5kIHdoYXQgcmFuIGJleW9uZCBpdCBpcyByb2xsZWQgYmFja1wiLCBhc3luYyAoKSA9PiB7XG4gIGNvbnN0IGl0ID0gc2V0dXAoKTtcbiAgY29uc3QgcHJvbXB0ID0gcHJvbXB0T2YoNiwgMSk7XG4gIGNvbnN0IHBsYWluID0gcmVmZXJlbmNlKHByb21wdCwgOCwgTk9fRU9TKTtcbiAgY29uc3QgZW9zID0gbmV3IFNldChbcGxhaW5bNF0gPz8gLTFdKTtcbiAgY29uc3QgZXhwZWN0ZWQgPSByZWZlcmVuY2UocHJvbXB0LCA4LCBlb3MpO1xuICBjb25zdCB7IGlkcywgZmluaXNoIH0gPSBhd2FpdCBnZW5lcmF0ZShpdCwgcHJvbXB0LCBvcHRpb25zKHsgZW9zVG9rZW5JZHM6IGVvcyB9KSk7XG4gIGFzc2VydC5kZWVwRXF1YWwoaWRzLCBleHBlY3RlZCk7XG4gIGFzc2VydC5lcXVhbChmaW5pc2gsIFwic3RvcFwiKTtcbiAgYXNzZXJ0LmVxdWFsKGl0LnNlcXVlbmNlLmxlbmd0aCwgcHJvbXB0Lmxlbmd0aCArIGV4cGVjdGVkLmxlbmd0aCwgXCJ0aGUgZW5kIHRva2VuIGlzIGtub3duLCBzbyBpdCBzdGF5c1wiKTtcbiAgYXNzZXJ0LmVxdWFsKGl0LnJ1bm5lci5wZW5kaW5nLCAwLCBcIm5vIHN0ZXAgaXMgbGVmdCB1bmRlciB3YXlcIik7XG59KTtcblxudGVzdChcImEgZm9sbG93LXVwIGNvbXB1dGVzIG9ubHkgd2hhdCBpcyBuZXdcIiwgYXN5bmMgKCkgPT4ge1xuICBjb25zdCBpdCA9IHNldHVwKCk7XG4gIGNvbnN0IGZpcnN0ID0gcHJvbXB0T2YoNiwgMSk7XG4gIGNvbnN0IGFuc3dlciA9IChhd2FpdCBnZW5lcmF0ZShpdCwgZmlyc3QsIG9wdGlvbnMoeyBtYXhUb2tlbnM6IDUgfSkpKS5pZHM7XG4gIGNvbnN0IHNlY29uZCA9IFsuLi5maXJzdCwgLi4uYW5zd2VyLCA1LCA5LCAyXTtcbiAgaXQucnVubmVyLmNhbGxzLmxlbmd0aCA9IDA7XG4gIGNvbnN0IHsgaWRzLCBjYWNoZWQgfSA9IGF3YWl0IGdlbmVyYXRlKGl0LCBzZWNvbmQsIG9wdGlvbnMoeyBtYXhUb2tlbnM6IDYgfSkpO1xuICBhc3NlcnQuZGVlcEVxdWFsKGlkcywgcmVmZXJlbmNlKHNlY29uZCwgNiwgTk9fRU9TKSk7XG4gIGFzc2VydC5lcXVhbChjYWNoZWQsIGZpcnN0Lmxlbmd0aCArIGFuc3dlci5sZW5ndGggLSAxLCBcImFsbCBidXQgdGhlIGxhc3QgYW5zd2VyZWQgdG9rZW4sIHdoaWNoIG5vIHN0ZXAgaGFkIGFkZGVkXCIpO1xuICBhc3NlcnQuZXF1YWwoaXQucnVubmVyLmNhbGxzWzBdLCBcInByZWZpbGwgNFwiKTtcbn0pO1xuXG50ZXN0KFwidGhlIHNhbWUgcHJvbXB0IGFnYWluIGNvbXB1dGVzIGl0cyBsYXN0IHRva2VuIG9ubHk7IGFub3RoZXIgcHJvbXB0IHN0YXJ0cyBvdmVyXCIsIGFzeW5jICgpID0+IHtcbiAgY29uc3QgaXQgPSBzZXR1cCgpO1xuICBjb25zdCBwcm9tcHQgPSBwcm9tcHRPZig5LCAyKTtcbiAgY29uc3Qgb25jZSA9IGF3YWl0IGdlbmVyYXRlKGl0LCBwcm9tcHQsIG9wdGlvbnMoeyBtYXhUb2tlbnM6IDQgfSkpO1xuICBpdC5ydW5uZXIuY2FsbHMubGVuZ3RoID0gMDtcbiAgY29uc3QgYWdhaW4gPSBhd2FpdCBnZW5lcmF0ZShpdCwgcHJvbXB0LCBvcHRpb25zKHsgbWF4VG9rZW5zOiA0IH0pKTtcbiAgYXNzZXJ0LmRlZXBFcXVhbChhZ2Fpbi5pZHMsIG9uY2UuaWRzKTtcbiAgYXNzZXJ0LmVxdWFsKGl0LnJ1bm5lci5jYWxsc1swXSwgXCJwcmVmaWxsIDFcIik7XG4gIGNvbnN0IG90aGVyID0gcHJvbXB0T2YoNywgNTApO1xuICBjb25zdCBkaWZmZXJlbnQgPSBhd2FpdCBnZW5lcmF0ZShpdCwgb3RoZXIsIG9wdGlvbnMoeyBtYXhUb2tlbnM6IDQgfSkpO1xuICBhc3NlcnQuZGVlcEVxdWFsKGRpZmZlcmVudC5pZHMsIHJlZmVyZW5jZShvdGhlciwgNCwgTk9fRU9TKSk7XG4gIGFzc2VydC5lcXVhbChkaWZmZXJlbnQuY2FjaGVkLCAwKTtcbn0pO1xuXG50ZXN0KFwidGhlIGNhY2hlIGdyb3dzIGFzIHRoZSBjb252ZXJzYXRpb24gZG9lcywgdXAgdG8gdGhlIGNvbnRleHQgbGVuZ3RoXCIsIGFzeW5jICgpID0+IHtcbiAgY29uc3QgaXQgPSBzZXR1cCgxKTtcbiAgY29uc3QgcHJvbXB0ID0gcHJvbXB0T2YoMywgNyk7XG4gIGNvbnN0IHsgaWRzLCBmaW5pc2ggfSA9IGF3YWl0IGdlbmVyYXRlKGl0LCBwcm9tcHQsIG9wdGlvbnMoKSk7XG4gIGFzc2VydC5lcXVhbChmaW5pc2gsIFwibGVuZ3RoXCIpO1xuICBhc3NlcnQuZGVlcEVxdWFsKGlkcywgcmVmZXJlbmNlKHByb21wdCwgU0hBUEUuY29udGV4dExlbmd0aCAtIHByb21wdC5sZW5ndGgsIE5PX0VPUykpO1xuICBhc3NlcnQuZXF1YWwoaXQua3Yua3ZfY2FwYWNpdHkoKSwgOCk7XG59KTtcblxudGVzdChcImEgcHJvbXB0IGFzIGxvbmcgYXMgdGhlIGNvbnRleHQgd2luZG93IGlzIHJlZnVzZWQsIGFuZCB0aGUgY29udmVyc2F0aW9uIGlzIGtlcHRcIiwgYXN5bmMgKCkgPT4ge1xuICBjb25zdCBpdCA9IHNldHVwKCk7XG4gIGNvbnN0IHByb21wdCA9IHByb21wdE9mKDEwLCA0KTtcbiAgYXdhaXQgZ2VuZXJhdGUoaXQsIHByb21wdCwgb3B0aW9ucyh7IG1heFRva2VuczogMiB9KSk7XG4gIGF3YWl0IGFzc2VydC5yZWplY3RzKGdlbmVyYXRlKGl0LCBwcm9tcHRPZigzMiwgNCksIG9wdGlvbnMoKSksIENvbnRleHRXaW5kb3dTaXplRXhjZWVkZWRFcnJvcik7XG4gIGNvbnN0IHsgY2FjaGVkIH0gPSBhd2FpdCBnZW5lcmF0ZShpdCwgWy4uLnByb21wdCwgbmV4dFRva2VuKHByb21wdCksIDFdLCBvcHRpb25zKHsgbWF4VG9rZW5zOiAyIH0pKTtcbiAgYXNzZXJ0LmVxdWFsKGNhY2hlZCwgMTEpO1xufSk7XG5cbnRlc3QoXCJsZWF2aW5nIHRoZSBsb29wIHJvbGxzIGJhY2sgYW5kIHRoZSBuZXh0IHJlcXVlc3QgaXMgcmlnaHRcIiwgYXN5bmMgKCkgPT4ge1xuICBjb25zdCBpdCA9IHNldHVwKCk7XG4gIGNvbnN0IHByb21wdCA9IHByb21wdE9mKDUsIDkpO1xuICBjb25zdCBnaXZlbiA9IG9wdGlvbnMoKTtcbiAgY29uc3QgeyBmaXJzdCB9ID0gYXdhaXQgcHJlZmlsbChpdC5ydW5uZXIsIGl0LnNlcXVlbmNlLCBwcm9tcHQsIGdpdmVuKTtcbiAgYXNzZXJ0Lm9rKGZpcnN0KTtcbiAgbGV0IGNvdW50ID0gMDtcbiAgZm9yIGF3YWl0IChjb25zdCB7IGZpbmlzaFJlYXNvbiB9IG9mIGRlY29kZShpdC5ydW5uZXIsIGl0LnNlcXVlbmNlLCBmaXJzdCwgZ2l2ZW4pKSB7XG4gICAgYXNzZXJ0LmVxdWFsKGZpbmlzaFJlYXNvbiwgbnVsbCk7XG4gICAgaWYgKCsrY291bnQgPT09IDMpIGJyZWFrO1xuICB9XG4gIGFzc2VydC5lcXVhbChpdC5ydW5uZXIucGVuZGluZywgMCk7XG4gIGNvbnN0IHsgaWRzIH0gPSBhd2FpdCBnZW5lcmF0ZShpdCwgcHJvbXB0LCBvcHRpb25zKHsgbWF4VG9rZW5zOiA4IH0pKTtcbiAgYXNzZXJ0LmRlZXBFcXVhbChpZHMsIHJlZmVyZW5jZShwcm9tcHQsIDgsIE5PX0VPUykpO1xufSk7XG5cbnRlc3QoXCJhIHNpZ25hbCBlbmRzIHRoZSBhbnN3ZXIgd2l0aCBhYm9ydCwgYmV0d2VlbiBjaHVua3MgdG9vXCIsIGFzeW5jICgpID0+IHtcbiAgY29uc3QgaXQgPSBzZXR1cCgpO1xuICBjb25zdCBjb250cm9sbGVyID0gbmV3IEFib3J0Q29udHJvbGxlcigpO1xuICBjb25zdCBnaXZlbiA9IG9wdGlvbnMoeyBzaWduYWw6IGNvbnRyb2xsZXIuc2lnbmFsIH0pO1xuICBjb25zdCB7IGZpcnN0IH0gPSBhd2FpdCBwcmVmaWxsKGl0LnJ1bm5lciwgaXQuc2VxdWVuY2UsIHByb21wdE9mKDUsIDkpLCBnaXZlbik7XG4gIGFzc2VydC5vayhmaXJzdCk7XG4gIGNvbnN0IHJlYXNvbnM6IChGaW5pc2hSZWFzb24gfCBudWxsKVtdID0gW107XG4gIGZvciBhd2FpdCAoY29uc3QgeyBmaW5pc2hSZWFzb24gfSBvZiBkZWNvZGUoaXQucnVubmVyLCBpdC5zZXF1ZW5jZSwgZmlyc3QsIGdpdmVuKSkge1xuICAgIHJlYXNvbnMucHVzaChmaW5pc2hSZWFzb24pO1xuICAgIGlmIChyZWFzb25zLmxlbmd0aCA9PT0gMikgY29udHJvbGxlci5hYm9ydCgpO1xuICB9XG4gIGFzc2VydC5kZWVwRXF1YWwocmVhc29ucywgW251bGwsIG51bGwsIFwiYWJvcnRcIl0pO1xuICBhc3NlcnQuZXF1YWwoKGF3YWl0IHByZWZpbGwoaXQucnVubmVyLCBpdC5zZXF1ZW5jZSwgcHJvbXB0T2YoMTIsIDIpLCBnaXZlbikpLmZpcnN0LCBudWxsKTtcbn0pO1xuXG50ZXN0KFwiYSBydW5uZXIncyBlcnJvciByZWFjaGVzIHRoZSBjYWxsZXIsIGFuZCB0aGUgbmV4dCByZXF1ZXN0IHdvcmtzXCIsIGFzeW5jICgpID0+IHtcbiAgY29uc3QgaXQgPSBzZXR1cCgpO1xuICBjb25zdCBwcm9tcHQgPSBwcm9tcHRPZig1LCA5KTtcbiAgY29uc3QgZGVjb2RlT25jZSA9IGl0LnJ1bm5lci5kZWNvZGUuYmluZChpdC5ydW5uZXIpO1xuICBsZXQgY2FsbHMgPSAwO1xuICBpdC5ydW5uZXIuZGVjb2RlID0gKHBvc2l0aW9uLCBjYWNoZSkgPT4gKCsrY2FsbHMgPT09IDMgPyBQcm9taXNlLnJlamVjdChuZXcgRXJyb3IoXCJHUFVcIikpIDogZGVjb2RlT25jZShwb3NpdGlvbiwgY2FjaGUpKTtcbiAgYXdhaXQgYXNzZXJ0LnJlamVjdHMoZ2VuZXJhdGUoaXQsIHByb21wdCwgb3B0aW9ucygpKSwgL0dQVS8pO1xuICBpdC5ydW5uZXIuZGVjb2RlID0gZGVjb2RlT25jZTtcbiAgY29uc3QgeyBpZHMgfSA9IGF3YWl0IGdlbmVyYXRlKGl0LCBwcm9tcHQsIG9wdGlvbnMoeyBtYXhUb2tlbnM6IDggfSkpO1xuICBhc3NlcnQuZGVlcEVxdWFsKGlkcywgcmVmZXJlbmNlKHByb21wdCwgOCwgTk9fRU9TKSk7XG59KTtcblxudGVzdChcInRocmVlIHJlcXVlc3RzIGF0IG9uY2UgcnVuIG9uZSBhZnRlciB0aGUgb3RoZXIsIGluIG9yZGVyXCIsIGFzeW5jICgpID0+IHtcbiAgY29uc3QgaXQgPSBzZXR1cCgpO1xuICBjb25zdCBxdWV1ZSA9IG5ldyBSZXF1ZXN0UXVldWUoKTtcbiAgY29uc3Qgb3JkZXI6IG51bWJlcltdID0gW107XG4gIGNvbnN0IHByb21wdHMgPSBbcHJvbXB0T2YoNiwgMSksIHByb21wdE9mKDksIDIpLCBwcm9tcHRPZig0LCAzKV07XG4gIGNvbnN0IGFuc3dlcnMgPSBhd2FpdCBQcm9taXNlLmFsbChwcm9tcHRzLm1hcChhc3luYyAocHJvbXB0LCBpKSA9PiB7XG4gICAgY29uc3QgbGVhdmUgPSBhd2FpdCBxdWV1ZS5lbnRlcigpO1xuICAgIG9yZGVyLnB1c2goaSk7XG4gICAgdHJ5IHtcbiAgICAgIHJldHVybiAoYXdhaXQgZ2VuZXJhdGUoaXQsIHByb21wdCwgb3B0aW9ucyh7IG1heFRva2VuczogNyB9KSkpLmlkcztcbiAgICB9IGZpbmFsbHkge1xuICAgICAgbGVhdmUoKTtcbiAgICB9XG4gIH0pKTtcbiAgYXNzZXJ0LmRlZXBFcXVhbChvcmRlciwgWzAsIDEsIDJdKTtcbiAgYXNzZXJ0LmRlZXBFcXVhbChhbnN3ZXJzLCBwcm9tcHRzLm1hcCgocHJvbXB0KSA9PiByZWZlcmVuY2UocHJvbXB0LCA3LCBOT19FT1MpKSk7XG59KTtcblxudGVzdChcImEgcmVxdWVzdCB0aGF0IGlzIGFib3J0ZWQgd2hpbGUgaXQgd2FpdHMgaXMgcmVmdXNlZCwgYW5kIHRoZSBvbmVzIGJlaGluZCBpdCBnbyBvblwiLCBhc3luYyAoKSA9PiB7XG4gIGNvbnN0IHF1ZXVlID0gbmV3IFJlcXVlc3RRdWV1ZSgpO1xuICBjb25zdCBsZWF2ZSA9IGF3YWl0IHF1ZXVlLmVudGVyKCk7XG4gIGNvbnN0IGNvbnRyb2xsZXIgPSBuZXcgQWJvcnRDb250cm9sbGVyKCk7XG4gIGNvbnN0IGFib3J0ZWQgPSBxdWV1ZS5lbnRlcihjb250cm9sbGVyLnNpZ25hbCk7XG4gIGNvbnN0IGJlaGluZCA9IHF1ZXVlLmVudGVyKCk7XG4gIGNvbnRyb2xsZXIuYWJvcnQoKTtcbiAgYXdhaXQgYXNzZXJ0LnJlamVjdHMoYWJvcnRlZCwgQWJvcnRFcnJvcik7XG4gIGxlYXZlKCk7XG4gIChhd2FpdCBiZWhpbmQpKCk7XG4gIGNvbnN0IHJlZnVzZWQgPSBbYXdhaXQgcXVldWUuZW50ZXIoKSwgcXVldWUuZW50ZXIoKV0gYXMgY29uc3Q7XG4gIHF1ZXVlLnJlZnVzZVdhaXRpbmcobmV3IEFib3J0RXJyb3IoXCJ1bmxvYWRlZFwiKSk7XG4gIGF3YWl0IGFzc2VydC5yZWplY3RzKHJlZnVzZWRbMV0sIC91bmxvYWRlZC8pO1xufSk7XG5cbnRlc3QoXCJncmVlZHkgc3RlcHMgd3JpdGUgdGhlIHNhbWUgd29yZHM7IHNhbXBsZWQgc3RlcHMgY291bnQgdXAgYW5kIGtlZXAgdGhlaXIgc2VlZFwiLCAoKSA9PiB7XG4gIGNvbnN0IGdyZWVkeSA9IG5ldyBTYW1wbGVyKHsgdGVtcGVyYXR1cmU6IDAsIHRvcFA6IDEsIHNlZWQ6IDUgfSk7XG4gIGFzc2VydC5kZWVwRXF1YWwoZ3JlZWR5Lm5leHQoKSwgZ3JlZWR5Lm5leHQoKSk7XG4gIGNvbnN0IHNhbXBsZWQgPSBuZXcgU2FtcGxlcih7IHRlbXBlcmF0dXJlOiAwLjUsIHRvcFA6IDAuOSwgc2VlZDogLTIgfSk7XG4gIGNvbnN0IHdvcmRzID0gW3NhbXBsZWQubmV4dCgpLCBzYW1wbGVkLm5leHQoKV07XG4gIGFzc2VydC5kZWVwRXF1YWwod29yZHMubWFwKChzdGVwKSA9PiBzdGVwWzRdKSwgWzAsIDFdKTtcbiAgYXNzZXJ0LmRlZXBFcXVhbChbLi4ud29yZHNbMF0/LnN1YmFycmF5KDIsIDQpID8/IFtdXSwgWzB4ZmZmZmZmZmUsIDB4ZmZmZmZmZmZdKTtcbiAgYXNzZXJ0LmVxdWFsKG5ldyBGbG9hdDMyQXJyYXkod29yZHNbMF0/LmJ1ZmZlciA/PyBuZXcgQXJyYXlCdWZmZXIoOCkpWzBdLCAwLjUpO1xufSk7XG4iLCAiLyoqXG4gKiBUaGUgZXJyb3IgdHJlZS4gRXZlcnkgZXJyb3IgdGhlIGVuZ2luZSB0aHJvd3MgaXMgYW4gTUxDRW5naW5lRXJyb3Igd2l0aCBhIHN0YWJsZSBgY29kZWA7IGl0IGNyb3NzZXNcbiAqIGBwb3N0TWVzc2FnZWAgYXMgYHtjb2RlLCBtZXNzYWdlLCBkZXRhaWxzfWAgYW5kIGhhcyBpdHMgY2xhc3MgYWdhaW4gb24gdGhlIG90aGVyIHNpZGUuXG4gKlxuICogICAgIE1MQ0VuZ2luZUVycm9yXG4gKiAgICAgICBXZWJHUFVOb3RBdmFpbGFibGVFcnJvciAgICAgICAgICBubyBXZWJHUFUgaW4gdGhpcyBicm93c2VyLCBvciBubyB1c2FibGUgYWRhcHRlclxuICogICAgICAgRmVhdHVyZVN1cHBvcnRFcnJvciAgICAgICAgICAgICAgdGhlIGFkYXB0ZXIgbGFja3MgYSBmZWF0dXJlIG9yIGxpbWl0IHRoYXQgZXZlcnkgdmFyaWFudCBuZWVkc1xuICogICAgICAgRGV2aWNlTG9zdEVycm9yICAgICAgICAgICAgICAgICAgdGhlIEdQVSB3ZW50IGF3YXk7IHJlbG9hZCB0aGUgbW9kZWxcbiAqICAgICAgIEdQVUV4ZWN1dGlvbkVycm9yICAgICAgICAgICAgICAgIHRoZSBHUFUgcmVmdXNlZCBhIGNvbW1hbmQgb3IgYSBzaGFkZXJcbiAqICAgICAgIE91dE9mTWVtb3J5RXJyb3IgICAgICAgICAgICAgICAgIHRoZSBHUFUgaGFzIG5vIHJvb20gZm9yIHRoZSB3ZWlnaHRzIG9yIHRoZSBjYWNoZVxuICogICAgICAgTW9kZWxOb3RGb3VuZEVycm9yICAgICAgICAgICAgICAgdGhlIG1vZGVsIGlkIGlzIGluIG5vIG1vZGVsX2xpc3QgYW5kIGlzIG5vIFVSTFxuICogICAgICAgTW9kZWxOb3RMb2FkZWRFcnJvciAgICAgICAgICAgICAgYSByZXF1ZXN0IGNhbWUgYmVmb3JlIGEgbW9kZWwgd2FzIGxvYWRlZFxuICogICAgICAgTWFuaWZlc3RFcnJvciAgICAgICAgICAgICAgICAgICAgbWFuaWZlc3QsIHBsYW4gb3IgdG9rZW5pemVyIGlzIG1hbGZvcm1lZCBvciBvZiBhbiB1bmtub3duIHZlcnNpb25cbiAqICAgICAgIEludGVncml0eUVycm9yICAgICAgICAgICAgICAgICAgIGEgZmlsZSdzIGJ5dGVzIGFyZSBub3QgdGhvc2UgdGhhdCB0aGUgbWFuaWZlc3QgbmFtZXNcbiAqICAgICAgIERvd25sb2FkRXJyb3IgICAgICAgICAgICAgICAgICAgIGEgZmlsZSBpcyBtaXNzaW5nIG9yIGNvdWxkIG5vdCBiZSBmZXRjaGVkXG4gKiAgICAgICBSZXF1ZXN0VmFsaWRhdGlvbkVycm9yICAgICAgICAgICBhIHJlcXVlc3QgaGFzIGEgd3JvbmcsIHVua25vd24gb3IgbWlzc2luZyBmaWVsZFxuICogICAgICAgQ29udGV4dFdpbmRvd1NpemVFeGNlZWRlZEVycm9yICAgdGhlIHByb21wdCBkb2VzIG5vdCBmaXQgaW50byB0aGUgY29udGV4dCB3aW5kb3dcbiAqICAgICAgIEFib3J0RXJyb3IgICAgICAgICAgICAgICAgICAgICAgIHRoZSBjYWxsZXIgc3RvcHBlZCBpdFxuICogICAgICAgUHJvdG9jb2xFcnJvciAgICAgICAgICAgICAgICAgICAgYSBtYWxmb3JtZWQgbWVzc2FnZSBiZXR3ZWVuIHBhZ2UgYW5kIHdvcmtlclxuICogICAgICAgSW50ZXJuYWxFcnJvciAgICAgICAgICAgICAgICAgICAgYW55dGhpbmcgZWxzZTogYSBidWdcbiAqL1xuXG5leHBvcnQgdHlwZSBFcnJvckRldGFpbHMgPSBSZWFkb25seTxSZWNvcmQ8c3RyaW5nLCBzdHJpbmcgfCBudW1iZXIgfCBib29sZWFuPj47XG5cbi8qKiBXaGF0IGFuIGVycm9yIGlzIGJldHdlZW4gcGFnZSBhbmQgd29ya2VyLiAqL1xuZXhwb3J0IGludGVyZmFjZSBXaXJlRXJyb3Ige1xuICByZWFkb25seSBjb2RlOiBFcnJvckNvZGU7XG4gIHJlYWRvbmx5IG1lc3NhZ2U6IHN0cmluZztcbiAgcmVhZG9ubHkgZGV0YWlsczogRXJyb3JEZXRhaWxzO1xufVxuXG5leHBvcnQgY2xhc3MgTUxDRW5naW5lRXJyb3IgZXh0ZW5kcyBFcnJvciB7XG4gIGNvbnN0cnVjdG9yKHJlYWRvbmx5IGNvZGU6IEVycm9yQ29kZSwgbWVzc2FnZTogc3RyaW5nLCByZWFkb25seSBkZXRhaWxzOiBFcnJvckRldGFpbHMgPSB7fSwgY2F1c2U/OiB1bmtub3duKSB7XG4gICAgc3VwZXIobWVzc2FnZSwgY2F1c2UgPT09IHVuZGVmaW5lZCA/IHVuZGVmaW5lZCA6IHsgY2F1c2UgfSk7XG4gICAgdGhpcy5uYW1lID0gYCR7Y29kZX1FcnJvcmA7IC8vIG5vdCB0aGUgY2xhc3MncyBvd24gbmFtZSwgd2hpY2ggYSBtaW5pZmllciBjaGFuZ2VzXG4gIH1cbn1cblxuZXhwb3J0IGNsYXNzIFdlYkdQVU5vdEF2YWlsYWJsZUVycm9yIGV4dGVuZHMgTUxDRW5naW5lRXJyb3Ige1xuICBjb25zdHJ1Y3RvcihtZXNzYWdlOiBzdHJpbmcsIGRldGFpbHM/OiBFcnJvckRldGFpbHMpIHtcbiAgICBzdXBlcihcIldlYkdQVU5vdEF2YWlsYWJsZVwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgRmVhdHVyZVN1cHBvcnRFcnJvciBleHRlbmRzIE1MQ0VuZ2luZUVycm9yIHtcbiAgY29uc3RydWN0b3IobWVzc2FnZTogc3RyaW5nLCBkZXRhaWxzPzogRXJyb3JEZXRhaWxzKSB7XG4gICAgc3VwZXIoXCJGZWF0dXJlU3VwcG9ydFwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgRGV2aWNlTG9zdEVycm9yIGV4dGVuZHMgTUxDRW5naW5lRXJyb3Ige1xuICBjb25zdHJ1Y3RvcihtZXNzYWdlOiBzdHJpbmcsIGRldGFpbHM/OiBFcnJvckRldGFpbHMpIHtcbiAgICBzdXBlcihcIkRldmljZUxvc3RcIiwgbWVzc2FnZSwgZGV0YWlscyk7XG4gIH1cbn1cblxuZXhwb3J0IGNsYXNzIEdQVUV4ZWN1dGlvbkVycm9yIGV4dGVuZHMgTUxDRW5naW5lRXJyb3Ige1xuICBjb25zdHJ1Y3RvcihtZXNzYWdlOiBzdHJpbmcsIGRldGFpbHM/OiBFcnJvckRldGFpbHMpIHtcbiAgICBzdXBlcihcIkdQVUV4ZWN1dGlvblwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgT3V0T2ZNZW1vcnlFcnJvciBleHRlbmRzIE1MQ0VuZ2luZUVycm9yIHtcbiAgY29uc3RydWN0b3IobWVzc2FnZTogc3RyaW5nLCBkZXRhaWxzPzogRXJyb3JEZXRhaWxzKSB7XG4gICAgc3VwZXIoXCJPdXRPZk1lbW9yeVwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgTW9kZWxOb3RGb3VuZEVycm9yIGV4dGVuZHMgTUxDRW5naW5lRXJyb3Ige1xuICBjb25zdHJ1Y3RvcihtZXNzYWdlOiBzdHJpbmcsIGRldGFpbHM/OiBFcnJvckRldGFpbHMpIHtcbiAgICBzdXBlcihcIk1vZGVsTm90Rm91bmRcIiwgbWVzc2FnZSwgZGV0YWlscyk7XG4gIH1cbn1cblxuZXhwb3J0IGNsYXNzIE1vZGVsTm90TG9hZGVkRXJyb3IgZXh0ZW5kcyBNTENFbmdpbmVFcnJvciB7XG4gIGNvbnN0cnVjdG9yKG1lc3NhZ2U6IHN0cmluZywgZGV0YWlscz86IEVycm9yRGV0YWlscykge1xuICAgIHN1cGVyKFwiTW9kZWxOb3RMb2FkZWRcIiwgbWVzc2FnZSwgZGV0YWlscyk7XG4gIH1cbn1cblxuZXhwb3J0IGNsYXNzIE1hbmlmZXN0RXJyb3IgZXh0ZW5kcyBNTENFbmdpbmVFcnJvciB7XG4gIGNvbnN0cnVjdG9yKG1lc3NhZ2U6IHN0cmluZywgZGV0YWlscz86IEVycm9yRGV0YWlscykge1xuICAgIHN1cGVyKFwiTWFuaWZlc3RcIiwgbWVzc2FnZSwgZGV0YWlscyk7XG4gIH1cbn1cblxuZXhwb3J0IGNsYXNzIEludGVncml0eUVycm9yIGV4dGVuZHMgTUxDRW5naW5lRXJyb3Ige1xuICBjb25zdHJ1Y3RvcihtZXNzYWdlOiBzdHJpbmcsIGRldGFpbHM/OiBFcnJvckRldGFpbHMpIHtcbiAgICBzdXBlcihcIkludGVncml0eVwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgRG93bmxvYWRFcnJvciBleHRlbmRzIE1MQ0VuZ2luZUVycm9yIHtcbiAgY29uc3RydWN0b3IobWVzc2FnZTogc3RyaW5nLCBkZXRhaWxzPzogRXJyb3JEZXRhaWxzLCBjYXVzZT86IHVua25vd24pIHtcbiAgICBzdXBlcihcIkRvd25sb2FkXCIsIG1lc3NhZ2UsIGRldGFpbHMsIGNhdXNlKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgUmVxdWVzdFZhbGlkYXRpb25FcnJvciBleHRlbmRzIE1MQ0VuZ2luZUVycm9yIHtcbiAgY29uc3RydWN0b3IobWVzc2FnZTogc3RyaW5nLCBkZXRhaWxzPzogRXJyb3JEZXRhaWxzKSB7XG4gICAgc3VwZXIoXCJSZXF1ZXN0VmFsaWRhdGlvblwiLCBtZXNzYWdlLCBkZXRhaWxzKTtcbiAgfVxufVxuXG5leHBvcnQgY2xhc3MgQ29udGV4dFdpbmRvd1NpemVFeGNlZWRlZEVycm9yIGV4dGVuZHMgTUxDRW5naW5lRXJyb3Ige1xuICBjb25zdHJ1Y3RvcihtZXNzYWdlOiBzdHJpbmcsIGRldGFpbHM/OiBFcnJvckRldGFpbHMpIHtcbiAgICBzdXBlcihcIkNvbnRleHRXaW5kb3dTaXplRXhjZWVkZWRcIiwgbWVzc2FnZSwgZGV0YWlscyk7XG4gIH1cbn1cblxuZXhwb3J0IGNsYXNzIEFib3J0RXJyb3IgZXh0ZW5kcyBNTENFbmdpbmVFcnJvciB7XG4gIGNvbnN0cnVjdG9yKG1lc3NhZ2U6IHN0cmluZywgZGV0YWlscz86IEVycm9yRGV0YWlscykge1xuICAgIHN1cGVyKFwiQWJvcnRcIiwgbWVzc2FnZSwgZGV0YWlscyk7XG4gIH1cbn1cblxuZXhwb3J0IGNsYXNzIFByb3RvY29sRXJyb3IgZXh0ZW5kcyBNTENFbmdpbmVFcnJvciB7XG4gIGNvbnN0cnVjdG9yKG1lc3NhZ2U6IHN0cmluZywgZGV0YWlscz86IEVycm9yRGV0YWlscykge1xuICAgIHN1cGVyKFwiUHJvdG9jb2xcIiwgbWVzc2FnZSwgZGV0YWlscyk7XG4gIH1cbn1cblxuZXhwb3J0IGNsYXNzIEludGVybmFsRXJyb3IgZXh0ZW5kcyBNTENFbmdpbmVFcnJvciB7XG4gIGNvbnN0cnVjdG9yKG1lc3NhZ2U6IHN0cmluZywgZGV0YWlscz86IEVycm9yRGV0YWlscywgY2F1c2U/OiB1bmtub3duKSB7XG4gICAgc3VwZXIoXCJJbnRlcm5hbFwiLCBtZXNzYWdlLCBkZXRhaWxzLCBjYXVzZSk7XG4gIH1cbn1cblxuZXhwb3J0IGNvbnN0IEVSUk9SX0NMQVNTRVMgPSB7XG4gIFdlYkdQVU5vdEF2YWlsYWJsZTogV2ViR1BVTm90QXZhaWxhYmxlRXJyb3IsXG4gIEZlYXR1cmVTdXBwb3J0OiBGZWF0dXJlU3VwcG9ydEVycm9yLFxuICBEZXZpY2VMb3N0OiBEZXZpY2VMb3N0RXJyb3IsXG4gIEdQVUV4ZWN1dGlvbjogR1BVRXhlY3V0aW9uRXJyb3IsXG4gIE91dE9mTWVtb3J5OiBPdXRPZk1lbW9yeUVycm9yLFxuICBNb2RlbE5vdEZvdW5kOiBNb2RlbE5vdEZvdW5kRXJyb3IsXG4gIE1vZGVsTm90TG9hZGVkOiBNb2RlbE5vdExvYWRlZEVycm9yLFxuICBNYW5pZmVzdDogTWFuaWZlc3RFcnJvcixcbiAgSW50ZWdyaXR5OiBJbnRlZ3JpdHlFcnJvcixcbiAgRG93bmxvYWQ6IERvd25sb2FkRXJyb3IsXG4gIFJlcXVlc3RWYWxpZGF0aW9uOiBSZXF1ZXN0VmFsaWRhdGlvbkVycm9yLFxuICBDb250ZXh0V2luZG93U2l6ZUV4Y2VlZGVkOiBDb250ZXh0V2luZG93U2l6ZUV4Y2VlZGVkRXJyb3IsXG4gIEFib3J0OiBBYm9ydEVycm9yLFxuICBQcm90b2NvbDogUHJvdG9jb2xFcnJvcixcbiAgSW50ZXJuYWw6IEludGVybmFsRXJyb3IsXG59IGFzIGNvbnN0O1xuXG5leHBvcnQgdHlwZSBFcnJvckNvZGUgPSBrZXlvZiB0eXBlb2YgRVJST1JfQ0xBU1NFUztcblxuZXhwb3J0IGZ1bmN0aW9uIGlzRXJyb3JDb2RlKGNvZGU6IHN0cmluZyk6IGNvZGUgaXMgRXJyb3JDb2RlIHtcbiAgcmV0dXJuIE9iamVjdC5oYXNPd24oRVJST1JfQ0xBU1NFUywgY29kZSk7XG59XG5cbi8qKiBHaXZlcyBhbnl0aGluZyB0aGF0IHdhcyB0aHJvd24gYSBwbGFjZSBpbiB0aGUgdHJlZS4gKi9cbmV4cG9ydCBmdW5jdGlvbiBhc0VuZ2luZUVycm9yKHRocm93bjogdW5rbm93bik6IE1MQ0VuZ2luZUVycm9yIHtcbiAgaWYgKHRocm93biBpbnN0YW5jZW9mIE1MQ0VuZ2luZUVycm9yKSByZXR1cm4gdGhyb3duO1xuICBpZiAodGhyb3duIGluc3RhbmNlb2YgRXJyb3IgJiYgdGhyb3duLm5hbWUgPT09IFwiQWJvcnRFcnJvclwiKSByZXR1cm4gbmV3IEFib3J0RXJyb3IodGhyb3duLm1lc3NhZ2UpO1xuICByZXR1cm4gbmV3IEludGVybmFsRXJyb3IodGhyb3duIGluc3RhbmNlb2YgRXJyb3IgPyBgJHt0aHJvd24ubmFtZX06ICR7dGhyb3duLm1lc3NhZ2V9YCA6IFN0cmluZyh0aHJvd24pLCB7fSwgdGhyb3duKTtcbn1cblxuZXhwb3J0IGZ1bmN0aW9uIHRvV2lyZSh0aHJvd246IHVua25vd24pOiBXaXJlRXJyb3Ige1xuICBjb25zdCB7IGNvZGUsIG1lc3NhZ2UsIGRldGFpbHMgfSA9IGFzRW5naW5lRXJyb3IodGhyb3duKTtcbiAgcmV0dXJuIHsgY29kZSwgbWVzc2FnZSwgZGV0YWlscyB9O1xufVxuXG5leHBvcnQgZnVuY3Rpb24gZnJvbVdpcmUoZXJyb3I6IFdpcmVFcnJvcik6IE1MQ0VuZ2luZUVycm9yIHtcbiAgcmV0dXJuIG5ldyBFUlJPUl9DTEFTU0VTW2Vycm9yLmNvZGVdKGVycm9yLm1lc3NhZ2UsIGVycm9yLmRldGFpbHMpO1xufVxuIiwgIi8qKiBIb3cgdGhlIG5leHQgdG9rZW4gaXMgZHJhd246IHRoZSB3b3JkcyBvZiB0aGUgYHNhbXBsaW5nYCBidWZmZXIsIHdoaWNoIHRoZSBHUFUncyBzYW1wbGluZyBrZXJuZWxzIHJlYWQuICovXG5cbmV4cG9ydCBpbnRlcmZhY2UgU2FtcGxpbmdDb25maWcge1xuICAvKiogMCB0YWtlcyB0aGUgbGlrZWxpZXN0IHRva2VuLiAqL1xuICByZWFkb25seSB0ZW1wZXJhdHVyZTogbnVtYmVyO1xuICAvKiogRHJhd3MgZnJvbSB0aGUgbGlrZWxpZXN0IHRva2VucyB3aG9zZSBwcm9iYWJpbGl0aWVzIHJlYWNoIHRoaXMgc3VtOyAxIGRyYXdzIGZyb20gYWxsLiAqL1xuICByZWFkb25seSB0b3BQOiBudW1iZXI7XG4gIC8qKiBUaGUgc2FtZSBzZWVkLCBwcm9tcHQgYW5kIG1vZGVsIGdpdmUgdGhlIHNhbWUgYW5zd2VyOyB1bmRlZmluZWQgZHJhd3MgYSBzZWVkLiAqL1xuICByZWFkb25seSBzZWVkOiBudW1iZXIgfCB1bmRlZmluZWQ7XG59XG5cbmNvbnN0IFNURVBfV09SRCA9IDQ7XG5cbmV4cG9ydCBjbGFzcyBTYW1wbGVyIHtcbiAgcmVhZG9ubHkgI3dvcmRzID0gbmV3IFVpbnQzMkFycmF5KDgpO1xuICByZWFkb25seSAjZ3JlZWR5OiBib29sZWFuO1xuXG4gIGNvbnN0cnVjdG9yKHsgdGVtcGVyYXR1cmUsIHRvcFAsIHNlZWQgfTogU2FtcGxpbmdDb25maWcpIHtcbiAgICBjb25zdCBmbG9hdHMgPSBuZXcgRmxvYXQzMkFycmF5KHRoaXMuI3dvcmRzLmJ1ZmZlcik7XG4gICAgZmxvYXRzWzBdID0gdGVtcGVyYXR1cmU7XG4gICAgZmxvYXRzWzFdID0gdG9wUDtcbiAgICBjb25zdCBzZWVkV29yZHMgPSBzZWVkID09PSB1bmRlZmluZWRcbiAgICAgID8gY3J5cHRvLmdldFJhbmRvbVZhbHVlcyhuZXcgVWludDMyQXJyYXkoMikpXG4gICAgICA6IG5ldyBVaW50MzJBcnJheShCaWdVaW50NjRBcnJheS5vZihCaWdJbnQuYXNVaW50Tig2NCwgQmlnSW50KHNlZWQpKSkuYnVmZmVyKTtcbiAgICB0aGlzLiN3b3Jkcy5zZXQoc2VlZFdvcmRzLCAyKTtcbiAgICB0aGlzLiNncmVlZHkgPSB0ZW1wZXJhdHVyZSA9PT0gMDtcbiAgfVxuXG4gIC8qKiB1aW50MzJbOF0gZm9yIHRoZSBuZXh0IHN0ZXAuIEdyZWVkeSBzdGVwcyBhcmUgYWxsIGFsaWtlLCBzbyB0aGF0IG5vdGhpbmcgaXMgd3JpdHRlbiBmb3IgdGhlbS4gKi9cbiAgbmV4dCgpOiBVaW50MzJBcnJheSB7XG4gICAgY29uc3Qgd29yZHMgPSB0aGlzLiN3b3Jkcy5zbGljZSgpO1xuICAgIGlmICghdGhpcy4jZ3JlZWR5KSB0aGlzLiN3b3Jkc1tTVEVQX1dPUkRdID0gKCh0aGlzLiN3b3Jkc1tTVEVQX1dPUkRdID8/IDApICsgMSkgPj4+IDA7XG4gICAgcmV0dXJuIHdvcmRzO1xuICB9XG59XG4iLCAiLyoqIFRoZSBnZW5lcmF0aW9uIGxvb3AuIEl0IGtub3dzIHRva2VucywgdGhlIGNhY2hlIGFuZCBhIHJ1bm5lcjsgbm90IHRleHQsIGFuZCBub3QgdGhlIEdQVS4gKi9cblxuaW1wb3J0IHsgQ29udGV4dFdpbmRvd1NpemVFeGNlZWRlZEVycm9yIH0gZnJvbSBcIi4uL2Vycm9ycy50c1wiO1xuaW1wb3J0IHR5cGUgeyBTYW1wbGVyIH0gZnJvbSBcIi4uL3NhbXBsZXIvc2FtcGxlci50c1wiO1xuaW1wb3J0IHR5cGUgeyBNb2RlbFJ1bm5lciB9IGZyb20gXCIuL3J1bm5lci50c1wiO1xuaW1wb3J0IHR5cGUgeyBTZXF1ZW5jZSB9IGZyb20gXCIuL3NlcXVlbmNlLnRzXCI7XG5cbi8qKiBTdGVwcyBzdWJtaXR0ZWQgYmVmb3JlIHRoZSBmaXJzdCBvZiB0aGVtIGlzIHJlYWQ6IHRoZSBHUFUgbmV2ZXIgd2FpdHMgZm9yIHRoZSBDUFUuIEFuIGVuZCBjb3N0cyBhbGwgYnV0IG9uZSBvZiB0aGVtLiAqL1xuY29uc3QgUElQRUxJTkVfREVQVEggPSAzO1xuXG5leHBvcnQgdHlwZSBGaW5pc2hSZWFzb24gPSBcInN0b3BcIiB8IFwibGVuZ3RoXCIgfCBcImFib3J0XCI7XG5cbmV4cG9ydCBpbnRlcmZhY2UgR2VuZXJhdGVkVG9rZW4ge1xuICByZWFkb25seSB0b2tlbjogbnVtYmVyO1xuICAvKiogU2V0IG9uIHRoZSBsYXN0IHRva2VuLiAqL1xuICByZWFkb25seSBmaW5pc2hSZWFzb246IEZpbmlzaFJlYXNvbiB8IG51bGw7XG59XG5cbmV4cG9ydCBpbnRlcmZhY2UgR2VuZXJhdGlvbk9wdGlvbnMge1xuICByZWFkb25seSBtYXhUb2tlbnM6IG51bWJlcjtcbiAgcmVhZG9ubHkgZW9zVG9rZW5JZHM6IFJlYWRvbmx5U2V0PG51bWJlcj47XG4gIHJlYWRvbmx5IHNhbXBsZXI6IFNhbXBsZXI7XG4gIC8qKiBFbmRzIHRoZSBnZW5lcmF0aW9uIHdpdGggXCJhYm9ydFwiIGF0IHRoZSBuZXh0IHRva2VuIG9yIHByZWZpbGwgY2h1bmsuICovXG4gIHJlYWRvbmx5IHNpZ25hbDogQWJvcnRTaWduYWw7XG59XG5cbmV4cG9ydCBpbnRlcmZhY2UgUHJlZmlsbGVkIHtcbiAgLyoqIFRva2VucyBvZiB0aGUgcHJvbXB0IHRoYXQgd2VyZSBpbiB0aGUgY2FjaGUgYWxyZWFkeS4gKi9cbiAgcmVhZG9ubHkgY2FjaGVkOiBudW1iZXI7XG4gIC8qKiBUaGUgZmlyc3QgZ2VuZXJhdGVkIHRva2VuLCBvciBudWxsIHdoZW4gYWJvcnRlZCBiZWZvcmUgdGhlIGxhc3QgY2h1bmsuICovXG4gIHJlYWRvbmx5IGZpcnN0OiBQcm9taXNlPG51bWJlcj4gfCBudWxsO1xufVxuXG4vKiogQnJpbmdzIHRoZSBwcm9tcHQgaW50byB0aGUgY2FjaGUsIGluIGNodW5rcywgYnV0IGZvciB3aGF0IGlzIHRoZXJlIGFscmVhZHkuIFJhaXNlcyBDb250ZXh0V2luZG93U2l6ZUV4Y2VlZGVkRXJyb3IuICovXG5leHBvcnQgYXN5bmMgZnVuY3Rpb24gcHJlZmlsbChcbiAgcnVubmVyOiBNb2RlbFJ1bm5lciwgc2VxdWVuY2U6IFNlcXVlbmNlLCBwcm9tcHQ6IHJlYWRvbmx5IG51bWJlcltdLCB7IHNhbXBsZXIsIHNpZ25hbCB9OiBQaWNrPEdlbmVyYXRpb25PcHRpb25zLCBcInNhbXBsZXJcIiB8IFwic2lnbmFsXCI+LFxuKTogUHJvbWlzZTxQcmVmaWxsZWQ+IHtcbiAgY29uc3QgeyBjb250ZXh0TGVuZ3RoLCBwcmVmaWxsQ2h1bmsgfSA9IHJ1bm5lci5zaGFwZTtcbiAgaWYgKHByb21wdC5sZW5ndGggPj0gY29udGV4dExlbmd0aCkge1xuICAgIHRocm93IG5ldyBDb250ZXh0V2luZG93U2l6ZUV4Y2VlZGVkRXJyb3IoXG4gICAgICBgVGhlIGNvbnZlcnNhdGlvbiBoYXMgJHtwcm9tcHQubGVuZ3RofSB0b2tlbnMsIHRoZSBjb250ZXh0IHdpbmRvdyAke2NvbnRleHRMZW5ndGh9LiBTaG9ydGVuIGl0LCBzdGFydCBhIG5ldyBjaGF0LCBvciBsb2FkIHdpdGggYSBsYXJnZXIgY29udGV4dF93aW5kb3dfc2l6ZS5gLFxuICAgICAgeyBwcm9tcHRUb2tlbnM6IHByb21wdC5sZW5ndGgsIGNvbnRleHRXaW5kb3dTaXplOiBjb250ZXh0TGVuZ3RoIH0pO1xuICB9XG4gIGNvbnN0IGNhY2hlZCA9IHNlcXVlbmNlLnJldXNlKHByb21wdCk7XG4gIGZvciAobGV0IHBvc2l0aW9uID0gY2FjaGVkOyA7IHBvc2l0aW9uICs9IHByZWZpbGxDaHVuaykge1xuICAgIGlmIChzaWduYWwuYWJvcnRlZCkgcmV0dXJuIHsgY2FjaGVkLCBmaXJzdDogbnVsbCB9O1xuICAgIGNvbnN0IGNodW5rID0gcHJvbXB0LnNsaWNlKHBvc2l0aW9uLCBwb3NpdGlvbiArIHByZWZpbGxDaHVuayk7XG4gICAgY29uc3QgY2FjaGUgPSBhd2FpdCBzZXF1ZW5jZS5hcHBlbmQoY2h1bmsubGVuZ3RoKTtcbiAgICBjb25zdCBpc0xhc3QgPSBwb3NpdGlvbiArIGNodW5rLmxlbmd0aCA9PT0gcHJvbXB0Lmxlbmd0aDtcbiAgICBjb25zdCBmaXJzdCA9IGlzTGFzdCA/IHJ1bm5lci5wcmVmaWxsQW5kU2FtcGxlKGNodW5rLCBwb3NpdGlvbiwgY2FjaGUsIHNhbXBsZXIubmV4dCgpKSA6IG51bGw7XG4gICAgaWYgKGZpcnN0ID09PSBudWxsKSBhd2FpdCBydW5uZXIucHJlZmlsbChjaHVuaywgcG9zaXRpb24sIGNhY2hlKTtcbiAgICBzZXF1ZW5jZS5jb21taXQoY2h1bmspO1xuICAgIGlmIChmaXJzdCAhPT0gbnVsbCkgcmV0dXJuIHsgY2FjaGVkLCBmaXJzdCB9O1xuICB9XG59XG5cbi8qKlxuICogWWllbGRzIHRoZSBnZW5lcmF0ZWQgdG9rZW5zLCBhbiBlbmQgdG9rZW4gdG9vOyB0aGUgbGFzdCBvbmUgc2F5cyB3aHkgaXQgaXMgdGhlIGxhc3QuIFN0ZXAgaysxIGlzIHN1Ym1pdHRlZCBiZWZvcmVcbiAqIHRoZSB0b2tlbiBvZiBzdGVwIGsgaXMgcmVhZDsgd2hhdCB3YXMgY29tcHV0ZWQgYmV5b25kIHRoZSBlbmQgaXMgcm9sbGVkIGJhY2ssIGFsc28gd2hlbiB0aGUgY29uc3VtZXIgbGVhdmVzIGVhcmx5LlxuICovXG5leHBvcnQgYXN5bmMgZnVuY3Rpb24qIGRlY29kZShcbiAgcnVubmVyOiBNb2RlbFJ1bm5lciwgc2VxdWVuY2U6IFNlcXVlbmNlLCBmaXJzdDogUHJvbWlzZTxudW1iZXI+LCB7IG1heFRva2VucywgZW9zVG9rZW5JZHMsIHNhbXBsZXIsIHNpZ25hbCB9OiBHZW5lcmF0aW9uT3B0aW9ucyxcbik6IEFzeW5jR2VuZXJhdG9yPEdlbmVyYXRlZFRva2VuLCB2b2lkLCB1bmRlZmluZWQ+IHtcbiAgY29uc3QgbGltaXQgPSBNYXRoLm1pbihtYXhUb2tlbnMsIHJ1bm5lci5zaGFwZS5jb250ZXh0TGVuZ3RoIC0gc2VxdWVuY2UubGVuZ3RoKTtcbiAgY29uc3QgaW5GbGlnaHQgPSBbZmlyc3RdO1xuICBsZXQgc3VibWl0dGVkID0gMTtcbiAgdHJ5IHtcbiAgICBmb3IgKGxldCByZWFkID0gMTsgOyByZWFkKyspIHtcbiAgICAgIHdoaWxlIChpbkZsaWdodC5sZW5ndGggPCBQSVBFTElORV9ERVBUSCAmJiBzdWJtaXR0ZWQgPCBsaW1pdCkge1xuICAgICAgICBjb25zdCBwb3NpdGlvbiA9IHNlcXVlbmNlLmxlbmd0aDtcbiAgICAgICAgY29uc3Qgc3RlcCA9IHJ1bm5lci5kZWNvZGUocG9zaXRpb24sIGF3YWl0IHNlcXVlbmNlLmFwcGVuZCgxKSwgc2FtcGxlci5uZXh0KCkpO1xuICAgICAgICBzdGVwLmNhdGNoKCgpID0+IHVuZGVmaW5lZCk7IC8vIHJlcG9ydGVkIHdoZXJlIGl0IGlzIGF3YWl0ZWQsIG9yIGRyb3BwZWQgd2l0aCB0aGUgd2FzdGVkIHN0ZXBzXG4gICAgICAgIGluRmxpZ2h0LnB1c2goc3RlcCk7XG4gICAgICAgIHN1Ym1pdHRlZCsrO1xuICAgICAgfVxuICAgICAgY29uc3QgdG9rZW4gPSBhd2FpdCBpbkZsaWdodC5zaGlmdCgpID8/IDA7XG4gICAgICBpZiAoc3VibWl0dGVkID4gcmVhZCkgc2VxdWVuY2UuY29tbWl0KFt0b2tlbl0pOyAvLyBhIHN0ZXAgdGhhdCBhZGRzIGl0IHRvIHRoZSBjYWNoZSBpcyB1bmRlciB3YXlcbiAgICAgIGNvbnN0IGZpbmlzaFJlYXNvbiA9IGVvc1Rva2VuSWRzLmhhcyh0b2tlbikgPyBcInN0b3BcIiA6IHJlYWQgPj0gbGltaXQgPyBcImxlbmd0aFwiIDogc2lnbmFsLmFib3J0ZWQgPyBcImFib3J0XCIgOiBudWxsO1xuICAgICAgeWllbGQgeyB0b2tlbiwgZmluaXNoUmVhc29uIH07XG4gICAgICBpZiAoZmluaXNoUmVhc29uICE9PSBudWxsKSByZXR1cm47XG4gICAgfVxuICB9IGZpbmFsbHkge1xuICAgIGF3YWl0IFByb21pc2UuYWxsU2V0dGxlZChpbkZsaWdodCk7XG4gICAgc2VxdWVuY2UudHJpbSgpO1xuICB9XG59XG4iLCAiLyoqIE9uZSByZXF1ZXN0IGF0IGEgdGltZSwgaW4gdGhlIG9yZGVyIGluIHdoaWNoIHRoZXkgY2FtZS4gKi9cblxuaW1wb3J0IHsgQWJvcnRFcnJvciB9IGZyb20gXCIuLi9lcnJvcnMudHNcIjtcblxuaW50ZXJmYWNlIFdhaXRpbmcge1xuICByZWFkb25seSBlbnRlcjogKCkgPT4gdm9pZDtcbiAgcmVhZG9ubHkgcmVmdXNlOiAoZXJyb3I6IHVua25vd24pID0+IHZvaWQ7XG59XG5cbmV4cG9ydCBjbGFzcyBSZXF1ZXN0UXVldWUge1xuICByZWFkb25seSAjd2FpdGluZzogV2FpdGluZ1tdID0gW107XG4gICNidXN5ID0gZmFsc2U7XG5cbiAgLyoqIFdhaXRzIGZvciBpdHMgdHVybjsgY2FsbCB3aGF0IGl0IHJldHVybnMgd2hlbiBkb25lLiBSYWlzZXMgQWJvcnRFcnJvciB3aGVyZSB0aGUgc2lnbmFsIGNvbWVzIGZpcnN0LiAqL1xuICBhc3luYyBlbnRlcihzaWduYWw/OiBBYm9ydFNpZ25hbCk6IFByb21pc2U8KCkgPT4gdm9pZD4ge1xuICAgIGlmIChzaWduYWw/LmFib3J0ZWQpIHRocm93IG5ldyBBYm9ydEVycm9yKFwiVGhlIHJlcXVlc3Qgd2FzIGFib3J0ZWQgYmVmb3JlIGl0IGJlZ2FuLlwiKTtcbiAgICBpZiAodGhpcy4jYnVzeSkgYXdhaXQgdGhpcy4jdHVybihzaWduYWwpO1xuICAgIHRoaXMuI2J1c3kgPSB0cnVlO1xuICAgIGxldCBsZWZ0ID0gZmFsc2U7XG4gICAgcmV0dXJuICgpID0+IHtcbiAgICAgIGlmIChsZWZ0KSByZXR1cm47XG4gICAgICBsZWZ0ID0gdHJ1ZTtcbiAgICAgIHRoaXMuI2J1c3kgPSBmYWxzZTtcbiAgICAgIHRoaXMuI3dhaXRpbmcuc2hpZnQoKT8uZW50ZXIoKTtcbiAgICB9O1xuICB9XG5cbiAgI3R1cm4oc2lnbmFsOiBBYm9ydFNpZ25hbCB8IHVuZGVmaW5lZCk6IFByb21pc2U8dm9pZD4ge1xuICAgIHJldHVybiBuZXcgUHJvbWlzZTx2b2lkPigocmVzb2x2ZSwgcmVqZWN0KSA9PiB7XG4gICAgICBjb25zdCBhYm9ydCA9ICgpOiB2b2lkID0+IHtcbiAgICAgICAgdGhpcy4jd2FpdGluZy5zcGxpY2UodGhpcy4jd2FpdGluZy5pbmRleE9mKHdhaXRpbmcpLCAxKTtcbiAgICAgICAgcmVqZWN0KG5ldyBBYm9ydEVycm9yKFwiVGhlIHJlcXVlc3Qgd2FzIGFib3J0ZWQgYmVmb3JlIGl0IGJlZ2FuLlwiKSk7XG4gICAgICB9O1xuICAgICAgY29uc3Qgd2FpdGluZyA9IHtcbiAgICAgICAgZW50ZXI6ICgpOiB2b2lkID0+IHtcbiAgICAgICAgICBzaWduYWw/LnJlbW92ZUV2ZW50TGlzdGVuZXIoXCJhYm9ydFwiLCBhYm9ydCk7XG4gICAgICAgICAgdGhpcy4jYnVzeSA9IHRydWU7IC8vIGJlZm9yZSBhbnlib2R5IGVsc2UgYXNrc1xuICAgICAgICAgIHJlc29sdmUoKTtcbiAgICAgICAgfSxcbiAgICAgICAgcmVmdXNlOiByZWplY3QsXG4gICAgICB9O1xuICAgICAgc2lnbmFsPy5hZGRFdmVudExpc3RlbmVyKFwiYWJvcnRcIiwgYWJvcnQsIHsgb25jZTogdHJ1ZSB9KTtcbiAgICAgIHRoaXMuI3dhaXRpbmcucHVzaCh3YWl0aW5nKTtcbiAgICB9KTtcbiAgfVxuXG4gIC8qKiBSZWZ1c2VzIGFsbCB0aGF0IHdhaXQ7IHdob2V2ZXIgaXMgaW5zaWRlIHN0YXlzLiAqL1xuICByZWZ1c2VXYWl0aW5nKGVycm9yOiBFcnJvcik6IHZvaWQge1xuICAgIGZvciAoY29uc3Qgd2FpdGluZyBvZiB0aGlzLiN3YWl0aW5nLnNwbGljZSgwKSkgd2FpdGluZy5yZWZ1c2UoZXJyb3IpO1xuICB9XG59XG4iLCAiLy8gR2VuZXJhdGVkIGZyb20gd2FzbV9zdXBwb3J0L2FiaS5qc29uIGJ5IHdhc21fc3VwcG9ydC9nZW5lcmF0ZV9hYmkucHkuIERvIG5vdCBlZGl0LlxuXG5leHBvcnQgY29uc3QgQUJJX0VSUk9SUyA9IHtcbiAgLyoqIG5vdCBlbm91Z2ggZnJlZSBwYWdlcywgb3Igbm8gbWVtb3J5IGZvciB0aGUgdGFibGVzOyBub3RoaW5nIGNoYW5nZWQgKi9cbiAgT1VUX09GX1BBR0VTOiAtMSxcbiAgLyoqIG5vIHNlcXVlbmNlIGhhcyB0aGlzIGlkIChuZXZlciBtYWRlLCBvciBmcmVlZCkgKi9cbiAgVU5LTk9XTl9TRVFVRU5DRTogLTIsXG4gIC8qKiBhIG51bWJlciBvdXQgb2YgcmFuZ2U7IG5vdGhpbmcgY2hhbmdlZCAqL1xuICBJTlZBTElEX0FSR1VNRU5UOiAtMyxcbn0gYXMgY29uc3Q7XG5cbmV4cG9ydCBjb25zdCBBQklfTElNSVRTID0ge1xuICAvKiogdG9rZW5zIGluIGEgcGFnZSAqL1xuICBNQVhfUEFHRV9TSVpFOiAxMDI0LFxuICAvKiogcGFnZXMgaW4gdGhlIHBvb2wgKi9cbiAgTUFYX1BBR0VTOiAxMDQ4NTc2LFxuICAvKiogc2VxdWVuY2VzIGFsaXZlIGF0IGEgdGltZSAqL1xuICBNQVhfU0VRVUVOQ0VTOiA2NTUzNixcbiAgLyoqIGJ5dGVzIHRoYXQgc2NyYXRjaCBnaXZlcyBvdXQgKi9cbiAgTUFYX1NDUkFUQ0hfQllURVM6IDEwNDg1NzYsXG59IGFzIGNvbnN0O1xuXG4vKipcbiAqIFRoZSBleHBvcnRzIG9mIGV2ZXJ5IG1vZGVsLndhc20sIGJlc2lkZXMgaXRzIGxhdW5jaCBmdW5jdGlvbnMuIEEgcG9pbnRlciBpcyBhIGJ5dGUgb2Zmc2V0IGludG8gYG1lbW9yeWAuXG4gKiBBbnkgY2FsbCBtYXkgZ3JvdyB0aGUgbWVtb3J5LCB3aGljaCBkZXRhY2hlcyBvbGQgdmlld3M6IG1ha2UgYSB2aWV3IG9mIGBtZW1vcnkuYnVmZmVyYCBhZnRlciB0aGUgY2FsbC5cbiAqL1xuZXhwb3J0IGludGVyZmFjZSBXYXNtQWJpIHtcbiAgcmVhZG9ubHkgbWVtb3J5OiBXZWJBc3NlbWJseS5NZW1vcnk7XG4gIC8qKlxuICAgKiBGb3JnZXRzIGFsbCBzZXF1ZW5jZXMgYW5kIHN0YXJ0cyBvdmVyIHdpdGggbnVtX3BhZ2VzICg+PSAwKSBmcmVlIHBhZ2VzIG9mIHBhZ2Vfc2l6ZSAoPj0gMSkgdG9rZW5zLiBSZXR1cm5zIDAsXG4gICAqIE9VVF9PRl9QQUdFUyBvciBJTlZBTElEX0FSR1VNRU5ULlxuICAgKi9cbiAga3ZfcmVzZXQocGFnZV9zaXplOiBudW1iZXIsIG51bV9wYWdlczogbnVtYmVyKTogbnVtYmVyO1xuICAvKipcbiAgICogUmFpc2VzIHRoZSBjYXBhY2l0eSB0byBudW1fcGFnZXM7IHNlcXVlbmNlcyBrZWVwIHRoZWlyIHBhZ2VzLiBBdCBvciBiZWxvdyB0aGUgcHJlc2VudCBjYXBhY2l0eSBpdCBkb2VzIG5vdGhpbmcuXG4gICAqIFJldHVybnMgMCwgT1VUX09GX1BBR0VTIChubyBtZW1vcnkgZm9yIHRoZSB0YWJsZXMpIG9yIElOVkFMSURfQVJHVU1FTlQuXG4gICAqL1xuICBrdl9ncm93KG51bV9wYWdlczogbnVtYmVyKTogbnVtYmVyO1xuICAvKipcbiAgICogTWFrZXMgYW4gZW1wdHkgc2VxdWVuY2UuIFJldHVybnMgaXRzIGlkICg+PSAwKSwgb3IgT1VUX09GX1BBR0VTIHdoZXJlIE1BWF9TRVFVRU5DRVMgYXJlIGFsaXZlLiBUaGUgaWQgb2YgYVxuICAgKiBmcmVlZCBzZXF1ZW5jZSBpcyBnaXZlbiBvdXQgYWdhaW4uXG4gICAqL1xuICBrdl9uZXcoKTogbnVtYmVyO1xuICAvKipcbiAgICogTWFrZXMgYSBzZXF1ZW5jZSB0aGF0IHNoYXJlcyB0aGUgcGFnZXMgb2YgdGhlIGZpcnN0IGxlbmd0aCB0b2tlbnM7IHRha2VzIG5vIHBhZ2UuIFJldHVybnMgaXRzIGlkLFxuICAgKiBVTktOT1dOX1NFUVVFTkNFLCBJTlZBTElEX0FSR1VNRU5UIChsZW5ndGggbmVnYXRpdmUgb3IgYmV5b25kIHRoZSBzZXF1ZW5jZSkgb3IgT1VUX09GX1BBR0VTIChubyByb29tIGZvciB0aGVcbiAgICogdGFibGUpLlxuICAgKi9cbiAga3ZfZm9yayhzZXF1ZW5jZTogbnVtYmVyLCBsZW5ndGg6IG51bWJlcik6IG51bWJlcjtcbiAgLyoqXG4gICAqIE1ha2VzIHJvb20gZm9yIGNvdW50ICg+PSAwKSBtb3JlIHRva2VucywgYWxsIG9yIG5vdGhpbmcuIEEgc2hhcmVkLCBwYXJ0bHkgZmlsbGVkIGxhc3QgcGFnZSBpcyByZXBsYWNlZCBieSBhXG4gICAqIGZyZXNoIG9uZS4gUmV0dXJucyB0aGUgbnVtYmVyIG9mIHBhZ2UgY29waWVzICgwIG9yIDEsIHNlZSBrdl9jb3BpZXMpIHRvIGRvIGJlZm9yZSB0aGUgbmV4dCBjYWxsIHRoYXQgdGFrZXMgb3JcbiAgICogZnJlZXMgcGFnZXMsIE9VVF9PRl9QQUdFUywgVU5LTk9XTl9TRVFVRU5DRSBvciBJTlZBTElEX0FSR1VNRU5ULlxuICAgKi9cbiAga3ZfYXBwZW5kKHNlcXVlbmNlOiBudW1iZXIsIGNvdW50OiBudW1iZXIpOiBudW1iZXI7XG4gIC8qKlxuICAgKiBQb2ludGVyIHRvIGkzMi4gVGhlIHBhZ2UgY29waWVzIG9mIHRoZSBsYXRlc3Qgc3VjY2Vzc2Z1bCBrdl9hcHBlbmQsIGFzIChzb3VyY2UgcGFnZSwgZGVzdGluYXRpb24gcGFnZSkgcGFpcnMuXG4gICAqIFZhbGlkIHVudGlsIHRoZSBuZXh0IGt2X2FwcGVuZC5cbiAgICovXG4gIGt2X2NvcGllcygpOiBudW1iZXI7XG4gIC8qKlxuICAgKiBSb2xscyB0aGUgc2VxdWVuY2UgYmFjayB0byBpdHMgZmlyc3QgbGVuZ3RoIHRva2VucyBhbmQgZ2l2ZXMgYmFjayB0aGUgcGFnZXMgaXQgbm8gbG9uZ2VyIG5lZWRzLiBSZXR1cm5zIDAsXG4gICAqIFVOS05PV05fU0VRVUVOQ0Ugb3IgSU5WQUxJRF9BUkdVTUVOVCAobGVuZ3RoIG5lZ2F0aXZlIG9yIGJleW9uZCB0aGUgc2VxdWVuY2UpLlxuICAgKi9cbiAga3ZfdHJ1bmNhdGUoc2VxdWVuY2U6IG51bWJlciwgbGVuZ3RoOiBudW1iZXIpOiBudW1iZXI7XG4gIC8qKlxuICAgKiBFbmRzIHRoZSBzZXF1ZW5jZTsgcGFnZXMgdGhhdCBubyBvdGhlciBzZXF1ZW5jZSBzaGFyZXMgYmVjb21lIGZyZWUuIFJldHVybnMgMCBvciBVTktOT1dOX1NFUVVFTkNFLlxuICAgKi9cbiAga3ZfZnJlZShzZXF1ZW5jZTogbnVtYmVyKTogbnVtYmVyO1xuICAvKipcbiAgICogVG9rZW5zIGluIHRoZSBzZXF1ZW5jZSwgb3IgVU5LTk9XTl9TRVFVRU5DRS5cbiAgICovXG4gIGt2X2xlbmd0aChzZXF1ZW5jZTogbnVtYmVyKTogbnVtYmVyO1xuICAvKipcbiAgICogUG9pbnRlciB0byBpMzIuIFRoZSBzZXF1ZW5jZSdzIHBhZ2UgaWRzLCBrdl9wYWdlX2NvdW50IG9mIHRoZW06IHRva2VuIHQgaXMgaW4gcGFnZSB0IC8gcGFnZV9zaXplIGF0IHNsb3QgdCAlXG4gICAqIHBhZ2Vfc2l6ZS4gMCBmb3IgYW4gdW5rbm93biBzZXF1ZW5jZS4gVmFsaWQgdW50aWwgdGhlIG5leHQgY2FsbCB0aGF0IGNoYW5nZXMgYW55IHNlcXVlbmNlLlxuICAgKi9cbiAga3ZfcGFnZXMoc2VxdWVuY2U6IG51bWJlcik6IG51bWJlcjtcbiAgLyoqXG4gICAqIFBhZ2VzIG9mIHRoZSBzZXF1ZW5jZSwgY2VpbChsZW5ndGggLyBwYWdlX3NpemUpLCBvciBVTktOT1dOX1NFUVVFTkNFLlxuICAgKi9cbiAga3ZfcGFnZV9jb3VudChzZXF1ZW5jZTogbnVtYmVyKTogbnVtYmVyO1xuICAvKipcbiAgICogRnJlZSBwYWdlcy5cbiAgICovXG4gIGt2X2F2YWlsYWJsZSgpOiBudW1iZXI7XG4gIC8qKlxuICAgKiBQYWdlcyBpbiB0aGUgcG9vbCwgZnJlZSBvciB0YWtlbjsgaWRzIGFyZSBiZWxvdyBpdC5cbiAgICovXG4gIGt2X2NhcGFjaXR5KCk6IG51bWJlcjtcbiAgLyoqXG4gICAqIFBvaW50ZXIgdG8gaTMyLiBBdCBsZWFzdCBieXRlcyBvZiBtZW1vcnksIDE2LWJ5dGUgYWxpZ25lZCwgZm9yIGEgbGF1bmNoIGZ1bmN0aW9uJ3Mgb3V0cHV0OyBvbmUgYXJlYSwgdmFsaWRcbiAgICogdW50aWwgdGhlIG5leHQgc2NyYXRjaC4gMCB3aGVyZSBieXRlcyBpcyBuZWdhdGl2ZSwgYWJvdmUgTUFYX1NDUkFUQ0hfQllURVMsIG9yIG1lbW9yeSBpcyBvdXQuXG4gICAqL1xuICBzY3JhdGNoKGJ5dGVzOiBudW1iZXIpOiBudW1iZXI7XG59XG5cbmV4cG9ydCBjb25zdCBXQVNNX0FCSV9GVU5DVElPTlMgPSBbXG4gIFwia3ZfcmVzZXRcIixcbiAgXCJrdl9ncm93XCIsXG4gIFwia3ZfbmV3XCIsXG4gIFwia3ZfZm9ya1wiLFxuICBcImt2X2FwcGVuZFwiLFxuICBcImt2X2NvcGllc1wiLFxuICBcImt2X3RydW5jYXRlXCIsXG4gIFwia3ZfZnJlZVwiLFxuICBcImt2X2xlbmd0aFwiLFxuICBcImt2X3BhZ2VzXCIsXG4gIFwia3ZfcGFnZV9jb3VudFwiLFxuICBcImt2X2F2YWlsYWJsZVwiLFxuICBcImt2X2NhcGFjaXR5XCIsXG4gIFwic2NyYXRjaFwiLFxuXSBhcyBjb25zdCBzYXRpc2ZpZXMgcmVhZG9ubHkgKGtleW9mIFdhc21BYmkpW107XG5cbmV4cG9ydCBmdW5jdGlvbiBpc1dhc21BYmkoZXhwb3J0czogV2ViQXNzZW1ibHkuRXhwb3J0cyk6IGV4cG9ydHMgaXMgV2ViQXNzZW1ibHkuRXhwb3J0cyAmIFdhc21BYmkge1xuICByZXR1cm4gZXhwb3J0c1tcIm1lbW9yeVwiXSBpbnN0YW5jZW9mIFdlYkFzc2VtYmx5Lk1lbW9yeVxuICAgICYmIFdBU01fQUJJX0ZVTkNUSU9OUy5ldmVyeSgobmFtZSkgPT4gdHlwZW9mIGV4cG9ydHNbbmFtZV0gPT09IFwiZnVuY3Rpb25cIik7XG59XG4iLCAiLyoqIE9uZSBjb252ZXJzYXRpb24gaW4gdGhlIHBhZ2VkIEtWIGNhY2hlLiBUaGUgcGFnZSB0YWJsZXMgbGl2ZSBpbiB3YXNtOyB0aGlzIGtub3dzIHdoaWNoIHRva2VucyB0aGUgcGFnZXMgaG9sZC4gKi9cblxuaW1wb3J0IHsgQUJJX0VSUk9SUywgdHlwZSBXYXNtQWJpIH0gZnJvbSBcIi4uL2V4ZWN1dG9yL2FiaS5nZW5lcmF0ZWQudHNcIjtcbmltcG9ydCB7IEludGVybmFsRXJyb3IsIE91dE9mTWVtb3J5RXJyb3IgfSBmcm9tIFwiLi4vZXJyb3JzLnRzXCI7XG5pbXBvcnQgdHlwZSB7IENhY2hlVmlldywgTW9kZWxSdW5uZXIgfSBmcm9tIFwiLi9ydW5uZXIudHNcIjtcblxuZnVuY3Rpb24gY29tbW9uUHJlZml4KGE6IHJlYWRvbmx5IG51bWJlcltdLCBiOiByZWFkb25seSBudW1iZXJbXSk6IG51bWJlciB7XG4gIGNvbnN0IGRpZmZlcmVuY2UgPSBhLmZpbmRJbmRleCgodG9rZW4sIGkpID0+IHRva2VuICE9PSBiW2ldKTtcbiAgcmV0dXJuIGRpZmZlcmVuY2UgPCAwID8gYS5sZW5ndGggOiBkaWZmZXJlbmNlO1xufVxuXG5leHBvcnQgY2xhc3MgU2VxdWVuY2Uge1xuICByZWFkb25seSAjYWJpOiBXYXNtQWJpO1xuICByZWFkb25seSAjcnVubmVyOiBNb2RlbFJ1bm5lcjtcbiAgcmVhZG9ubHkgI2lkOiBudW1iZXI7XG4gIC8qKiBLbm93biB0b2tlbnMgaW4gdGhlIGNhY2hlLiBUaGUgY2FjaGUgbWF5IGhvbGQgbW9yZTogc3RlcHMgdGhhdCB3ZXJlIHN1Ym1pdHRlZCBiZWZvcmUgdGhlaXIgdG9rZW4gd2FzIHJlYWQuICovXG4gIHJlYWRvbmx5ICN0b2tlbnM6IG51bWJlcltdID0gW107XG5cbiAgLyoqIFN0YXJ0cyB0aGUgcGFnZSBwb29sIG92ZXIsIHdpdGggdGhlIHBhZ2VzIHRoYXQgdGhlIHJ1bm5lciBoYXMgcm9vbSBmb3IuICovXG4gIGNvbnN0cnVjdG9yKGFiaTogV2FzbUFiaSwgcnVubmVyOiBNb2RlbFJ1bm5lciwgcGFnZXM6IG51bWJlcikge1xuICAgIHRoaXMuI2FiaSA9IGFiaTtcbiAgICB0aGlzLiNydW5uZXIgPSBydW5uZXI7XG4gICAgdGhpcy4jY2FsbChcImt2X3Jlc2V0XCIsIGFiaS5rdl9yZXNldChydW5uZXIuc2hhcGUucGFnZVNpemUsIHBhZ2VzKSk7XG4gICAgdGhpcy4jaWQgPSB0aGlzLiNjYWxsKFwia3ZfbmV3XCIsIGFiaS5rdl9uZXcoKSk7XG4gIH1cblxuICAvKiogVG9rZW5zIGluIHRoZSBjYWNoZS4gKi9cbiAgZ2V0IGxlbmd0aCgpOiBudW1iZXIge1xuICAgIHJldHVybiB0aGlzLiNjYWxsKFwia3ZfbGVuZ3RoXCIsIHRoaXMuI2FiaS5rdl9sZW5ndGgodGhpcy4jaWQpKTtcbiAgfVxuXG4gIC8qKiBLZWVwcyB3aGF0IGEgcHJvbXB0IGhhcyBpbiBjb21tb24gd2l0aCB0aGUgY2FjaGUsIGJ1dCBuZXZlciB0aGUgd2hvbGUgcHJvbXB0OiBpdHMgbGFzdCB0b2tlbiBtdXN0IGJlIGNvbXB1dGVkLiAqL1xuICByZXVzZShwcm9tcHQ6IHJlYWRvbmx5IG51bWJlcltdKTogbnVtYmVyIHtcbiAgICBjb25zdCBrZXB0ID0gTWF0aC5taW4oY29tbW9uUHJlZml4KHRoaXMuI3Rva2VucywgcHJvbXB0KSwgcHJvbXB0Lmxlbmd0aCAtIDEpO1xuICAgIHRoaXMudHJ1bmNhdGUoa2VwdCk7XG4gICAgcmV0dXJuIGtlcHQ7XG4gIH1cblxuICAvKiogTWFrZXMgcm9vbSBmb3IgYGNvdW50YCBtb3JlIHRva2Vucy4gUmFpc2VzIE91dE9mTWVtb3J5RXJyb3I7IG5vdGhpbmcgaGFzIGNoYW5nZWQgdGhlbi4gKi9cbiAgYXN5bmMgYXBwZW5kKGNvdW50OiBudW1iZXIpOiBQcm9taXNlPENhY2hlVmlldz4ge1xuICAgIGxldCBjb3BpZXMgPSB0aGlzLiNhYmkua3ZfYXBwZW5kKHRoaXMuI2lkLCBjb3VudCk7XG4gICAgaWYgKGNvcGllcyA9PT0gQUJJX0VSUk9SUy5PVVRfT0ZfUEFHRVMpIHtcbiAgICAgIGNvbnN0IHBhZ2VzID0gTWF0aC5jZWlsKCh0aGlzLmxlbmd0aCArIGNvdW50KSAvIHRoaXMuI3J1bm5lci5zaGFwZS5wYWdlU2l6ZSk7XG4gICAgICBjb25zdCBtaXNzaW5nID0gcGFnZXMgLSB0aGlzLiNhYmkua3ZfcGFnZV9jb3VudCh0aGlzLiNpZCkgLSB0aGlzLiNhYmkua3ZfYXZhaWxhYmxlKCk7XG4gICAgICB0aGlzLiNjYWxsKFwia3ZfZ3Jvd1wiLCB0aGlzLiNhYmkua3ZfZ3Jvdyhhd2FpdCB0aGlzLiNydW5uZXIucmVzZXJ2ZVBhZ2VzKHRoaXMuI2FiaS5rdl9jYXBhY2l0eSgpICsgbWlzc2luZykpKTtcbiAgICAgIGNvcGllcyA9IHRoaXMuI2FiaS5rdl9hcHBlbmQodGhpcy4jaWQsIGNvdW50KTtcbiAgICB9XG4gICAgdGhpcy4jY2FsbChcImt2X2FwcGVuZFwiLCBjb3BpZXMpO1xuICAgIHJldHVybiB7IHBhZ2VzOiB0aGlzLiN2aWV3KHRoaXMuI2FiaS5rdl9wYWdlcyh0aGlzLiNpZCksIHRoaXMuI2FiaS5rdl9wYWdlX2NvdW50KHRoaXMuI2lkKSksIGNvcGllczogdGhpcy4jdmlldyh0aGlzLiNhYmkua3ZfY29waWVzKCksIDIgKiBjb3BpZXMpIH07XG4gIH1cblxuICAvKiogU2F5cyB3aGljaCB0b2tlbnMgdGhlIG5leHQgcGxhY2VzIG9mIHRoZSBjYWNoZSBob2xkLiAqL1xuICBjb21taXQodG9rZW5zOiByZWFkb25seSBudW1iZXJbXSk6IHZvaWQge1xuICAgIGZvciAoY29uc3QgdG9rZW4gb2YgdG9rZW5zKSB0aGlzLiN0b2tlbnMucHVzaCh0b2tlbik7XG4gIH1cblxuICAvKiogUm9sbHMgdGhlIGNhY2hlIGJhY2sgdG8gdGhlIHRva2VucyB0aGF0IGFyZSBrbm93bi4gKi9cbiAgdHJpbSgpOiB2b2lkIHtcbiAgICB0aGlzLnRydW5jYXRlKE1hdGgubWluKHRoaXMuI3Rva2Vucy5sZW5ndGgsIHRoaXMubGVuZ3RoKSk7XG4gIH1cblxuICB0cnVuY2F0ZShsZW5ndGg6IG51bWJlcik6IHZvaWQge1xuICAgIHRoaXMuI2NhbGwoXCJrdl90cnVuY2F0ZVwiLCB0aGlzLiNhYmkua3ZfdHJ1bmNhdGUodGhpcy4jaWQsIGxlbmd0aCkpO1xuICAgIHRoaXMuI3Rva2Vucy5sZW5ndGggPSBsZW5ndGg7XG4gIH1cblxuICAjdmlldyhwb2ludGVyOiBudW1iZXIsIHdvcmRzOiBudW1iZXIpOiBJbnQzMkFycmF5IHtcbiAgICByZXR1cm4gbmV3IEludDMyQXJyYXkodGhpcy4jYWJpLm1lbW9yeS5idWZmZXIsIHBvaW50ZXIsIHdvcmRzKTtcbiAgfVxuXG4gICNjYWxsKG5hbWU6IHN0cmluZywgcmVzdWx0OiBudW1iZXIpOiBudW1iZXIge1xuICAgIGlmIChyZXN1bHQgPT09IEFCSV9FUlJPUlMuT1VUX09GX1BBR0VTKSB0aHJvdyBuZXcgT3V0T2ZNZW1vcnlFcnJvcihcIlRoZSBLViBjYWNoZSBoYXMgbm8gcm9vbSBmb3IgbW9yZSB0b2tlbnMuIFN0YXJ0IGEgbmV3IGNoYXQgb3IgbG9hZCBhIHNtYWxsZXIgY29udGV4dCB3aW5kb3cuXCIpO1xuICAgIGlmIChyZXN1bHQgPCAwKSB0aHJvdyBuZXcgSW50ZXJuYWxFcnJvcihgJHtuYW1lfSBhbnN3ZXJlZCAke3Jlc3VsdH1gKTtcbiAgICByZXR1cm4gcmVzdWx0O1xuICB9XG59XG4iLCAiLyoqIFRoZSB3YXNtIEFCSSdzIEtWIG1hbmFnZXIgYXMgcGxhaW4gVHlwZVNjcmlwdDogdGhlIHNhbWUgcnVsZXMsIHdyaXR0ZW4gZm9yIHJlYWRpbmcuICovXG5cbmltcG9ydCB7IEFCSV9FUlJPUlMsIHR5cGUgV2FzbUFiaSB9IGZyb20gXCIuLi8uLi9zcmMvZXhlY3V0b3IvYWJpLmdlbmVyYXRlZC50c1wiO1xuXG5pbnRlcmZhY2UgRmFrZVNlcXVlbmNlIHtcbiAgbGVuZ3RoOiBudW1iZXI7XG4gIHBhZ2VzOiBudW1iZXJbXTtcbn1cblxuZXhwb3J0IGNsYXNzIEZha2VQYWdlZEt2IGltcGxlbWVudHMgV2FzbUFiaSB7XG4gIHJlYWRvbmx5IG1lbW9yeSA9IG5ldyBXZWJBc3NlbWJseS5NZW1vcnkoeyBpbml0aWFsOiAxIH0pO1xuICAjcGFnZVNpemUgPSAxO1xuICAjcmVmZXJlbmNlczogbnVtYmVyW10gPSBbXTtcbiAgI3NlcXVlbmNlcyA9IG5ldyBNYXA8bnVtYmVyLCBGYWtlU2VxdWVuY2U+KCk7XG4gICNjb3BpZXM6IG51bWJlcltdID0gW107XG4gICNuZXh0SWQgPSAwO1xuXG4gIGt2X3Jlc2V0KHBhZ2VTaXplOiBudW1iZXIsIHBhZ2VzOiBudW1iZXIpOiBudW1iZXIge1xuICAgIHRoaXMuI3BhZ2VTaXplID0gcGFnZVNpemU7XG4gICAgdGhpcy4jcmVmZXJlbmNlcyA9IG5ldyBBcnJheTxudW1iZXI+KHBhZ2VzKS5maWxsKDApO1xuICAgIHRoaXMuI3NlcXVlbmNlcy5jbGVhcigpO1xuICAgIHJldHVybiAwO1xuICB9XG5cbiAga3ZfZ3JvdyhwYWdlczogbnVtYmVyKTogbnVtYmVyIHtcbiAgICB3aGlsZSAodGhpcy4jcmVmZXJlbmNlcy5sZW5ndGggPCBwYWdlcykgdGhpcy4jcmVmZXJlbmNlcy5wdXNoKDApO1xuICAgIHJldHVybiAwO1xuICB9XG5cbiAga3ZfbmV3KCk6IG51bWJlciB7XG4gICAgdGhpcy4jc2VxdWVuY2VzLnNldCh0aGlzLiNuZXh0SWQsIHsgbGVuZ3RoOiAwLCBwYWdlczogW10gfSk7XG4gICAgcmV0dXJuIHRoaXMuI25leHRJZCsrO1xuICB9XG5cbiAga3ZfZm9yayhpZDogbnVtYmVyLCBsZW5ndGg6IG51bWJlcik6IG51bWJlciB7XG4gICAgY29uc3QgcGFyZW50ID0gdGhpcy4jZ2V0KGlkKTtcbiAgICBjb25zdCBwYWdlcyA9IHBhcmVudC5wYWdlcy5zbGljZSgwLCBNYXRoLmNlaWwobGVuZ3RoIC8gdGhpcy4jcGFnZVNpemUpKTtcbiAgICBmb3IgKGNvbnN0IHBhZ2Ugb2YgcGFnZXMpIHRoaXMuI3JlZmVyKHBhZ2UsIDEpO1xuICAgIHRoaXMuI3NlcXVlbmNlcy5zZXQodGhpcy4jbmV4dElkLCB7IGxlbmd0aCwgcGFnZXMgfSk7XG4gICAgcmV0dXJuIHRoaXMuI25leHRJZCsrO1xuICB9XG5cbiAga3ZfYXBwZW5kKGlkOiBudW1iZXIsIGNvdW50OiBudW1iZXIpOiBudW1iZXIge1xuICAgIGNvbnN0IHNlcXVlbmNlID0gdGhpcy4jZ2V0KGlkKTtcbiAgICBjb25zdCBsYXN0ID0gc2VxdWVuY2UucGFnZXMuYXQoLTEpO1xuICAgIGNvbnN0IGNvcGllc0xhc3QgPSBsYXN0ICE9PSB1bmRlZmluZWQgJiYgY291bnQgPiAwICYmIHNlcXVlbmNlLmxlbmd0aCAlIHRoaXMuI3BhZ2VTaXplID4gMCAmJiAodGhpcy4jcmVmZXJlbmNlc1tsYXN0XSA/PyAwKSA+IDE7XG4gICAgY29uc3QgYWRkZWQgPSBNYXRoLmNlaWwoKHNlcXVlbmNlLmxlbmd0aCArIGNvdW50KSAvIHRoaXMuI3BhZ2VTaXplKSAtIHNlcXVlbmNlLnBhZ2VzLmxlbmd0aDtcbiAgICBpZiAoYWRkZWQgKyAoY29waWVzTGFzdCA/IDEgOiAwKSA+IHRoaXMua3ZfYXZhaWxhYmxlKCkpIHJldHVybiBBQklfRVJST1JTLk9VVF9PRl9QQUdFUztcbiAgICB0aGlzLiNjb3BpZXMgPSBbXTtcbiAgICBpZiAoY29waWVzTGFzdCkge1xuICAgICAgY29uc3QgZnJlc2ggPSB0aGlzLiN0YWtlKCk7XG4gICAgICB0aGlzLiNjb3BpZXMgPSBbbGFzdCwgZnJlc2hdO1xuICAgICAgdGhpcy4jcmVmZXIobGFzdCwgLTEpO1xuICAgICAgc2VxdWVuY2UucGFnZXNbc2VxdWVuY2UucGFnZXMubGVuZ3RoIC0gMV0gPSBmcmVzaDtcbiAgICB9XG4gICAgZm9yIChsZXQgaSA9IDA7IGkgPCBhZGRlZDsgaSsrKSBzZXF1ZW5jZS5wYWdlcy5wdXNoKHRoaXMuI3Rha2UoKSk7XG4gICAgc2VxdWVuY2UubGVuZ3RoICs9IGNvdW50O1xuICAgIHJldHVybiB0aGlzLiNjb3BpZXMubGVuZ3RoIC8gMjtcbiAgfVxuXG4gIGt2X2NvcGllcygpOiBudW1iZXIge1xuICAgIG5ldyBJbnQzMkFycmF5KHRoaXMubWVtb3J5LmJ1ZmZlciwgMTAyNCkuc2V0KHRoaXMuI2NvcGllcyk7XG4gICAgcmV0dXJuIDEwMjQ7XG4gIH1cblxuICBrdl90cnVuY2F0ZShpZDogbnVtYmVyLCBsZW5ndGg6IG51bWJlcik6IG51bWJlciB7XG4gICAgY29uc3Qgc2VxdWVuY2UgPSB0aGlzLiNnZXQoaWQpO1xuICAgIGlmIChsZW5ndGggPCAwIHx8IGxlbmd0aCA+IHNlcXVlbmNlLmxlbmd0aCkgcmV0dXJuIEFCSV9FUlJPUlMuSU5WQUxJRF9BUkdVTUVOVDtcbiAgICBmb3IgKGNvbnN0IHBhZ2Ugb2Ygc2VxdWVuY2UucGFnZXMuc3BsaWNlKE1hdGguY2VpbChsZW5ndGggLyB0aGlzLiNwYWdlU2l6ZSkpKSB0aGlzLiNyZWZlcihwYWdlLCAtMSk7XG4gICAgc2VxdWVuY2UubGVuZ3RoID0gbGVuZ3RoO1xuICAgIHJldHVybiAwO1xuICB9XG5cbiAga3ZfZnJlZShpZDogbnVtYmVyKTogbnVtYmVyIHtcbiAgICB0aGlzLmt2X3RydW5jYXRlKGlkLCAwKTtcbiAgICB0aGlzLiNzZXF1ZW5jZXMuZGVsZXRlKGlkKTtcbiAgICByZXR1cm4gMDtcbiAgfVxuXG4gIGt2X2xlbmd0aChpZDogbnVtYmVyKTogbnVtYmVyIHtcbiAgICByZXR1cm4gdGhpcy4jZ2V0KGlkKS5sZW5ndGg7XG4gIH1cblxuICBrdl9wYWdlcyhpZDogbnVtYmVyKTogbnVtYmVyIHtcbiAgICBuZXcgSW50MzJBcnJheSh0aGlzLm1lbW9yeS5idWZmZXIsIDIwNDgpLnNldCh0aGlzLiNnZXQoaWQpLnBhZ2VzKTtcbiAgICByZXR1cm4gMjA0ODtcbiAgfVxuXG4gIGt2X3BhZ2VfY291bnQoaWQ6IG51bWJlcik6IG51bWJlciB7XG4gICAgcmV0dXJuIHRoaXMuI2dldChpZCkucGFnZXMubGVuZ3RoO1xuICB9XG5cbiAga3ZfYXZhaWxhYmxlKCk6IG51bWJlciB7XG4gICAgcmV0dXJuIHRoaXMuI3JlZmVyZW5jZXMuZmlsdGVyKChjb3VudCkgPT4gY291bnQgPT09IDApLmxlbmd0aDtcbiAgfVxuXG4gIGt2X2NhcGFjaXR5KCk6IG51bWJlciB7XG4gICAgcmV0dXJuIHRoaXMuI3JlZmVyZW5jZXMubGVuZ3RoO1xuICB9XG5cbiAgc2NyYXRjaCgpOiBudW1iZXIge1xuICAgIHJldHVybiAwO1xuICB9XG5cbiAgI2dldChpZDogbnVtYmVyKTogRmFrZVNlcXVlbmNlIHtcbiAgICBjb25zdCBzZXF1ZW5jZSA9IHRoaXMuI3NlcXVlbmNlcy5nZXQoaWQpO1xuICAgIGlmIChzZXF1ZW5jZSA9PT0gdW5kZWZpbmVkKSB0aHJvdyBuZXcgRXJyb3IoYHVua25vd24gc2VxdWVuY2UgJHtpZH1gKTtcbiAgICByZXR1cm4gc2VxdWVuY2U7XG4gIH1cblxuICAvKiogVGhlIGhpZ2hlc3QgZnJlZSBwYWdlLCBzbyB0aGF0IHBhZ2Ugb3JkZXIgYW5kIHRva2VuIG9yZGVyIGRpZmZlci4gKi9cbiAgI3Rha2UoKTogbnVtYmVyIHtcbiAgICBjb25zdCBwYWdlID0gdGhpcy4jcmVmZXJlbmNlcy5sYXN0SW5kZXhPZigwKTtcbiAgICB0aGlzLiNyZWZlcihwYWdlLCAxKTtcbiAgICByZXR1cm4gcGFnZTtcbiAgfVxuXG4gICNyZWZlcihwYWdlOiBudW1iZXIsIGJ5OiBudW1iZXIpOiB2b2lkIHtcbiAgICB0aGlzLiNyZWZlcmVuY2VzW3BhZ2VdID0gKHRoaXMuI3JlZmVyZW5jZXNbcGFnZV0gPz8gMCkgKyBieTtcbiAgfVxufVxuIiwgIi8qKlxuICogQSBtb2RlbCB3aXRob3V0IGEgR1BVOiBpdHMgY2FjaGUgaXMgcGFnZXMgb2YgdG9rZW4gaWRzLCBhbmQgdGhlIG5leHQgdG9rZW4gaXMgYSBoYXNoIG9mIGFsbCB0aGF0IHRoZSBjYWNoZSBob2xkcyxcbiAqIHJlYWQgdGhyb3VnaCB0aGUgcGFnZSB0YWJsZS4gQSB3cm9uZyBwYWdlLCBhIHN0YWxlIHRva2VuIG9yIGEgbG9zdCByb2xsYmFjayBjaGFuZ2VzIGV2ZXJ5IGFuc3dlciBhZnRlciBpdC5cbiAqL1xuXG5pbXBvcnQgdHlwZSB7IENhY2hlVmlldywgTW9kZWxSdW5uZXIsIFJ1bm5lclNoYXBlIH0gZnJvbSBcIi4uLy4uL3NyYy9zY2hlZHVsZXIvcnVubmVyLnRzXCI7XG5cbmV4cG9ydCBjb25zdCBWT0NBQlVMQVJZID0gOTc7XG5cbi8qKiBUaGUgdG9rZW4gYWZ0ZXIgYHRva2Vuc2AuICovXG5leHBvcnQgZnVuY3Rpb24gbmV4dFRva2VuKHRva2VuczogcmVhZG9ubHkgbnVtYmVyW10pOiBudW1iZXIge1xuICByZXR1cm4gdG9rZW5zLnJlZHVjZSgoaGFzaCwgdG9rZW4sIGkpID0+IChNYXRoLmltdWwoaGFzaCwgMzEpICsgTWF0aC5pbXVsKHRva2VuLCBpICsgNykpID4+PiAwLCAxNykgJSBWT0NBQlVMQVJZO1xufVxuXG4vKiogV2hhdCB0aGUgbW9kZWwgYW5zd2VycyB3aGVuIGl0IGlzIHJ1biBpbiB0aGUgcGxhaW5lc3Qgd2F5LiAqL1xuZXhwb3J0IGZ1bmN0aW9uIHJlZmVyZW5jZShwcm9tcHQ6IHJlYWRvbmx5IG51bWJlcltdLCBjb3VudDogbnVtYmVyLCBlb3M6IFJlYWRvbmx5U2V0PG51bWJlcj4pOiBudW1iZXJbXSB7XG4gIGNvbnN0IHRva2VucyA9IFsuLi5wcm9tcHRdO1xuICBmb3IgKGxldCBpID0gMDsgaSA8IGNvdW50OyBpKyspIHtcbiAgICB0b2tlbnMucHVzaChuZXh0VG9rZW4odG9rZW5zKSk7XG4gICAgaWYgKGVvcy5oYXModG9rZW5zLmF0KC0xKSA/PyAtMSkpIGJyZWFrO1xuICB9XG4gIHJldHVybiB0b2tlbnMuc2xpY2UocHJvbXB0Lmxlbmd0aCk7XG59XG5cbmV4cG9ydCBjbGFzcyBGYWtlUnVubmVyIGltcGxlbWVudHMgTW9kZWxSdW5uZXIge1xuICByZWFkb25seSBzaGFwZTogUnVubmVyU2hhcGU7XG4gIC8qKiBPbmUgZW50cnkgYSBjYWxsOiBob3cgbWFueSB0b2tlbnMgaXQgY29tcHV0ZWQuICovXG4gIHJlYWRvbmx5IGNhbGxzOiBzdHJpbmdbXSA9IFtdO1xuICByZWFkb25seSAjcGFnZXM6IEludDMyQXJyYXlbXSA9IFtdO1xuICByZWFkb25seSAjbWF4UGFnZXM6IG51bWJlcjtcbiAgI3NhbXBsZWQgPSAtMTtcbiAgLyoqIFN0ZXBzIHdob3NlIHByb21pc2Ugbm9ib2R5IGhhcyBzZWVuIHJlc29sdmUuICovXG4gIHBlbmRpbmcgPSAwO1xuICBkZWVwZXN0UGlwZWxpbmUgPSAwO1xuXG4gIGNvbnN0cnVjdG9yKHNoYXBlOiBSdW5uZXJTaGFwZSwgcGFnZXM6IG51bWJlciwgbWF4UGFnZXM6IG51bWJlcikge1xuICAgIHRoaXMuc2hhcGUgPSBzaGFwZTtcbiAgICB0aGlzLiNtYXhQYWdlcyA9IG1heFBhZ2VzO1xuICAgIHRoaXMuI2dyb3cocGFnZXMpO1xuICB9XG5cbiAgI2dyb3cocGFnZXM6IG51bWJlcik6IHZvaWQge1xuICAgIHdoaWxlICh0aGlzLiNwYWdlcy5sZW5ndGggPCBwYWdlcykgdGhpcy4jcGFnZXMucHVzaChuZXcgSW50MzJBcnJheSh0aGlzLnNoYXBlLnBhZ2VTaXplKS5maWxsKC0xKSk7XG4gIH1cblxuICBhc3luYyByZXNlcnZlUGFnZXMocGFnZXM6IG51bWJlcik6IFByb21pc2U8bnVtYmVyPiB7XG4gICAgaWYgKHBhZ2VzID4gdGhpcy4jbWF4UGFnZXMpIHRocm93IG5ldyBFcnJvcihcIm91dCBvZiBtZW1vcnlcIik7XG4gICAgdGhpcy4jZ3JvdyhNYXRoLm1heChwYWdlcywgTWF0aC5taW4oMiAqIHRoaXMuI3BhZ2VzLmxlbmd0aCwgdGhpcy4jbWF4UGFnZXMpKSk7XG4gICAgcmV0dXJuIHRoaXMuI3BhZ2VzLmxlbmd0aDtcbiAgfVxuXG4gIGFzeW5jIHByZWZpbGwodG9rZW5zOiByZWFkb25seSBudW1iZXJbXSwgcG9zaXRpb246IG51bWJlciwgY2FjaGU6IENhY2hlVmlldyk6IFByb21pc2U8dm9pZD4ge1xuICAgIHRoaXMuY2FsbHMucHVzaChgcHJlZmlsbCAke3Rva2Vucy5sZW5ndGh9YCk7XG4gICAgdGhpcy4jc3RvcmUodG9rZW5zLCBwb3NpdGlvbiwgY2FjaGUpO1xuICB9XG5cbiAgcHJlZmlsbEFuZFNhbXBsZSh0b2tlbnM6IHJlYWRvbmx5IG51bWJlcltdLCBwb3NpdGlvbjogbnVtYmVyLCBjYWNoZTogQ2FjaGVWaWV3KTogUHJvbWlzZTxudW1iZXI+IHtcbiAgICB0aGlzLmNhbGxzLnB1c2goYHByZWZpbGwgJHt0b2tlbnMubGVuZ3RofWApO1xuICAgIHRoaXMuI3N0b3JlKHRva2VucywgcG9zaXRpb24sIGNhY2hlKTtcbiAgICByZXR1cm4gdGhpcy4jc2FtcGxlKHBvc2l0aW9uICsgdG9rZW5zLmxlbmd0aCwgY2FjaGUpO1xuICB9XG5cbiAgZGVjb2RlKHBvc2l0aW9uOiBudW1iZXIsIGNhY2hlOiBDYWNoZVZpZXcpOiBQcm9taXNlPG51bWJlcj4ge1xuICAgIHRoaXMuY2FsbHMucHVzaChcImRlY29kZVwiKTtcbiAgICB0aGlzLiNzdG9yZShbdGhpcy4jc2FtcGxlZF0sIHBvc2l0aW9uLCBjYWNoZSk7XG4gICAgcmV0dXJuIHRoaXMuI3NhbXBsZShwb3NpdGlvbiArIDEsIGNhY2hlKTtcbiAgfVxuXG4gICNhdChjYWNoZTogQ2FjaGVWaWV3LCBwb3NpdGlvbjogbnVtYmVyKTogeyBwYWdlOiBJbnQzMkFycmF5OyBzbG90OiBudW1iZXIgfSB7XG4gICAgY29uc3QgcGFnZSA9IHRoaXMuI3BhZ2VzW2NhY2hlLnBhZ2VzW01hdGguZmxvb3IocG9zaXRpb24gLyB0aGlzLnNoYXBlLnBhZ2VTaXplKV0gPz8gLTFdO1xuICAgIGlmIChwYWdlID09PSB1bmRlZmluZWQpIHRocm93IG5ldyBFcnJvcihgbm8gcGFnZSBmb3IgcG9zaXRpb24gJHtwb3NpdGlvbn1gKTtcbiAgICByZXR1cm4geyBwYWdlLCBzbG90OiBwb3NpdGlvbiAlIHRoaXMuc2hhcGUucGFnZVNpemUgfTtcbiAgfVxuXG4gICNzdG9yZSh0b2tlbnM6IHJlYWRvbmx5IG51bWJlcltdLCBwb3NpdGlvbjogbnVtYmVyLCBjYWNoZTogQ2FjaGVWaWV3KTogdm9pZCB7XG4gICAgaWYgKHRva2Vucy5sZW5ndGggPiB0aGlzLnNoYXBlLnByZWZpbGxDaHVuaykgdGhyb3cgbmV3IEVycm9yKFwiYSBwcmVmaWxsIGNhbGwgaXMgdG9vIGxvbmdcIik7XG4gICAgaWYgKHBvc2l0aW9uICsgdG9rZW5zLmxlbmd0aCA+IHRoaXMuc2hhcGUuY29udGV4dExlbmd0aCkgdGhyb3cgbmV3IEVycm9yKFwiYmV5b25kIHRoZSBjb250ZXh0XCIpO1xuICAgIGZvciAobGV0IGkgPSAwOyBpIDwgY2FjaGUuY29waWVzLmxlbmd0aDsgaSArPSAyKSB7XG4gICAgICB0aGlzLiNwYWdlc1tjYWNoZS5jb3BpZXNbaSArIDFdID8/IC0xXT8uc2V0KHRoaXMuI3BhZ2VzW2NhY2hlLmNvcGllc1tpXSA/PyAtMV0gPz8gW10pO1xuICAgIH1cbiAgICB0b2tlbnMuZm9yRWFjaCgodG9rZW4sIGkpID0+IHtcbiAgICAgIGNvbnN0IHsgcGFnZSwgc2xvdCB9ID0gdGhpcy4jYXQoY2FjaGUsIHBvc2l0aW9uICsgaSk7XG4gICAgICBwYWdlW3Nsb3RdID0gdG9rZW47XG4gICAgfSk7XG4gIH1cblxuICBhc3luYyAjc2FtcGxlKGxlbmd0aDogbnVtYmVyLCBjYWNoZTogQ2FjaGVWaWV3KTogUHJvbWlzZTxudW1iZXI+IHtcbiAgICBjb25zdCB0b2tlbnMgPSBBcnJheS5mcm9tKHsgbGVuZ3RoIH0sIChfLCBpKSA9PiB7XG4gICAgICBjb25zdCB7IHBhZ2UsIHNsb3QgfSA9IHRoaXMuI2F0KGNhY2hlLCBpKTtcbiAgICAgIHJldHVybiBwYWdlW3Nsb3RdID8/IC0xO1xuICAgIH0pO1xuICAgIGNvbnN0IHNhbXBsZWQgPSBuZXh0VG9rZW4odG9rZW5zKTtcbiAgICB0aGlzLiNzYW1wbGVkID0gc2FtcGxlZDtcbiAgICB0aGlzLmRlZXBlc3RQaXBlbGluZSA9IE1hdGgubWF4KHRoaXMuZGVlcGVzdFBpcGVsaW5lLCArK3RoaXMucGVuZGluZyk7XG4gICAgYXdhaXQgbmV3IFByb21pc2UoKHJlc29sdmUpID0+IHsgc2V0VGltZW91dChyZXNvbHZlLCAwKTsgfSk7XG4gICAgdGhpcy5wZW5kaW5nLS07XG4gICAgcmV0dXJuIHNhbXBsZWQ7XG4gIH1cbn1cbiJdLAogICJtYXBwaW5ncyI6ICI7QUFBQSxPQUFPLFlBQVk7QUFDbkIsU0FBUyxZQUFZOzs7QUM4QmQsSUFBTSxpQkFBTixjQUE2QixNQUFNO0FBQUEsRUFDeEMsWUFBcUIsTUFBaUIsU0FBMEIsVUFBd0IsQ0FBQyxHQUFHLE9BQWlCO0FBQzNHLFVBQU0sU0FBUyxVQUFVLFNBQVksU0FBWSxFQUFFLE1BQU0sQ0FBQztBQUR2QztBQUEyQztBQUU5RCxTQUFLLE9BQU8sR0FBRyxJQUFJO0FBQUEsRUFDckI7QUFBQSxFQUhxQjtBQUFBLEVBQTJDO0FBSWxFO0FBMEJPLElBQU0sbUJBQU4sY0FBK0IsZUFBZTtBQUFBLEVBQ25ELFlBQVksU0FBaUIsU0FBd0I7QUFDbkQsVUFBTSxlQUFlLFNBQVMsT0FBTztBQUFBLEVBQ3ZDO0FBQ0Y7QUFzQ08sSUFBTSxpQ0FBTixjQUE2QyxlQUFlO0FBQUEsRUFDakUsWUFBWSxTQUFpQixTQUF3QjtBQUNuRCxVQUFNLDZCQUE2QixTQUFTLE9BQU87QUFBQSxFQUNyRDtBQUNGO0FBRU8sSUFBTSxhQUFOLGNBQXlCLGVBQWU7QUFBQSxFQUM3QyxZQUFZLFNBQWlCLFNBQXdCO0FBQ25ELFVBQU0sU0FBUyxTQUFTLE9BQU87QUFBQSxFQUNqQztBQUNGO0FBUU8sSUFBTSxnQkFBTixjQUE0QixlQUFlO0FBQUEsRUFDaEQsWUFBWSxTQUFpQixTQUF3QixPQUFpQjtBQUNwRSxVQUFNLFlBQVksU0FBUyxTQUFTLEtBQUs7QUFBQSxFQUMzQztBQUNGOzs7QUNuSEEsSUFBTSxZQUFZO0FBRVgsSUFBTSxVQUFOLE1BQWM7QUFBQSxFQUNWLFNBQVMsSUFBSSxZQUFZLENBQUM7QUFBQSxFQUMxQjtBQUFBLEVBRVQsWUFBWSxFQUFFLGFBQWEsTUFBTSxLQUFLLEdBQW1CO0FBQ3ZELFVBQU0sU0FBUyxJQUFJLGFBQWEsS0FBSyxPQUFPLE1BQU07QUFDbEQsV0FBTyxDQUFDLElBQUk7QUFDWixXQUFPLENBQUMsSUFBSTtBQUNaLFVBQU0sWUFBWSxTQUFTLFNBQ3ZCLE9BQU8sZ0JBQWdCLElBQUksWUFBWSxDQUFDLENBQUMsSUFDekMsSUFBSSxZQUFZLGVBQWUsR0FBRyxPQUFPLFFBQVEsSUFBSSxPQUFPLElBQUksQ0FBQyxDQUFDLEVBQUUsTUFBTTtBQUM5RSxTQUFLLE9BQU8sSUFBSSxXQUFXLENBQUM7QUFDNUIsU0FBSyxVQUFVLGdCQUFnQjtBQUFBLEVBQ2pDO0FBQUE7QUFBQSxFQUdBLE9BQW9CO0FBQ2xCLFVBQU0sUUFBUSxLQUFLLE9BQU8sTUFBTTtBQUNoQyxRQUFJLENBQUMsS0FBSyxRQUFTLE1BQUssT0FBTyxTQUFTLEtBQU0sS0FBSyxPQUFPLFNBQVMsS0FBSyxLQUFLLE1BQU87QUFDcEYsV0FBTztBQUFBLEVBQ1Q7QUFDRjs7O0FDMUJBLElBQU0saUJBQWlCO0FBMEJ2QixlQUFzQixRQUNwQixRQUFxQixVQUFvQixRQUEyQixFQUFFLFNBQVMsT0FBTyxHQUNsRTtBQUNwQixRQUFNLEVBQUUsZUFBZSxhQUFhLElBQUksT0FBTztBQUMvQyxNQUFJLE9BQU8sVUFBVSxlQUFlO0FBQ2xDLFVBQU0sSUFBSTtBQUFBLE1BQ1Isd0JBQXdCLE9BQU8sTUFBTSwrQkFBK0IsYUFBYTtBQUFBLE1BQ2pGLEVBQUUsY0FBYyxPQUFPLFFBQVEsbUJBQW1CLGNBQWM7QUFBQSxJQUFDO0FBQUEsRUFDckU7QUFDQSxRQUFNLFNBQVMsU0FBUyxNQUFNLE1BQU07QUFDcEMsV0FBUyxXQUFXLFVBQVUsWUFBWSxjQUFjO0FBQ3RELFFBQUksT0FBTyxRQUFTLFFBQU8sRUFBRSxRQUFRLE9BQU8sS0FBSztBQUNqRCxVQUFNLFFBQVEsT0FBTyxNQUFNLFVBQVUsV0FBVyxZQUFZO0FBQzVELFVBQU0sUUFBUSxNQUFNLFNBQVMsT0FBTyxNQUFNLE1BQU07QUFDaEQsVUFBTSxTQUFTLFdBQVcsTUFBTSxXQUFXLE9BQU87QUFDbEQsVUFBTSxRQUFRLFNBQVMsT0FBTyxpQkFBaUIsT0FBTyxVQUFVLE9BQU8sUUFBUSxLQUFLLENBQUMsSUFBSTtBQUN6RixRQUFJLFVBQVUsS0FBTSxPQUFNLE9BQU8sUUFBUSxPQUFPLFVBQVUsS0FBSztBQUMvRCxhQUFTLE9BQU8sS0FBSztBQUNyQixRQUFJLFVBQVUsS0FBTSxRQUFPLEVBQUUsUUFBUSxNQUFNO0FBQUEsRUFDN0M7QUFDRjtBQU1BLGdCQUF1QixPQUNyQixRQUFxQixVQUFvQixPQUF3QixFQUFFLFdBQVcsYUFBYSxTQUFTLE9BQU8sR0FDMUQ7QUFDakQsUUFBTSxRQUFRLEtBQUssSUFBSSxXQUFXLE9BQU8sTUFBTSxnQkFBZ0IsU0FBUyxNQUFNO0FBQzlFLFFBQU0sV0FBVyxDQUFDLEtBQUs7QUFDdkIsTUFBSSxZQUFZO0FBQ2hCLE1BQUk7QUFDRixhQUFTLE9BQU8sS0FBSyxRQUFRO0FBQzNCLGFBQU8sU0FBUyxTQUFTLGtCQUFrQixZQUFZLE9BQU87QUFDNUQsY0FBTSxXQUFXLFNBQVM7QUFDMUIsY0FBTSxPQUFPLE9BQU8sT0FBTyxVQUFVLE1BQU0sU0FBUyxPQUFPLENBQUMsR0FBRyxRQUFRLEtBQUssQ0FBQztBQUM3RSxhQUFLLE1BQU0sTUFBTSxNQUFTO0FBQzFCLGlCQUFTLEtBQUssSUFBSTtBQUNsQjtBQUFBLE1BQ0Y7QUFDQSxZQUFNLFFBQVEsTUFBTSxTQUFTLE1BQU0sS0FBSztBQUN4QyxVQUFJLFlBQVksS0FBTSxVQUFTLE9BQU8sQ0FBQyxLQUFLLENBQUM7QUFDN0MsWUFBTSxlQUFlLFlBQVksSUFBSSxLQUFLLElBQUksU0FBUyxRQUFRLFFBQVEsV0FBVyxPQUFPLFVBQVUsVUFBVTtBQUM3RyxZQUFNLEVBQUUsT0FBTyxhQUFhO0FBQzVCLFVBQUksaUJBQWlCLEtBQU07QUFBQSxJQUM3QjtBQUFBLEVBQ0YsVUFBRTtBQUNBLFVBQU0sUUFBUSxXQUFXLFFBQVE7QUFDakMsYUFBUyxLQUFLO0FBQUEsRUFDaEI7QUFDRjs7O0FDNUVPLElBQU0sZUFBTixNQUFtQjtBQUFBLEVBQ2YsV0FBc0IsQ0FBQztBQUFBLEVBQ2hDLFFBQVE7QUFBQTtBQUFBLEVBR1IsTUFBTSxNQUFNLFFBQTJDO0FBQ3JELFFBQUksUUFBUSxRQUFTLE9BQU0sSUFBSSxXQUFXLDBDQUEwQztBQUNwRixRQUFJLEtBQUssTUFBTyxPQUFNLEtBQUssTUFBTSxNQUFNO0FBQ3ZDLFNBQUssUUFBUTtBQUNiLFFBQUksT0FBTztBQUNYLFdBQU8sTUFBTTtBQUNYLFVBQUksS0FBTTtBQUNWLGFBQU87QUFDUCxXQUFLLFFBQVE7QUFDYixXQUFLLFNBQVMsTUFBTSxHQUFHLE1BQU07QUFBQSxJQUMvQjtBQUFBLEVBQ0Y7QUFBQSxFQUVBLE1BQU0sUUFBZ0Q7QUFDcEQsV0FBTyxJQUFJLFFBQWMsQ0FBQyxTQUFTLFdBQVc7QUFDNUMsWUFBTSxRQUFRLE1BQVk7QUFDeEIsYUFBSyxTQUFTLE9BQU8sS0FBSyxTQUFTLFFBQVEsT0FBTyxHQUFHLENBQUM7QUFDdEQsZUFBTyxJQUFJLFdBQVcsMENBQTBDLENBQUM7QUFBQSxNQUNuRTtBQUNBLFlBQU0sVUFBVTtBQUFBLFFBQ2QsT0FBTyxNQUFZO0FBQ2pCLGtCQUFRLG9CQUFvQixTQUFTLEtBQUs7QUFDMUMsZUFBSyxRQUFRO0FBQ2Isa0JBQVE7QUFBQSxRQUNWO0FBQUEsUUFDQSxRQUFRO0FBQUEsTUFDVjtBQUNBLGNBQVEsaUJBQWlCLFNBQVMsT0FBTyxFQUFFLE1BQU0sS0FBSyxDQUFDO0FBQ3ZELFdBQUssU0FBUyxLQUFLLE9BQU87QUFBQSxJQUM1QixDQUFDO0FBQUEsRUFDSDtBQUFBO0FBQUEsRUFHQSxjQUFjLE9BQW9CO0FBQ2hDLGVBQVcsV0FBVyxLQUFLLFNBQVMsT0FBTyxDQUFDLEVBQUcsU0FBUSxPQUFPLEtBQUs7QUFBQSxFQUNyRTtBQUNGOzs7QUNoRE8sSUFBTSxhQUFhO0FBQUE7QUFBQSxFQUV4QixjQUFjO0FBQUE7QUFBQSxFQUVkLGtCQUFrQjtBQUFBO0FBQUEsRUFFbEIsa0JBQWtCO0FBQ3BCOzs7QUNIQSxTQUFTLGFBQWEsR0FBc0IsR0FBOEI7QUFDeEUsUUFBTSxhQUFhLEVBQUUsVUFBVSxDQUFDLE9BQU8sTUFBTSxVQUFVLEVBQUUsQ0FBQyxDQUFDO0FBQzNELFNBQU8sYUFBYSxJQUFJLEVBQUUsU0FBUztBQUNyQztBQUVPLElBQU0sV0FBTixNQUFlO0FBQUEsRUFDWDtBQUFBLEVBQ0E7QUFBQSxFQUNBO0FBQUE7QUFBQSxFQUVBLFVBQW9CLENBQUM7QUFBQTtBQUFBLEVBRzlCLFlBQVksS0FBYyxRQUFxQixPQUFlO0FBQzVELFNBQUssT0FBTztBQUNaLFNBQUssVUFBVTtBQUNmLFNBQUssTUFBTSxZQUFZLElBQUksU0FBUyxPQUFPLE1BQU0sVUFBVSxLQUFLLENBQUM7QUFDakUsU0FBSyxNQUFNLEtBQUssTUFBTSxVQUFVLElBQUksT0FBTyxDQUFDO0FBQUEsRUFDOUM7QUFBQTtBQUFBLEVBR0EsSUFBSSxTQUFpQjtBQUNuQixXQUFPLEtBQUssTUFBTSxhQUFhLEtBQUssS0FBSyxVQUFVLEtBQUssR0FBRyxDQUFDO0FBQUEsRUFDOUQ7QUFBQTtBQUFBLEVBR0EsTUFBTSxRQUFtQztBQUN2QyxVQUFNLE9BQU8sS0FBSyxJQUFJLGFBQWEsS0FBSyxTQUFTLE1BQU0sR0FBRyxPQUFPLFNBQVMsQ0FBQztBQUMzRSxTQUFLLFNBQVMsSUFBSTtBQUNsQixXQUFPO0FBQUEsRUFDVDtBQUFBO0FBQUEsRUFHQSxNQUFNLE9BQU8sT0FBbUM7QUFDOUMsUUFBSSxTQUFTLEtBQUssS0FBSyxVQUFVLEtBQUssS0FBSyxLQUFLO0FBQ2hELFFBQUksV0FBVyxXQUFXLGNBQWM7QUFDdEMsWUFBTSxRQUFRLEtBQUssTUFBTSxLQUFLLFNBQVMsU0FBUyxLQUFLLFFBQVEsTUFBTSxRQUFRO0FBQzNFLFlBQU0sVUFBVSxRQUFRLEtBQUssS0FBSyxjQUFjLEtBQUssR0FBRyxJQUFJLEtBQUssS0FBSyxhQUFhO0FBQ25GLFdBQUssTUFBTSxXQUFXLEtBQUssS0FBSyxRQUFRLE1BQU0sS0FBSyxRQUFRLGFBQWEsS0FBSyxLQUFLLFlBQVksSUFBSSxPQUFPLENBQUMsQ0FBQztBQUMzRyxlQUFTLEtBQUssS0FBSyxVQUFVLEtBQUssS0FBSyxLQUFLO0FBQUEsSUFDOUM7QUFDQSxTQUFLLE1BQU0sYUFBYSxNQUFNO0FBQzlCLFdBQU8sRUFBRSxPQUFPLEtBQUssTUFBTSxLQUFLLEtBQUssU0FBUyxLQUFLLEdBQUcsR0FBRyxLQUFLLEtBQUssY0FBYyxLQUFLLEdBQUcsQ0FBQyxHQUFHLFFBQVEsS0FBSyxNQUFNLEtBQUssS0FBSyxVQUFVLEdBQUcsSUFBSSxNQUFNLEVBQUU7QUFBQSxFQUNySjtBQUFBO0FBQUEsRUFHQSxPQUFPLFFBQWlDO0FBQ3RDLGVBQVcsU0FBUyxPQUFRLE1BQUssUUFBUSxLQUFLLEtBQUs7QUFBQSxFQUNyRDtBQUFBO0FBQUEsRUFHQSxPQUFhO0FBQ1gsU0FBSyxTQUFTLEtBQUssSUFBSSxLQUFLLFFBQVEsUUFBUSxLQUFLLE1BQU0sQ0FBQztBQUFBLEVBQzFEO0FBQUEsRUFFQSxTQUFTLFFBQXNCO0FBQzdCLFNBQUssTUFBTSxlQUFlLEtBQUssS0FBSyxZQUFZLEtBQUssS0FBSyxNQUFNLENBQUM7QUFDakUsU0FBSyxRQUFRLFNBQVM7QUFBQSxFQUN4QjtBQUFBLEVBRUEsTUFBTSxTQUFpQixPQUEyQjtBQUNoRCxXQUFPLElBQUksV0FBVyxLQUFLLEtBQUssT0FBTyxRQUFRLFNBQVMsS0FBSztBQUFBLEVBQy9EO0FBQUEsRUFFQSxNQUFNLE1BQWMsUUFBd0I7QUFDMUMsUUFBSSxXQUFXLFdBQVcsYUFBYyxPQUFNLElBQUksaUJBQWlCLDhGQUE4RjtBQUNqSyxRQUFJLFNBQVMsRUFBRyxPQUFNLElBQUksY0FBYyxHQUFHLElBQUksYUFBYSxNQUFNLEVBQUU7QUFDcEUsV0FBTztBQUFBLEVBQ1Q7QUFDRjs7O0FDbEVPLElBQU0sY0FBTixNQUFxQztBQUFBLEVBQ2pDLFNBQVMsSUFBSSxZQUFZLE9BQU8sRUFBRSxTQUFTLEVBQUUsQ0FBQztBQUFBLEVBQ3ZELFlBQVk7QUFBQSxFQUNaLGNBQXdCLENBQUM7QUFBQSxFQUN6QixhQUFhLG9CQUFJLElBQTBCO0FBQUEsRUFDM0MsVUFBb0IsQ0FBQztBQUFBLEVBQ3JCLFVBQVU7QUFBQSxFQUVWLFNBQVMsVUFBa0IsT0FBdUI7QUFDaEQsU0FBSyxZQUFZO0FBQ2pCLFNBQUssY0FBYyxJQUFJLE1BQWMsS0FBSyxFQUFFLEtBQUssQ0FBQztBQUNsRCxTQUFLLFdBQVcsTUFBTTtBQUN0QixXQUFPO0FBQUEsRUFDVDtBQUFBLEVBRUEsUUFBUSxPQUF1QjtBQUM3QixXQUFPLEtBQUssWUFBWSxTQUFTLE1BQU8sTUFBSyxZQUFZLEtBQUssQ0FBQztBQUMvRCxXQUFPO0FBQUEsRUFDVDtBQUFBLEVBRUEsU0FBaUI7QUFDZixTQUFLLFdBQVcsSUFBSSxLQUFLLFNBQVMsRUFBRSxRQUFRLEdBQUcsT0FBTyxDQUFDLEVBQUUsQ0FBQztBQUMxRCxXQUFPLEtBQUs7QUFBQSxFQUNkO0FBQUEsRUFFQSxRQUFRLElBQVksUUFBd0I7QUFDMUMsVUFBTSxTQUFTLEtBQUssS0FBSyxFQUFFO0FBQzNCLFVBQU0sUUFBUSxPQUFPLE1BQU0sTUFBTSxHQUFHLEtBQUssS0FBSyxTQUFTLEtBQUssU0FBUyxDQUFDO0FBQ3RFLGVBQVcsUUFBUSxNQUFPLE1BQUssT0FBTyxNQUFNLENBQUM7QUFDN0MsU0FBSyxXQUFXLElBQUksS0FBSyxTQUFTLEVBQUUsUUFBUSxNQUFNLENBQUM7QUFDbkQsV0FBTyxLQUFLO0FBQUEsRUFDZDtBQUFBLEVBRUEsVUFBVSxJQUFZLE9BQXVCO0FBQzNDLFVBQU0sV0FBVyxLQUFLLEtBQUssRUFBRTtBQUM3QixVQUFNLE9BQU8sU0FBUyxNQUFNLEdBQUcsRUFBRTtBQUNqQyxVQUFNLGFBQWEsU0FBUyxVQUFhLFFBQVEsS0FBSyxTQUFTLFNBQVMsS0FBSyxZQUFZLE1BQU0sS0FBSyxZQUFZLElBQUksS0FBSyxLQUFLO0FBQzlILFVBQU0sUUFBUSxLQUFLLE1BQU0sU0FBUyxTQUFTLFNBQVMsS0FBSyxTQUFTLElBQUksU0FBUyxNQUFNO0FBQ3JGLFFBQUksU0FBUyxhQUFhLElBQUksS0FBSyxLQUFLLGFBQWEsRUFBRyxRQUFPLFdBQVc7QUFDMUUsU0FBSyxVQUFVLENBQUM7QUFDaEIsUUFBSSxZQUFZO0FBQ2QsWUFBTSxRQUFRLEtBQUssTUFBTTtBQUN6QixXQUFLLFVBQVUsQ0FBQyxNQUFNLEtBQUs7QUFDM0IsV0FBSyxPQUFPLE1BQU0sRUFBRTtBQUNwQixlQUFTLE1BQU0sU0FBUyxNQUFNLFNBQVMsQ0FBQyxJQUFJO0FBQUEsSUFDOUM7QUFDQSxhQUFTLElBQUksR0FBRyxJQUFJLE9BQU8sSUFBSyxVQUFTLE1BQU0sS0FBSyxLQUFLLE1BQU0sQ0FBQztBQUNoRSxhQUFTLFVBQVU7QUFDbkIsV0FBTyxLQUFLLFFBQVEsU0FBUztBQUFBLEVBQy9CO0FBQUEsRUFFQSxZQUFvQjtBQUNsQixRQUFJLFdBQVcsS0FBSyxPQUFPLFFBQVEsSUFBSSxFQUFFLElBQUksS0FBSyxPQUFPO0FBQ3pELFdBQU87QUFBQSxFQUNUO0FBQUEsRUFFQSxZQUFZLElBQVksUUFBd0I7QUFDOUMsVUFBTSxXQUFXLEtBQUssS0FBSyxFQUFFO0FBQzdCLFFBQUksU0FBUyxLQUFLLFNBQVMsU0FBUyxPQUFRLFFBQU8sV0FBVztBQUM5RCxlQUFXLFFBQVEsU0FBUyxNQUFNLE9BQU8sS0FBSyxLQUFLLFNBQVMsS0FBSyxTQUFTLENBQUMsRUFBRyxNQUFLLE9BQU8sTUFBTSxFQUFFO0FBQ2xHLGFBQVMsU0FBUztBQUNsQixXQUFPO0FBQUEsRUFDVDtBQUFBLEVBRUEsUUFBUSxJQUFvQjtBQUMxQixTQUFLLFlBQVksSUFBSSxDQUFDO0FBQ3RCLFNBQUssV0FBVyxPQUFPLEVBQUU7QUFDekIsV0FBTztBQUFBLEVBQ1Q7QUFBQSxFQUVBLFVBQVUsSUFBb0I7QUFDNUIsV0FBTyxLQUFLLEtBQUssRUFBRSxFQUFFO0FBQUEsRUFDdkI7QUFBQSxFQUVBLFNBQVMsSUFBb0I7QUFDM0IsUUFBSSxXQUFXLEtBQUssT0FBTyxRQUFRLElBQUksRUFBRSxJQUFJLEtBQUssS0FBSyxFQUFFLEVBQUUsS0FBSztBQUNoRSxXQUFPO0FBQUEsRUFDVDtBQUFBLEVBRUEsY0FBYyxJQUFvQjtBQUNoQyxXQUFPLEtBQUssS0FBSyxFQUFFLEVBQUUsTUFBTTtBQUFBLEVBQzdCO0FBQUEsRUFFQSxlQUF1QjtBQUNyQixXQUFPLEtBQUssWUFBWSxPQUFPLENBQUMsVUFBVSxVQUFVLENBQUMsRUFBRTtBQUFBLEVBQ3pEO0FBQUEsRUFFQSxjQUFzQjtBQUNwQixXQUFPLEtBQUssWUFBWTtBQUFBLEVBQzFCO0FBQUEsRUFFQSxVQUFrQjtBQUNoQixXQUFPO0FBQUEsRUFDVDtBQUFBLEVBRUEsS0FBSyxJQUEwQjtBQUM3QixVQUFNLFdBQVcsS0FBSyxXQUFXLElBQUksRUFBRTtBQUN2QyxRQUFJLGFBQWEsT0FBVyxPQUFNLElBQUksTUFBTSxvQkFBb0IsRUFBRSxFQUFFO0FBQ3BFLFdBQU87QUFBQSxFQUNUO0FBQUE7QUFBQSxFQUdBLFFBQWdCO0FBQ2QsVUFBTSxPQUFPLEtBQUssWUFBWSxZQUFZLENBQUM7QUFDM0MsU0FBSyxPQUFPLE1BQU0sQ0FBQztBQUNuQixXQUFPO0FBQUEsRUFDVDtBQUFBLEVBRUEsT0FBTyxNQUFjLElBQWtCO0FBQ3JDLFNBQUssWUFBWSxJQUFJLEtBQUssS0FBSyxZQUFZLElBQUksS0FBSyxLQUFLO0FBQUEsRUFDM0Q7QUFDRjs7O0FDakhPLElBQU0sYUFBYTtBQUduQixTQUFTLFVBQVUsUUFBbUM7QUFDM0QsU0FBTyxPQUFPLE9BQU8sQ0FBQyxNQUFNLE9BQU8sTUFBTyxLQUFLLEtBQUssTUFBTSxFQUFFLElBQUksS0FBSyxLQUFLLE9BQU8sSUFBSSxDQUFDLE1BQU8sR0FBRyxFQUFFLElBQUk7QUFDeEc7QUFHTyxTQUFTLFVBQVUsUUFBMkIsT0FBZSxLQUFvQztBQUN0RyxRQUFNLFNBQVMsQ0FBQyxHQUFHLE1BQU07QUFDekIsV0FBUyxJQUFJLEdBQUcsSUFBSSxPQUFPLEtBQUs7QUFDOUIsV0FBTyxLQUFLLFVBQVUsTUFBTSxDQUFDO0FBQzdCLFFBQUksSUFBSSxJQUFJLE9BQU8sR0FBRyxFQUFFLEtBQUssRUFBRSxFQUFHO0FBQUEsRUFDcEM7QUFDQSxTQUFPLE9BQU8sTUFBTSxPQUFPLE1BQU07QUFDbkM7QUFFTyxJQUFNLGFBQU4sTUFBd0M7QUFBQSxFQUNwQztBQUFBO0FBQUEsRUFFQSxRQUFrQixDQUFDO0FBQUEsRUFDbkIsU0FBdUIsQ0FBQztBQUFBLEVBQ3hCO0FBQUEsRUFDVCxXQUFXO0FBQUE7QUFBQSxFQUVYLFVBQVU7QUFBQSxFQUNWLGtCQUFrQjtBQUFBLEVBRWxCLFlBQVksT0FBb0IsT0FBZSxVQUFrQjtBQUMvRCxTQUFLLFFBQVE7QUFDYixTQUFLLFlBQVk7QUFDakIsU0FBSyxNQUFNLEtBQUs7QUFBQSxFQUNsQjtBQUFBLEVBRUEsTUFBTSxPQUFxQjtBQUN6QixXQUFPLEtBQUssT0FBTyxTQUFTLE1BQU8sTUFBSyxPQUFPLEtBQUssSUFBSSxXQUFXLEtBQUssTUFBTSxRQUFRLEVBQUUsS0FBSyxFQUFFLENBQUM7QUFBQSxFQUNsRztBQUFBLEVBRUEsTUFBTSxhQUFhLE9BQWdDO0FBQ2pELFFBQUksUUFBUSxLQUFLLFVBQVcsT0FBTSxJQUFJLE1BQU0sZUFBZTtBQUMzRCxTQUFLLE1BQU0sS0FBSyxJQUFJLE9BQU8sS0FBSyxJQUFJLElBQUksS0FBSyxPQUFPLFFBQVEsS0FBSyxTQUFTLENBQUMsQ0FBQztBQUM1RSxXQUFPLEtBQUssT0FBTztBQUFBLEVBQ3JCO0FBQUEsRUFFQSxNQUFNLFFBQVEsUUFBMkIsVUFBa0IsT0FBaUM7QUFDMUYsU0FBSyxNQUFNLEtBQUssV0FBVyxPQUFPLE1BQU0sRUFBRTtBQUMxQyxTQUFLLE9BQU8sUUFBUSxVQUFVLEtBQUs7QUFBQSxFQUNyQztBQUFBLEVBRUEsaUJBQWlCLFFBQTJCLFVBQWtCLE9BQW1DO0FBQy9GLFNBQUssTUFBTSxLQUFLLFdBQVcsT0FBTyxNQUFNLEVBQUU7QUFDMUMsU0FBSyxPQUFPLFFBQVEsVUFBVSxLQUFLO0FBQ25DLFdBQU8sS0FBSyxRQUFRLFdBQVcsT0FBTyxRQUFRLEtBQUs7QUFBQSxFQUNyRDtBQUFBLEVBRUEsT0FBTyxVQUFrQixPQUFtQztBQUMxRCxTQUFLLE1BQU0sS0FBSyxRQUFRO0FBQ3hCLFNBQUssT0FBTyxDQUFDLEtBQUssUUFBUSxHQUFHLFVBQVUsS0FBSztBQUM1QyxXQUFPLEtBQUssUUFBUSxXQUFXLEdBQUcsS0FBSztBQUFBLEVBQ3pDO0FBQUEsRUFFQSxJQUFJLE9BQWtCLFVBQXNEO0FBQzFFLFVBQU0sT0FBTyxLQUFLLE9BQU8sTUFBTSxNQUFNLEtBQUssTUFBTSxXQUFXLEtBQUssTUFBTSxRQUFRLENBQUMsS0FBSyxFQUFFO0FBQ3RGLFFBQUksU0FBUyxPQUFXLE9BQU0sSUFBSSxNQUFNLHdCQUF3QixRQUFRLEVBQUU7QUFDMUUsV0FBTyxFQUFFLE1BQU0sTUFBTSxXQUFXLEtBQUssTUFBTSxTQUFTO0FBQUEsRUFDdEQ7QUFBQSxFQUVBLE9BQU8sUUFBMkIsVUFBa0IsT0FBd0I7QUFDMUUsUUFBSSxPQUFPLFNBQVMsS0FBSyxNQUFNLGFBQWMsT0FBTSxJQUFJLE1BQU0sNEJBQTRCO0FBQ3pGLFFBQUksV0FBVyxPQUFPLFNBQVMsS0FBSyxNQUFNLGNBQWUsT0FBTSxJQUFJLE1BQU0sb0JBQW9CO0FBQzdGLGFBQVMsSUFBSSxHQUFHLElBQUksTUFBTSxPQUFPLFFBQVEsS0FBSyxHQUFHO0FBQy9DLFdBQUssT0FBTyxNQUFNLE9BQU8sSUFBSSxDQUFDLEtBQUssRUFBRSxHQUFHLElBQUksS0FBSyxPQUFPLE1BQU0sT0FBTyxDQUFDLEtBQUssRUFBRSxLQUFLLENBQUMsQ0FBQztBQUFBLElBQ3RGO0FBQ0EsV0FBTyxRQUFRLENBQUMsT0FBTyxNQUFNO0FBQzNCLFlBQU0sRUFBRSxNQUFNLEtBQUssSUFBSSxLQUFLLElBQUksT0FBTyxXQUFXLENBQUM7QUFDbkQsV0FBSyxJQUFJLElBQUk7QUFBQSxJQUNmLENBQUM7QUFBQSxFQUNIO0FBQUEsRUFFQSxNQUFNLFFBQVEsUUFBZ0IsT0FBbUM7QUFDL0QsVUFBTSxTQUFTLE1BQU0sS0FBSyxFQUFFLE9BQU8sR0FBRyxDQUFDLEdBQUcsTUFBTTtBQUM5QyxZQUFNLEVBQUUsTUFBTSxLQUFLLElBQUksS0FBSyxJQUFJLE9BQU8sQ0FBQztBQUN4QyxhQUFPLEtBQUssSUFBSSxLQUFLO0FBQUEsSUFDdkIsQ0FBQztBQUNELFVBQU0sVUFBVSxVQUFVLE1BQU07QUFDaEMsU0FBSyxXQUFXO0FBQ2hCLFNBQUssa0JBQWtCLEtBQUssSUFBSSxLQUFLLGlCQUFpQixFQUFFLEtBQUssT0FBTztBQUNwRSxVQUFNLElBQUksUUFBUSxDQUFDLFlBQVk7QUFBRSxpQkFBVyxTQUFTLENBQUM7QUFBQSxJQUFHLENBQUM7QUFDMUQsU0FBSztBQUNMLFdBQU87QUFBQSxFQUNUO0FBQ0Y7OztBUnhGQSxJQUFNLFFBQVEsRUFBRSxlQUFlLElBQUksVUFBVSxHQUFHLGNBQWMsRUFBRTtBQUNoRSxJQUFNLFNBQThCLG9CQUFJLElBQUk7QUFTNUMsU0FBUyxNQUFNLFFBQVEsR0FBVTtBQUMvQixRQUFNLEtBQUssSUFBSSxZQUFZO0FBQzNCLFFBQU0sU0FBUyxJQUFJLFdBQVcsT0FBTyxPQUFPLENBQUM7QUFDN0MsU0FBTyxFQUFFLElBQUksUUFBUSxVQUFVLElBQUksU0FBUyxJQUFJLFFBQVEsS0FBSyxFQUFFO0FBQ2pFO0FBRUEsU0FBUyxRQUFRLFlBQXdDLENBQUMsR0FBc0I7QUFDOUUsUUFBTSxVQUFVLElBQUksUUFBUSxFQUFFLGFBQWEsR0FBRyxNQUFNLEdBQUcsTUFBTSxFQUFFLENBQUM7QUFDaEUsU0FBTyxFQUFFLFdBQVcsVUFBVSxhQUFhLFFBQVEsU0FBUyxRQUFRLElBQUksZ0JBQWdCLEVBQUUsUUFBUSxHQUFHLFVBQVU7QUFDakg7QUFFQSxTQUFTLFNBQVMsUUFBZ0IsTUFBd0I7QUFDeEQsU0FBTyxNQUFNLEtBQUssRUFBRSxPQUFPLEdBQUcsQ0FBQyxHQUFHLE9BQU8sSUFBSSxLQUFLLFFBQVEsVUFBVTtBQUN0RTtBQUVBLGVBQWUsU0FDYixFQUFFLFFBQVEsU0FBUyxHQUFVLFFBQTJCLE9BQ2lCO0FBQ3pFLFFBQU0sRUFBRSxRQUFRLE1BQU0sSUFBSSxNQUFNLFFBQVEsUUFBUSxVQUFVLFFBQVEsS0FBSztBQUN2RSxRQUFNLE1BQWdCLENBQUM7QUFDdkIsTUFBSSxTQUE4QjtBQUNsQyxNQUFJLFVBQVUsTUFBTTtBQUNsQixxQkFBaUIsRUFBRSxPQUFPLGFBQWEsS0FBSyxPQUFPLFFBQVEsVUFBVSxPQUFPLEtBQUssR0FBRztBQUNsRixVQUFJLEtBQUssS0FBSztBQUNkLGVBQVM7QUFBQSxJQUNYO0FBQUEsRUFDRjtBQUNBLFNBQU8sRUFBRSxLQUFLLFFBQVEsT0FBTztBQUMvQjtBQUVBLEtBQUssbUZBQW1GLFlBQVk7QUFDbEcsUUFBTSxLQUFLLE1BQU07QUFDakIsUUFBTSxTQUFTLFNBQVMsSUFBSSxDQUFDO0FBQzdCLFFBQU0sRUFBRSxLQUFLLE9BQU8sSUFBSSxNQUFNLFNBQVMsSUFBSSxRQUFRLFFBQVEsRUFBRSxXQUFXLEdBQUcsQ0FBQyxDQUFDO0FBQzdFLFNBQU8sVUFBVSxLQUFLLFVBQVUsUUFBUSxJQUFJLE1BQU0sQ0FBQztBQUNuRCxTQUFPLE1BQU0sUUFBUSxRQUFRO0FBQzdCLFNBQU8sVUFBVSxHQUFHLE9BQU8sTUFBTSxNQUFNLEdBQUcsQ0FBQyxHQUFHLENBQUMsYUFBYSxhQUFhLFdBQVcsQ0FBQztBQUNyRixTQUFPLE1BQU0sR0FBRyxPQUFPLE1BQU0sT0FBTyxDQUFDLFNBQVMsU0FBUyxRQUFRLEVBQUUsUUFBUSxHQUFHLDJCQUEyQjtBQUN2RyxTQUFPLE1BQU0sR0FBRyxPQUFPLGlCQUFpQixDQUFDO0FBQzNDLENBQUM7QUFFRCxLQUFLLDZEQUE2RCxZQUFZO0FBQzVFLFFBQU0sS0FBSyxNQUFNO0FBQ2pCLFFBQU0sU0FBUyxTQUFTLEdBQUcsQ0FBQztBQUM1QixRQUFNLFFBQVEsVUFBVSxRQUFRLEdBQUcsTUFBTTtBQUN6QyxRQUFNLE1BQU0sb0JBQUksSUFBSSxDQUFDLE1BQU0sQ0FBQyxLQUFLLEVBQUUsQ0FBQztBQUNwQyxRQUFNLFdBQVcsVUFBVSxRQUFRLEdBQUcsR0FBRztBQUN6QyxRQUFNLEVBQUUsS0FBSyxPQUFPLElBQUksTUFBTSxTQUFTLElBQUksUUFBUSxRQUFRLEVBQUUsYUFBYSxJQUFJLENBQUMsQ0FBQztBQUNoRixTQUFPLFVBQVUsS0FBSyxRQUFRO0FBQzlCLFNBQU8sTUFBTSxRQUFRLE1BQU07QUFDM0IsU0FBTyxNQUFNLEdBQUcsU0FBUyxRQUFRLE9BQU8sU0FBUyxTQUFTLFFBQVEscUNBQXFDO0FBQ3ZHLFNBQU8sTUFBTSxHQUFHLE9BQU8sU0FBUyxHQUFHLDJCQUEyQjtBQUNoRSxDQUFDO0FBRUQsS0FBSyx5Q0FBeUMsWUFBWTtBQUN4RCxRQUFNLEtBQUssTUFBTTtBQUNqQixRQUFNLFFBQVEsU0FBUyxHQUFHLENBQUM7QUFDM0IsUUFBTSxVQUFVLE1BQU0sU0FBUyxJQUFJLE9BQU8sUUFBUSxFQUFFLFdBQVcsRUFBRSxDQUFDLENBQUMsR0FBRztBQUN0RSxRQUFNLFNBQVMsQ0FBQyxHQUFHLE9BQU8sR0FBRyxRQUFRLEdBQUcsR0FBRyxDQUFDO0FBQzVDLEtBQUcsT0FBTyxNQUFNLFNBQVM7QUFDekIsUUFBTSxFQUFFLEtBQUssT0FBTyxJQUFJLE1BQU0sU0FBUyxJQUFJLFFBQVEsUUFBUSxFQUFFLFdBQVcsRUFBRSxDQUFDLENBQUM7QUFDNUUsU0FBTyxVQUFVLEtBQUssVUFBVSxRQUFRLEdBQUcsTUFBTSxDQUFDO0FBQ2xELFNBQU8sTUFBTSxRQUFRLE1BQU0sU0FBUyxPQUFPLFNBQVMsR0FBRywwREFBMEQ7QUFDakgsU0FBTyxNQUFNLEdBQUcsT0FBTyxNQUFNLENBQUMsR0FBRyxXQUFXO0FBQzlDLENBQUM7QUFFRCxLQUFLLGtGQUFrRixZQUFZO0FBQ2pHLFFBQU0sS0FBSyxNQUFNO0FBQ2pCLFFBQU0sU0FBUyxTQUFTLEdBQUcsQ0FBQztBQUM1QixRQUFNLE9BQU8sTUFBTSxTQUFTLElBQUksUUFBUSxRQUFRLEVBQUUsV0FBVyxFQUFFLENBQUMsQ0FBQztBQUNqRSxLQUFHLE9BQU8sTUFBTSxTQUFTO0FBQ3pCLFFBQU0sUUFBUSxNQUFNLFNBQVMsSUFBSSxRQUFRLFFBQVEsRUFBRSxXQUFXLEVBQUUsQ0FBQyxDQUFDO0FBQ2xFLFNBQU8sVUFBVSxNQUFNLEtBQUssS0FBSyxHQUFHO0FBQ3BDLFNBQU8sTUFBTSxHQUFHLE9BQU8sTUFBTSxDQUFDLEdBQUcsV0FBVztBQUM1QyxRQUFNLFFBQVEsU0FBUyxHQUFHLEVBQUU7QUFDNUIsUUFBTSxZQUFZLE1BQU0sU0FBUyxJQUFJLE9BQU8sUUFBUSxFQUFFLFdBQVcsRUFBRSxDQUFDLENBQUM7QUFDckUsU0FBTyxVQUFVLFVBQVUsS0FBSyxVQUFVLE9BQU8sR0FBRyxNQUFNLENBQUM7QUFDM0QsU0FBTyxNQUFNLFVBQVUsUUFBUSxDQUFDO0FBQ2xDLENBQUM7QUFFRCxLQUFLLHNFQUFzRSxZQUFZO0FBQ3JGLFFBQU0sS0FBSyxNQUFNLENBQUM7QUFDbEIsUUFBTSxTQUFTLFNBQVMsR0FBRyxDQUFDO0FBQzVCLFFBQU0sRUFBRSxLQUFLLE9BQU8sSUFBSSxNQUFNLFNBQVMsSUFBSSxRQUFRLFFBQVEsQ0FBQztBQUM1RCxTQUFPLE1BQU0sUUFBUSxRQUFRO0FBQzdCLFNBQU8sVUFBVSxLQUFLLFVBQVUsUUFBUSxNQUFNLGdCQUFnQixPQUFPLFFBQVEsTUFBTSxDQUFDO0FBQ3BGLFNBQU8sTUFBTSxHQUFHLEdBQUcsWUFBWSxHQUFHLENBQUM7QUFDckMsQ0FBQztBQUVELEtBQUssbUZBQW1GLFlBQVk7QUFDbEcsUUFBTSxLQUFLLE1BQU07QUFDakIsUUFBTSxTQUFTLFNBQVMsSUFBSSxDQUFDO0FBQzdCLFFBQU0sU0FBUyxJQUFJLFFBQVEsUUFBUSxFQUFFLFdBQVcsRUFBRSxDQUFDLENBQUM7QUFDcEQsUUFBTSxPQUFPLFFBQVEsU0FBUyxJQUFJLFNBQVMsSUFBSSxDQUFDLEdBQUcsUUFBUSxDQUFDLEdBQUcsOEJBQThCO0FBQzdGLFFBQU0sRUFBRSxPQUFPLElBQUksTUFBTSxTQUFTLElBQUksQ0FBQyxHQUFHLFFBQVEsVUFBVSxNQUFNLEdBQUcsQ0FBQyxHQUFHLFFBQVEsRUFBRSxXQUFXLEVBQUUsQ0FBQyxDQUFDO0FBQ2xHLFNBQU8sTUFBTSxRQUFRLEVBQUU7QUFDekIsQ0FBQztBQUVELEtBQUssNkRBQTZELFlBQVk7QUFDNUUsUUFBTSxLQUFLLE1BQU07QUFDakIsUUFBTSxTQUFTLFNBQVMsR0FBRyxDQUFDO0FBQzVCLFFBQU0sUUFBUSxRQUFRO0FBQ3RCLFFBQU0sRUFBRSxNQUFNLElBQUksTUFBTSxRQUFRLEdBQUcsUUFBUSxHQUFHLFVBQVUsUUFBUSxLQUFLO0FBQ3JFLFNBQU8sR0FBRyxLQUFLO0FBQ2YsTUFBSSxRQUFRO0FBQ1osbUJBQWlCLEVBQUUsYUFBYSxLQUFLLE9BQU8sR0FBRyxRQUFRLEdBQUcsVUFBVSxPQUFPLEtBQUssR0FBRztBQUNqRixXQUFPLE1BQU0sY0FBYyxJQUFJO0FBQy9CLFFBQUksRUFBRSxVQUFVLEVBQUc7QUFBQSxFQUNyQjtBQUNBLFNBQU8sTUFBTSxHQUFHLE9BQU8sU0FBUyxDQUFDO0FBQ2pDLFFBQU0sRUFBRSxJQUFJLElBQUksTUFBTSxTQUFTLElBQUksUUFBUSxRQUFRLEVBQUUsV0FBVyxFQUFFLENBQUMsQ0FBQztBQUNwRSxTQUFPLFVBQVUsS0FBSyxVQUFVLFFBQVEsR0FBRyxNQUFNLENBQUM7QUFDcEQsQ0FBQztBQUVELEtBQUssMkRBQTJELFlBQVk7QUFDMUUsUUFBTSxLQUFLLE1BQU07QUFDakIsUUFBTSxhQUFhLElBQUksZ0JBQWdCO0FBQ3ZDLFFBQU0sUUFBUSxRQUFRLEVBQUUsUUFBUSxXQUFXLE9BQU8sQ0FBQztBQUNuRCxRQUFNLEVBQUUsTUFBTSxJQUFJLE1BQU0sUUFBUSxHQUFHLFFBQVEsR0FBRyxVQUFVLFNBQVMsR0FBRyxDQUFDLEdBQUcsS0FBSztBQUM3RSxTQUFPLEdBQUcsS0FBSztBQUNmLFFBQU0sVUFBbUMsQ0FBQztBQUMxQyxtQkFBaUIsRUFBRSxhQUFhLEtBQUssT0FBTyxHQUFHLFFBQVEsR0FBRyxVQUFVLE9BQU8sS0FBSyxHQUFHO0FBQ2pGLFlBQVEsS0FBSyxZQUFZO0FBQ3pCLFFBQUksUUFBUSxXQUFXLEVBQUcsWUFBVyxNQUFNO0FBQUEsRUFDN0M7QUFDQSxTQUFPLFVBQVUsU0FBUyxDQUFDLE1BQU0sTUFBTSxPQUFPLENBQUM7QUFDL0MsU0FBTyxPQUFPLE1BQU0sUUFBUSxHQUFHLFFBQVEsR0FBRyxVQUFVLFNBQVMsSUFBSSxDQUFDLEdBQUcsS0FBSyxHQUFHLE9BQU8sSUFBSTtBQUMxRixDQUFDO0FBRUQsS0FBSyxtRUFBbUUsWUFBWTtBQUNsRixRQUFNLEtBQUssTUFBTTtBQUNqQixRQUFNLFNBQVMsU0FBUyxHQUFHLENBQUM7QUFDNUIsUUFBTSxhQUFhLEdBQUcsT0FBTyxPQUFPLEtBQUssR0FBRyxNQUFNO0FBQ2xELE1BQUksUUFBUTtBQUNaLEtBQUcsT0FBTyxTQUFTLENBQUMsVUFBVSxVQUFXLEVBQUUsVUFBVSxJQUFJLFFBQVEsT0FBTyxJQUFJLE1BQU0sS0FBSyxDQUFDLElBQUksV0FBVyxVQUFVLEtBQUs7QUFDdEgsUUFBTSxPQUFPLFFBQVEsU0FBUyxJQUFJLFFBQVEsUUFBUSxDQUFDLEdBQUcsS0FBSztBQUMzRCxLQUFHLE9BQU8sU0FBUztBQUNuQixRQUFNLEVBQUUsSUFBSSxJQUFJLE1BQU0sU0FBUyxJQUFJLFFBQVEsUUFBUSxFQUFFLFdBQVcsRUFBRSxDQUFDLENBQUM7QUFDcEUsU0FBTyxVQUFVLEtBQUssVUFBVSxRQUFRLEdBQUcsTUFBTSxDQUFDO0FBQ3BELENBQUM7QUFFRCxLQUFLLDREQUE0RCxZQUFZO0FBQzNFLFFBQU0sS0FBSyxNQUFNO0FBQ2pCLFFBQU0sUUFBUSxJQUFJLGFBQWE7QUFDL0IsUUFBTSxRQUFrQixDQUFDO0FBQ3pCLFFBQU0sVUFBVSxDQUFDLFNBQVMsR0FBRyxDQUFDLEdBQUcsU0FBUyxHQUFHLENBQUMsR0FBRyxTQUFTLEdBQUcsQ0FBQyxDQUFDO0FBQy9ELFFBQU0sVUFBVSxNQUFNLFFBQVEsSUFBSSxRQUFRLElBQUksT0FBTyxRQUFRLE1BQU07QUFDakUsVUFBTSxRQUFRLE1BQU0sTUFBTSxNQUFNO0FBQ2hDLFVBQU0sS0FBSyxDQUFDO0FBQ1osUUFBSTtBQUNGLGNBQVEsTUFBTSxTQUFTLElBQUksUUFBUSxRQUFRLEVBQUUsV0FBVyxFQUFFLENBQUMsQ0FBQyxHQUFHO0FBQUEsSUFDakUsVUFBRTtBQUNBLFlBQU07QUFBQSxJQUNSO0FBQUEsRUFDRixDQUFDLENBQUM7QUFDRixTQUFPLFVBQVUsT0FBTyxDQUFDLEdBQUcsR0FBRyxDQUFDLENBQUM7QUFDakMsU0FBTyxVQUFVLFNBQVMsUUFBUSxJQUFJLENBQUMsV0FBVyxVQUFVLFFBQVEsR0FBRyxNQUFNLENBQUMsQ0FBQztBQUNqRixDQUFDO0FBRUQsS0FBSyxxRkFBcUYsWUFBWTtBQUNwRyxRQUFNLFFBQVEsSUFBSSxhQUFhO0FBQy9CLFFBQU0sUUFBUSxNQUFNLE1BQU0sTUFBTTtBQUNoQyxRQUFNLGFBQWEsSUFBSSxnQkFBZ0I7QUFDdkMsUUFBTSxVQUFVLE1BQU0sTUFBTSxXQUFXLE1BQU07QUFDN0MsUUFBTSxTQUFTLE1BQU0sTUFBTTtBQUMzQixhQUFXLE1BQU07QUFDakIsUUFBTSxPQUFPLFFBQVEsU0FBUyxVQUFVO0FBQ3hDLFFBQU07QUFDTixHQUFDLE1BQU0sUUFBUTtBQUNmLFFBQU0sVUFBVSxDQUFDLE1BQU0sTUFBTSxNQUFNLEdBQUcsTUFBTSxNQUFNLENBQUM7QUFDbkQsUUFBTSxjQUFjLElBQUksV0FBVyxVQUFVLENBQUM7QUFDOUMsUUFBTSxPQUFPLFFBQVEsUUFBUSxDQUFDLEdBQUcsVUFBVTtBQUM3QyxDQUFDO0FBRUQsS0FBSyxpRkFBaUYsTUFBTTtBQUMxRixRQUFNLFNBQVMsSUFBSSxRQUFRLEVBQUUsYUFBYSxHQUFHLE1BQU0sR0FBRyxNQUFNLEVBQUUsQ0FBQztBQUMvRCxTQUFPLFVBQVUsT0FBTyxLQUFLLEdBQUcsT0FBTyxLQUFLLENBQUM7QUFDN0MsUUFBTSxVQUFVLElBQUksUUFBUSxFQUFFLGFBQWEsS0FBSyxNQUFNLEtBQUssTUFBTSxHQUFHLENBQUM7QUFDckUsUUFBTSxRQUFRLENBQUMsUUFBUSxLQUFLLEdBQUcsUUFBUSxLQUFLLENBQUM7QUFDN0MsU0FBTyxVQUFVLE1BQU0sSUFBSSxDQUFDLFNBQVMsS0FBSyxDQUFDLENBQUMsR0FBRyxDQUFDLEdBQUcsQ0FBQyxDQUFDO0FBQ3JELFNBQU8sVUFBVSxDQUFDLEdBQUcsTUFBTSxDQUFDLEdBQUcsU0FBUyxHQUFHLENBQUMsS0FBSyxDQUFDLENBQUMsR0FBRyxDQUFDLFlBQVksVUFBVSxDQUFDO0FBQzlFLFNBQU8sTUFBTSxJQUFJLGFBQWEsTUFBTSxDQUFDLEdBQUcsVUFBVSxJQUFJLFlBQVksQ0FBQyxDQUFDLEVBQUUsQ0FBQyxHQUFHLEdBQUc7QUFDL0UsQ0FBQzsiLAogICJuYW1lcyI6IFtdCn0K
