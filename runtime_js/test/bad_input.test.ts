/** Requests that nobody should send: each gets an answer or a named error, and the engine works after it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { createFetch } from "../src/api/openai/fetch.ts";
import type { ChatCompletionRequest, CompletionRequest, EmbeddingRequest } from "../src/api/openai/types.ts";
import { MLCEngineError } from "../src/support/errors.ts";
import { ENDPOINTS } from "./fakes/api_schema.ts";
import { MODEL, PLACES, soon, type Setup } from "./fakes/engine.ts";
import { HERMES } from "./fakes/formats.ts";
import { randomFrom } from "./fakes/random.ts";
import { pick, valid, wrong, type Random } from "./fakes/schema.ts";

/** A request, and the fields of it that do not fit. */
interface Asked {
  readonly path: string;
  readonly body: unknown;
  readonly wrong: readonly string[];
}

/** A request with some of its fields, of which some do not fit. */
function randomRequest(random: Random): Asked {
  const path = pick(random, Object.keys(ENDPOINTS));
  const { fields = {}, needed = [] } = ENDPOINTS[path] ?? {};
  const kept = Object.entries(fields).filter(([key]) => needed.includes(key) || random() < 0.2);
  const spoilt = Array.from({ length: Math.floor(random() * 3) }, () => pick(random, kept)[0]);
  const body = Object.fromEntries(kept.map(([key, spec]) => [key, spoilt.includes(key) ? pick(random, wrong(spec)) : valid(spec, random)]));
  if (random() < 0.05) return { path, body: { ...body, [pick(random, ["more", "constructor", "toString", "0"])]: 1 }, wrong: ["unknown"] };
  if (random() < 0.02) return { path, body: pick(random, [null, 3, "text", [], [body]]), wrong: [""] };
  return { path, body, wrong: spoilt };
}

async function open(make: () => Setup): Promise<Setup> {
  const it = make();
  it.engine.format = HERMES;
  it.engine.prepare = (runner) => {
    runner.vocabulary = 300;
    runner.delay = () => Promise.resolve();
  };
  await it.client.reload(MODEL);
  return it;
}

const NAMED = ["RequestValidation", "ContextWindowSizeExceeded", "ModelNotFound", "QueueFull"];

/** Values that JSON has no words for come as they are. */
async function askEngine({ client }: Setup, path: string, body: unknown): Promise<void> {
  const request: ChatCompletionRequest & CompletionRequest & EmbeddingRequest = Reflect.get(Object({ body }), "body");
  if (path === "embeddings") return void await client.embeddings.create(request);
  const answer = await (path === "completions" ? client.completions.create(request) : client.chat.completions.create(request));
  if (Symbol.asyncIterator in answer) for await (const _ of answer);
}

/** As JSON has it; undefined where that has no word for it, so that nobody can send it. */
function sent(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

interface Failure {
  readonly message: string;
  readonly param: string | null;
}

/** What refuses a request, by name; undefined where it is answered. */
async function refusal(it: Setup, serve: typeof fetch, { path, body }: Asked, isSent: boolean): Promise<Failure | undefined> {
  if (isSent) {
    const response = await serve(`https://a.example/v1/${path}`, { method: "POST", body: sent(body) ?? "" });
    const answer = await response.text();
    assert.ok(!/"error":\{"|event: error/.test(answer) || response.status >= 400, `it failed in the middle: ${answer.slice(-300)}`);
    if (response.status === 200) return undefined;
    const { error }: { error: Failure } = JSON.parse(answer);
    assert.ok(response.status >= 400 && response.status < 500 && error.message !== "", answer);
    return error;
  }
  try {
    await askEngine(it, path, body);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof MLCEngineError && NAMED.includes(error.code), inspect(error));
    return error;
  }
}

const HELLO = { messages: [{ role: "user", content: "hello" }], temperature: 0, max_tokens: 9 } as const;

for (const [place, make] of Object.entries(PLACES)) {
  test(`${place}: five hundred random requests each get an answer or a named error`, async (context) => {
    const it = await open(make);
    const serve = createFetch(it.client);
    const before = (await it.client.chatCompletion(HELLO)).choices;
    const seed = Number(process.env["SEED"] ?? place.length);
    context.diagnostic(`SEED=${seed}`);
    const random = randomFrom(seed);
    const counts = { answers: 0, refusals: 0 };
    for (let i = 0; i < 500; i++) {
      const asked = randomRequest(random);
      const isSent = asked.path === "responses" || i % 2 === 0;
      if (isSent && sent(asked.body) === undefined) continue;
      const shown = `seed ${seed}, request ${i}, ${asked.path}: ${inspect(asked.body, { depth: 6, maxStringLength: 80, maxArrayLength: 6 })}`;
      const failure = await soon(refusal(it, serve, asked, isSent), shown).catch((error: unknown) => assert.fail(`${shown}: ${inspect(error)}`));
      // What JSON leaves out, or makes null, is absent there.
      if (asked.wrong.length > 0 && !isSent) assert.ok(failure !== undefined, `${shown}, of which ${asked.wrong.join()} does not fit, was answered`);
      counts[failure === undefined ? "answers" : "refusals"]++;
    }
    assert.ok(counts.answers > 80 && counts.refusals > 150, inspect(counts));
    assert.deepEqual((await soon(it.client.chatCompletion(HELLO))).choices, before);
  });
}

test("every field refuses by its name what is of another type, out of its range, too long, or spoilt within", async () => {
  const it = await open(Object.values(PLACES)[0] ?? assert.fail());
  const serve = createFetch(it.client);
  for (const [path, { fields, needed }] of Object.entries(ENDPOINTS)) {
    const base = Object.fromEntries(needed.map((key) => { const spec = fields[key]; return [key, spec && valid(spec, () => 0)]; }));
    for (const [key, spec] of Object.entries(fields)) {
      for (const value of wrong(spec)) {
        const isSent = path === "responses";
        if (isSent && JSON.stringify(JSON.parse(sent({ value }) ?? "{}")) !== sent({ value })) continue;
        if (isSent && inspect(JSON.parse(sent({ value }) ?? "{}")) !== inspect({ value })) continue; // NaN becomes null there
        const shown = `${path}, ${key}: ${inspect(value, { depth: 4, maxStringLength: 60, maxArrayLength: 4 })}`;
        const failure = await soon(refusal(it, serve, { path, body: { ...base, [key]: value }, wrong: [key] }, isSent), shown)
          .catch((error: unknown) => assert.fail(`${shown}: ${inspect(error)}`));
        assert.ok(failure !== undefined, `${shown} was answered`);
        assert.ok(failure.param?.startsWith(key), `${shown} is said to be wrong in ${failure.param}: ${failure.message}`);
      }
    }
  }
  assert.equal((await it.client.chatCompletion(HELLO)).choices.length, 1);
});
