import assert from "node:assert/strict";
import { test } from "node:test";
import { createFetch } from "../src/api/openai/fetch.ts";
import { DeviceLostError } from "../src/support/errors.ts";
import { MODEL, PLACES, fakeTokenizer, soon, type Setup } from "./fakes/engine.ts";

const MESSAGES = [{ role: "user", content: "hi" }];
const SHORT = { messages: MESSAGES, temperature: 0, max_tokens: 5 };

async function loaded(make: () => Setup, prepare: (it: Setup) => void = () => undefined): Promise<Setup> {
  const it = make();
  prepare(it);
  await it.client.reload(MODEL);
  return it;
}

function asker({ client }: Setup): (body: unknown, path?: string, signal?: AbortSignal) => Promise<Response> {
  const serve = createFetch(client);
  return (body, path = "chat/completions", signal) =>
    serve(`https://api.example/v1/${path}`, { method: "POST", body: JSON.stringify(body), ...(signal !== undefined && { signal }) });
}

interface Failure {
  readonly status: number;
  readonly retry: string | null;
  readonly code: unknown;
  readonly param: unknown;
}

async function failure(response: Response): Promise<Failure> {
  const body: { error: { code: unknown; param: unknown; message: unknown; type: unknown } } = await response.json();
  assert.equal(typeof body.error.message, "string");
  return { status: response.status, retry: response.headers.get("x-should-retry"), code: body.error.code, param: body.error.param };
}

for (const [place, make] of Object.entries(PLACES)) {
  test(`${place}: answers come as JSON and as server-sent events, chats and texts`, async () => {
    const ask = asker(await loaded(make));
    const whole: { object: string } = await (await ask(SHORT)).json();
    assert.equal(whole.object, "chat.completion");
    const streamed = await ask({ ...SHORT, stream: true });
    assert.equal(streamed.headers.get("content-type"), "text/event-stream");
    const events = (await streamed.text()).trim().split("\n\n");
    assert.equal(events.at(-1), "data: [DONE]");
    assert.match(events[0] ?? "", /^data: \{"id":"chatcmpl-.*"role":"assistant"/);
    assert.match(events.at(-2) ?? "", /"finish_reason":"length"/);
    const text: { object: string } = await (await ask({ prompt: "Once", max_tokens: 2 }, "completions")).json();
    assert.equal(text.object, "text_completion");
    assert.match(await (await ask({ prompt: "Once", max_tokens: 2, stream: true }, "completions")).text(), /text_completion.*\[DONE\]/s);
  });

  test(`${place}: what fails has a status, OpenAI's code and field, streamed or not, and is not tried again`, async () => {
    const it = await loaded(make);
    const ask = asker(it);
    const long = [{ role: "user", content: "x 1 y 2 ".repeat(200) }];
    for (const stream of [false, true]) {
      const fail = async (body: object): Promise<Failure> => failure(await soon(ask({ ...body, stream })));
      assert.deepEqual(await fail({ messages: long }), { status: 400, retry: "false", code: "context_length_exceeded", param: null });
      assert.deepEqual(await fail({ ...SHORT, model: "gpt-4" }), { status: 404, retry: "false", code: "model_not_found", param: "model" });
      assert.deepEqual(await fail({ ...SHORT, temperature: 3 }), { status: 400, retry: "false", code: "RequestValidation", param: "temperature" });
    }
    await it.client.unload();
    assert.deepEqual(await failure(await ask({ ...SHORT, stream: true })), { status: 409, retry: "false", code: "ModelNotLoaded", param: null });
    assert.equal((await failure(await ask({}, "embeddings"))).status, 404);
    const serve = createFetch(it.client);
    assert.equal((await serve("https://api.example/v1/chat/completions")).status, 404);
    assert.equal((await serve("https://api.example/v1/chat/completions", { method: "POST", body: "{" })).status, 400);
    it.engine.tokenizer = fakeTokenizer({ chat_template: null });
    await it.client.reload(MODEL);
    assert.equal((await failure(await ask(SHORT))).status, 400);
  });

  test(`${place}: a failure before the first token is a status, one after it an event`, async () => {
    for (const [failingStep, isStatus] of [[0, true], [7, false]] as const) {
      const it = await loaded(make, ({ engine }) => {
        engine.prepare = (runner) => {
          let steps = 0;
          const wait = runner.delay;
          runner.delay = () => (steps++ === failingStep ? Promise.reject(new DeviceLostError("lost")) : wait());
        };
      });
      const response = await asker(it)({ ...SHORT, max_tokens: 20, stream: true });
      assert.equal(response.status, isStatus ? 500 : 200);
      if (isStatus) assert.equal((await failure(response)).code, "DeviceLost");
      else assert.match(await response.text(), /"content":.*data: \{"error":\{"message":"lost","type":"server_error","param":null,"code":"DeviceLost"\}\}\n\n$/s);
    }
  });

  test(`${place}: a body that is cancelled, and a signal, end the generation`, async () => {
    const it = await loaded(make);
    const ask = asker(it);
    const body = (await ask({ ...SHORT, max_tokens: 200, stream: true })).body;
    await body?.cancel();
    const controller = new AbortController();
    const waiting = ask({ ...SHORT, max_tokens: 200 }, undefined, controller.signal);
    controller.abort(new DOMException("late", "TimeoutError"));
    await assert.rejects(waiting, { name: "TimeoutError" });
    const late = new AbortController();
    const cut = await ask({ ...SHORT, max_tokens: 200, stream: true }, undefined, late.signal);
    late.abort(new DOMException("late", "TimeoutError"));
    await assert.rejects(soon(cut.text()), { name: "TimeoutError" });
    const before = it.engine.loaded[0]?.runner.calls.length ?? 0;
    assert.ok(before < 100, String(before));
    assert.equal((await soon(ask(SHORT))).status, 200);
  });
}
