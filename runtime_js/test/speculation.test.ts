// Guesses that rows check: an answer is what it is without them, they come where they pay and nowhere else, and both are counted.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { DraftSource } from "../src/engine/draft_source.ts";
import type { DraftCounts } from "../src/engine/speculation.ts";
import { DraftModel } from "../src/engine/draft_model.ts";
import { Lookup } from "../src/engine/lookup.ts";
import { rowsThatPay } from "../src/engine/pace.ts";
import { Sampler } from "../src/engine/sampler.ts";
import { STEP_WORD } from "../src/executor/abi.generated.ts";
import { FakeConstraint } from "./fakes/constraint.ts";
import { Oracle } from "./fakes/drafts.ts";
import { MODEL, PLACES, fakeTokenizer } from "./fakes/engine.ts";
import { NO_EOS, generate, promptOf, request, setup, type Setup } from "./fakes/generations.ts";
import { randomFrom } from "./fakes/random.ts";
import { reference } from "./fakes/runner.ts";
import { runInVirtualTime, type Clock, type Speeds } from "./fakes/virtual_gpu.ts";

const WIDE = { contextLength: 2048, prefillChunk: 512, pages: 64, maxPages: 4096, rows: 8 };
/** What steps take of Llama-3.2-3B on a large GPU, of SmolLM2-135M there, and of the former without integer products; and in Chromium the way to the CPU. */
const SPEEDS = {
  large: { steps: { 1: 1.46, 2: 1.56, 4: 1.88, 8: 2.8 }, latency: 1.8 },
  small: { steps: { 1: 0.89, 2: 0.95, 4: 1.2, 8: 1.7 }, latency: 1.8 },
  dear: { steps: { 1: 2.4, 2: 3, 4: 5.5, 8: 11 }, latency: 1.8 },
};

function wrongEvery(places: number): (place: number) => boolean {
  return (place) => place % places === 0;
}

const PENALTIES = { temperature: 0.7, frequencyPenalty: 1.5, presencePenalty: 0.3, repetitionPenalty: 1.3, seed: 5 };

test("an answer is the same with guesses, right and wrong ones, whatever is asked of it", async () => {
  const prompt = promptOf(40, 3);
  const choices = Array.from({ length: 60 }, (_, i) => (i % 9 === 8 ? null : i % 4 === 3 ? [i, i + 1, i + 2] : Array.from({ length: 40 }, (_, j) => (i + 2 * j) % 96)));
  const kinds = {
    greedy: {}, sampled: { sampler: () => new Sampler({ temperature: 0.8, seed: 9 }, prompt) }, penalties: { sampler: () => new Sampler(PENALTIES, prompt) },
    biased: { sampler: () => new Sampler({ temperature: 0, logitBias: [[5, 3], [7, -4]] }, prompt) },
    formed: { constraint: () => new FakeConstraint(choices, 96) },
    formedWithPenalties: { constraint: () => new FakeConstraint(choices, 96), sampler: () => new Sampler(PENALTIES, prompt) },
    logprobs: { sampler: () => new Sampler({ temperature: 0, topLogprobs: 2 }, prompt) },
  };
  for (const [kind, makers] of Object.entries(kinds)) {
    const ask = async (every: number): Promise<{ ids: number[]; calls: number }> => {
      const it = setup(WIDE);
      const parts = Object.fromEntries(Object.entries(makers).map(([name, make]) => [name, make()]));
      const plain: number[] = [...prompt, ...(every === 0 ? [] : known)];
      const drafts = every === 0 ? [] : [new Oracle(wrongEvery(every), (tokens) => plain[tokens.length] ?? 0)];
      const { ids } = await generate(it, request(prompt, { maxTokens: 45, drafts, ...parts }));
      return { ids, calls: it.runner.calls.filter((call) => call.startsWith("decode")).length };
    };
    const known: number[] = [];
    const { ids } = await ask(0);
    known.push(...ids);
    for (const every of [Infinity, 7, 1]) {
      const guessed = await ask(every);
      assert.deepEqual(guessed.ids, ids, `${kind}, every ${every}`);
      if (every === Infinity) assert.ok(guessed.calls < ids.length / 2, `${kind}: ${guessed.calls} steps`);
    }
  }
});

test("a prompt is on its way before anything is looked up in it, which takes time where it is long", async () => {
  const it = setup(WIDE);
  const calls: number[] = [];
  const source: DraftSource = { likely: 0.5, propose: () => { calls.push(it.runner.calls.length); return []; } };
  await generate(it, request(promptOf(40, 3), { maxTokens: 3, drafts: [source] }));
  assert.ok(calls.length > 0 && calls.every((before) => before > 0), calls.join());
});

test("each token of an answer is drawn with the noise of its place, however many guesses were taken back", async () => {
  const it = setup(WIDE);
  const words = new Map<number, number | undefined>();
  const decode = it.runner.decode.bind(it.runner);
  it.runner.decode = async (rows, carried) => {
    const results = await decode(rows, carried);
    rows.forEach((row) => { if (row !== null) words.set(row.position, row.sampling[STEP_WORD]); });
    return results;
  };
  const prompt = promptOf(12, 3);
  const { ids } = await generate(it, request(prompt, {
    maxTokens: 80, drafts: [new Oracle(wrongEvery(11))], sampler: new Sampler({ temperature: 0.7, seed: 1 }, prompt),
  }));
  assert.deepEqual(ids, reference(prompt, 80, NO_EOS));
  assert.deepEqual(Array.from(ids.slice(1), (_, i) => words.get(12 + i)), Array.from(ids.slice(1), (_, i) => i + 1));
  const again = await generate(it, request([...prompt, ...ids, 4], { maxTokens: 3 }));
  assert.deepEqual([again.ids, again.cached], [reference([...prompt, ...ids, 4], 3, NO_EOS), 12 + 79], "and the cache holds what came");
});

test("an end token, the limit, the context and a listener end an answer in the middle of guesses", async () => {
  const prompt = promptOf(10, 2);
  const plain = reference(prompt, 100, NO_EOS);
  const drafts = [new Oracle()];
  for (let end = 1; end < 20; end++) {
    const last = plain[end] ?? -1;
    const first = plain.indexOf(last) + 1;
    assert.deepEqual((await generate(setup(WIDE), request(prompt, { drafts, eosTokenIds: new Set([last]) }))).ids, plain.slice(0, first));
    assert.deepEqual((await generate(setup(WIDE), request(prompt, { drafts, maxTokens: end }))).ids, plain.slice(0, end));
    assert.deepEqual((await generate(setup(WIDE), request(prompt, { drafts }), (count) => count === end)).ids, plain.slice(0, end));
    const full = await generate(setup({ ...WIDE, contextLength: 10 + end }), request(prompt, { drafts }));
    assert.deepEqual([full.ids, full.finish], [plain.slice(0, end), "length"]);
  }
});

test("an answer that goes on beyond the context is guessed from what is left of it", async () => {
  const prompt = promptOf(10, 2);
  const ask = async (drafts: readonly Lookup[]): Promise<number[]> => {
    const it = setup({ ...WIDE, contextLength: 40 });
    it.runner.script = (tokens) => ((tokens.at(-1) ?? 0) + 1) % 6;
    return (await generate(it, request(prompt, { drafts, maxTokens: 120, shifts: true }))).ids;
  };
  assert.deepEqual(await ask([new Lookup()]), await ask([]));
});

/** Milliseconds from an answer's first token to its last, and what was guessed. */
async function timed(
  context: TestContext, speeds: Speeds, [prompt, answer]: readonly [number[], number[]], sources: readonly DraftSource[] | ((clock: Clock) => readonly DraftSource[]),
): Promise<{ milliseconds: number; drafts: DraftCounts; calls: readonly string[] }> {
  const it: Setup = setup(WIDE);
  it.runner.script = (tokens) => answer[tokens.length - prompt.length] ?? 0;
  const clock = runInVirtualTime(context, it, speeds);
  const drafts = typeof sources === "function" ? sources(clock) : sources;
  const times: number[] = [];
  const counts = await new Promise<DraftCounts>((resolve, reject) => {
    it.scheduler.add(request(prompt, { maxTokens: answer.length, drafts }), {
      begin: () => undefined, token: () => { times.push(clock.now()); return false; }, end: (_, __, counted) => resolve(counted), fail: reject,
    });
  });
  context.mock.restoreAll();
  return { milliseconds: (times.at(-1) ?? 0) - (times[0] ?? 0), drafts: { ...counts }, calls: it.runner.calls };
}

/** Words as often as they are in texts, of which pairs come again. */
function text(seed: number, length: number, words: number): number[] {
  const random = randomFrom(seed);
  const behind = new Map<number, number[]>();
  const tokens = [0];
  while (tokens.length < length) {
    const known = behind.get(tokens.at(-1) ?? 0) ?? [];
    behind.set(tokens.at(-1) ?? 0, known);
    const again = known[Math.floor(random() * 2 * known.length)];
    const next = again ?? Math.floor(words ** random());
    if (again === undefined) known.push(next);
    tokens.push(next);
  }
  return tokens;
}

test("a text that is repeated with edits comes faster, and one that repeats nothing as fast as without guesses", async (context) => {
  const prompt = text(1, 250, 3000);
  const copy = prompt.slice(30, 230);
  const edited = copy.map((token, i) => (i % 30 === 9 ? 5000 + i : token));
  const answers = { copy, edited, loop: Array.from({ length: 200 }, (_, i) => i % 23), random: text(2, 200, 3000), narrow: text(3, 200, 40) };
  const least = { copy: { large: 2.5, small: 2.5, dear: 1.5 }, edited: { large: 1.6, small: 1.6, dear: 1.1 }, loop: { large: 2.5, small: 2.5, dear: 1.4 } };
  for (const [speed, speeds] of Object.entries(SPEEDS)) {
    for (const [kind, answer] of Object.entries(answers)) {
      const plain = await timed(context, speeds, [prompt, answer], []);
      const guessed = await timed(context, speeds, [prompt, answer], [new Lookup()]);
      const bound = Object.entries(least).find(([name]) => name === kind)?.[1];
      const most = bound === undefined ? 0.97 : Object.entries(bound).find(([name]) => name === speed)?.[1] ?? 0;
      assert.ok(plain.milliseconds / guessed.milliseconds >= most,
        `${kind}, ${speed}: ${plain.milliseconds} and ${guessed.milliseconds} ms, ${JSON.stringify(guessed.drafts)}`);
    }
  }
});

test("a text that is predicted is guessed from the first token on, and gone on with behind what is not right of it", async (context) => {
  const prompt = text(1, 100, 3000);
  const answer = text(2, 200, 3000);
  const predicted = [...answer.slice(0, 60), 7001, 7002, 7003, ...answer.slice(70)];
  const plain = await timed(context, SPEEDS.large, [prompt, answer], []);
  const guessed = await timed(context, SPEEDS.large, [prompt, answer], [new Lookup(predicted, prompt.length), new Lookup()]);
  assert.ok(plain.milliseconds / guessed.milliseconds > 2, `${plain.milliseconds} and ${guessed.milliseconds} ms`);
  assert.ok(guessed.drafts.accepted > 130 && guessed.drafts.drafted - guessed.drafts.accepted < 40, JSON.stringify(guessed.drafts));
  const wrong = await timed(context, SPEEDS.large, [prompt, answer], [new Lookup(text(9, 300, 3000), prompt.length), new Lookup()]);
  assert.ok(plain.milliseconds / wrong.milliseconds > 0.97, `${plain.milliseconds} and ${wrong.milliseconds} ms`);
});

/** A model that says the answer, but for some places, in so many milliseconds a token. */
function drafting(context: { prompt: readonly number[]; answer: readonly number[] }, tokenMs: number, isWrong: (place: number) => boolean) {
  return (clock: Clock): DraftModel[] => [new DraftModel(async (tokens, count) => {
    await clock.sleep(tokenMs * count + 2);
    return context.answer.slice(tokens.length - context.prompt.length).slice(0, count).map((token, i) => token + Number(isWrong(tokens.length + i)));
  })];
}

test("a draft model is asked where its drafts pay, and no longer where they do not", async (context) => {
  const [prompt, answer] = [text(1, 100, 3000), text(2, 150, 3000)];
  const slow = { steps: { 1: 25, 2: 27, 4: 32, 8: 48 }, latency: 2 };
  const plain = await timed(context, slow, [prompt, answer], []);
  for (const [tokenMs, every, least] of [[4, 10, 1.6], [4, 1, 0.93], [24, 10, 0.93]] as const) {
    const guessed = await timed(context, slow, [prompt, answer], drafting({ prompt, answer }, tokenMs, wrongEvery(every)));
    assert.ok(plain.milliseconds / guessed.milliseconds > least, `${tokenMs}, ${every}: ${plain.milliseconds} and ${guessed.milliseconds} ms, ${JSON.stringify(guessed.drafts)}`);
  }
  const fast = await timed(context, SPEEDS.large, [prompt, answer], []);
  const useless = await timed(context, SPEEDS.large, [prompt, answer], drafting({ prompt, answer }, 0.7, wrongEvery(10)));
  assert.ok(fast.milliseconds / useless.milliseconds > 0.97, `${fast.milliseconds} and ${useless.milliseconds} ms`);
});

test("an answer that waits for its draft holds nobody up, and can be stopped", async () => {
  const it = setup(WIDE);
  const never = new DraftModel(() => new Promise(() => undefined));
  let latest = Promise.resolve(); // a step takes its time behind the one before it, so that a draft is worth waiting for
  it.runner.delay = () => latest = latest.then(() => new Promise((resolve) => { setTimeout(resolve, 30); }));
  let stopped = (): void => undefined;
  const waits = generate(it, request(promptOf(5, 1), { drafts: [never] }), (count, stop) => { stopped = stop; return count > 90; });
  while (it.runner.pending > 0 || it.runner.calls.length < 3) await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.deepEqual((await generate(it, request(promptOf(7, 4), { maxTokens: 4 }))).ids, reference(promptOf(7, 4), 4, NO_EOS));
  stopped();
  const { ids, finish } = await waits;
  assert.deepEqual([ids, finish], [reference(promptOf(5, 1), ids.length, NO_EOS), "abort"]);
});

test("as many rows are taken as pay by what steps take and how often guesses are right", () => {
  const rows = (acceptance: number, steps: Readonly<Record<number, number>>): number => rowsThatPay([1, 2, 4, 8], acceptance, { time: (count) => steps[count] ?? 0 });
  assert.deepEqual([0, 0.5, 0.7, 0.8, 0.95].map((acceptance) => rows(acceptance, SPEEDS.large.steps)), [1, 1, 1, 4, 8]);
  assert.deepEqual([0, 0.3, 0.5, 0.8, 0.95].map((acceptance) => rows(acceptance, { 1: 40, 2: 42, 4: 50, 8: 75 })), [1, 2, 4, 4, 8]);
  assert.deepEqual([0.5, 0.9, 1].map((acceptance) => rows(acceptance, { 1: 40, 2: 80, 4: 160, 8: 320 })), [1, 1, 1], "where rows cost as much as steps none pays");
});

test("a lookup finds the longest match, the latest of several, goes on with what repeats, and is bounded", () => {
  const propose = (tokens: number[], most: number, ...given: ConstructorParameters<typeof Lookup>): readonly number[] => new Lookup(...given).propose(tokens, most);
  assert.deepEqual(propose([1, 2, 3, 4, 5, 9, 1, 2, 3], 2), [4, 5]);
  assert.deepEqual(propose([7, 1, 2, 3, 4, 8, 1, 2, 3, 5, 7, 1, 2, 3], 1), [4], "four tokens are more than three");
  assert.deepEqual(propose([8, 1, 2, 3, 4, 9, 1, 2, 3, 5, 7, 1, 2, 3], 1), [5]);
  assert.deepEqual(propose([1, 2, 9, 1, 2], 3), [], "two are too few");
  assert.deepEqual(propose([4, 5, 6, 4, 5, 6], 7), [4, 5, 6, 4, 5, 6, 4]);
  assert.deepEqual(propose([1, 2], 3), []);
  assert.deepEqual(propose([9], 3, [5, 6, 7, 8], 1), [5, 6, 7]);
  const predicted = new Lookup([5, 6, 7, 8, 9, 10], 1);
  assert.deepEqual([predicted.propose([9, 5, 6], 2), predicted.propose([9, 5, 6, 1], 2), predicted.propose([9, 5, 6, 1, 6, 7, 8], 9)], [[7, 8], [], [9, 10]]);
  const long = Array.from({ length: 100_000 }, (_, i) => i);
  assert.deepEqual(propose([...long, 5, 6, 7], 2), [], "what is long ago is not looked up");
  assert.deepEqual(propose([...long, 99_000, 99_001, 99_002], 2), [99_003, 99_004]);
  const same = new Array<number>(100_000).fill(3);
  assert.deepEqual(propose(same, 3), [3, 3, 3]);
});

test("of several answers one has the rows that are computed in any case, and each is what it is alone", async () => {
  const it = setup(WIDE);
  const shared: number[] = [];
  const decode = it.runner.decode.bind(it.runner);
  it.runner.decode = async (rows, carried) => {
    shared.push(rows.filter((row) => row !== null).length);
    return decode(rows, carried);
  };
  const answers = await Promise.all([0, 1, 2, 3, 4].map((i) => (
    generate(it, request(promptOf(6, 7 * i), { maxTokens: 60, drafts: [new Oracle(wrongEvery(13 + i))] })))));
  answers.forEach(({ ids }, i) => assert.deepEqual(ids, reference(promptOf(6, 7 * i), 60, NO_EOS)));
  assert.ok(shared.some((rows) => rows > 5), String(shared));
});

test("guesses fall away where memory is short, and wait for no kernels", async () => {
  const it = setup({ ...WIDE, pages: 3, maxPages: 4 });
  const prompt = promptOf(5, 2);
  const { ids } = await generate(it, request(prompt, { maxTokens: 11, drafts: [new Oracle()] }));
  assert.deepEqual(ids, reference(prompt, 11, NO_EOS));
  const refusing = setup(WIDE);
  refusing.runner.compiling = () => Promise.reject(new Error("no such kernel"));
  assert.deepEqual((await generate(refusing, request(prompt, { maxTokens: 40, drafts: [new Oracle()] }))).ids, reference(prompt, 40, NO_EOS));
});

test("what is drawn with guesses has the probabilities of what is drawn without", async () => {
  // Each place's token is drawn from three with probabilities by its own noise, as the GPU does; guesses are always the likeliest.
  const noise = (seed: number, place: number): number => randomFrom(Math.imul(seed, 7919) + place)();
  const counts = [0, 0, 0];
  for (let seed = 1; seed <= 100; seed++) {
    const it = setup(WIDE);
    const prompt = promptOf(4, 1);
    it.runner.script = (tokens) => { const u = noise(seed, tokens.length); return u < 0.6 ? 1 : u < 0.9 ? 2 : 3; };
    const { ids } = await generate(it, request(prompt, { maxTokens: 10, drafts: [new Oracle(undefined, () => 1)] }));
    assert.deepEqual(ids, Array.from({ length: 10 }, (_, i) => { const u = noise(seed, 4 + i); return u < 0.6 ? 1 : u < 0.9 ? 2 : 3; }));
    for (const id of ids) counts[id - 1] = (counts[id - 1] ?? 0) + 1;
  }
  const chiSquare = [0.6, 0.3, 0.1].reduce((sum, p, i) => sum + ((counts[i] ?? 0) - 1000 * p) ** 2 / (1000 * p), 0);
  assert.ok(chiSquare < 13.8, `chi-square ${chiSquare} of two degrees: one in a thousand is larger`);
});

for (const [place, make] of Object.entries(PLACES)) {
  test(`${place}: a request says what is guessed, by whom, and hears what came of it`, async () => {
    const { client, engine } = make();
    await client.reload([MODEL, "other"]);
    const asked = { model: MODEL, messages: [{ role: "user", content: "hi" }], temperature: 0, max_tokens: 40 } as const;
    const plain = await client.chat.completions.create({ ...asked, speculation: "off" });
    const content = plain.choices[0]?.message.content ?? "";
    const { accepted_prediction_tokens: none, rejected_prediction_tokens: wrong } = plain.usage?.completion_tokens_details ?? {};
    assert.deepEqual([none, wrong], [0, 0]);
    for (const more of [{}, { prediction: { type: "content", content } }, { prediction: { type: "content", content: [{ type: "text", text: "no " }] } }, { draft: "other" }] as const) {
      const { choices: [choice], usage } = await client.chat.completions.create({ ...asked, ...more });
      assert.equal(choice?.message.content, content);
      assert.equal(usage?.completion_tokens, 40);
    }
    await assert.rejects(client.chat.completions.create({ ...asked, draft: "none" }), /"none", which is not loaded.*Give one of these as `draft`/);
    await assert.rejects(client.chat.completions.create({ ...asked, draft: MODEL }), /cannot draft for "toy": it is the same one/);
    engine.tokenizer = fakeTokenizer({}, ["<more>"]);
    await client.addModel("other");
    await assert.rejects(client.chat.completions.create({ ...asked, draft: "other" }), /"other" cannot draft for "toy": its vocabulary is another/);
  });
}
