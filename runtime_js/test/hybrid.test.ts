// A model on the device and one behind a server as one engine.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { after, before, beforeEach, test, type TestContext } from "node:test";
import type { ChatCompletionChunk, ContentPart } from "../src/api/openai/types.ts";
import { ContextWindowSizeExceededError, DeviceLostError, RemoteError, RequestValidationError } from "../src/support/errors.ts";
import { createHybrid } from "../src/hybrid/index.ts";
import type { Answered, HybridOptions, HybridPolicy, LocalEngine, RemoteModel, Where } from "../src/hybrid/index.ts";
import { createFetch } from "../src/api/openai/fetch.ts";
import { wavOf } from "../src/media/sound/wav.ts";
import { setLogLevel } from "../src/support/log.ts";
import { FakeEngine, CONFIG, MODEL, soon } from "./fakes/engine.ts";
import { turns } from "./fakes/turns.ts";

const MESSAGES = [{ role: "user", content: "hi" }] as const;
const REQUEST = { messages: MESSAGES, max_tokens: 8, temperature: 0 } as const;

setLogLevel("ERROR");

let server: Server;
let address = "";
/** Bodies of the requests that left. */
let left: { messages: { role: string; content: string }[]; model: string; logit_bias?: object }[] = [];
let answer: (response: ServerResponse) => void = words;

function event(delta: object, finish_reason: string | null = null): string {
  return `data: ${JSON.stringify({ id: "1", model: "far", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
}

function words(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(": a comment\r\n\r\n" + event({ role: "assistant", content: "from " }) + event({ content: "afar" }));
  response.end(event({}, "stop") + 'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}\n\ndata: [DONE]\n\n');
}

before(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => { body += part.toString(); });
    request.on("end", () => {
      left.push(JSON.parse(body));
      answer(response);
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const place = server.address();
  if (typeof place === "object" && place !== null) address = `http://127.0.0.1:${place.port}/v1/`;
});
after(() => server.close());
beforeEach(() => { [left, answer] = [[], words]; });

function remote(): RemoteModel {
  return { baseURL: address, model: "far", apiKey: "secret" };
}

test("pictures that only this program has leave as data URLs, and addresses as whole ones", async () => {
  const engine = createHybrid({ local: await device(), remote: remote() });
  const png = new Blob([Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)]);
  const shown = (url: string | Blob | { width: number; height: number; data: Uint8Array<ArrayBuffer> }) => ({ type: "image_url", image_url: { url, detail: "low" } });
  const blob = URL.createObjectURL(png);
  const urls = [png, new Blob(["x"], { type: "image/webp" }), blob, "https://pictures.example/a.png", "data:image/png;base64,eA=="];
  await engine.create({ messages: [{ role: "user", content: [{ type: "text", text: "?" }, ...urls.map(shown)] }] }, { where: "remote" });
  URL.revokeObjectURL(blob);
  const encoded = "data:image/png;base64,iVBORw0KGgo=";
  assert.deepEqual(left[0]?.messages[0]?.content, [
    { type: "text", text: "?" },
    ...[encoded, "data:image/webp;base64,eA==", encoded, "https://pictures.example/a.png", "data:image/png;base64,eA=="].map((url) => ({ type: "image_url", image_url: { url, detail: "low" } })),
  ]);
  const pixels = shown({ width: 1, height: 1, data: Uint8Array.of(1, 2, 3) });
  // Nothing here makes a file of pixels. The device gets them then, whose model reads text alone.
  await assert.rejects(engine.create({ messages: [{ role: "user", content: [pixels] }] }, { where: "remote" }), /messages\[0\]\.content/);
  assert.equal(left.length, 1);
});

test("sounds leave as base64 of what servers read, and private ones stay at home", async () => {
  const engine = createHybrid({ local: await device(), remote: remote() });
  const heard = (input_audio: ContentPart["input_audio"]): ContentPart => ({ type: "input_audio", input_audio });
  const file = wavOf({ values: Float32Array.of(0.5, -0.5), rate: 8000 }, 32);
  const wav = Buffer.from(await file.arrayBuffer()).toString("base64");
  const sounds: ContentPart["input_audio"][] = [
    { data: file }, { data: Float32Array.of(0.5, -0.5), sample_rate: 8000 }, { data: new Blob(["x"], { type: "audio/mpeg" }) }, { data: `data:audio/wav;base64,${wav}` }, { data: "eA==", format: "mp3" },
  ];
  const messages = [{ role: "user" as const, content: sounds.map(heard) }];
  await engine.create({ messages }, { where: "remote" });
  const sent = [[wav, "wav"], [wav, "wav"], ["eA==", "mp3"], [wav, "wav"], ["eA==", "mp3"]].map(([data, format]) => ({ type: "input_audio", input_audio: { data, format } }));
  assert.deepEqual(left[0]?.messages[0]?.content, sent);
  await assert.rejects(engine.create({ messages }, { private: true }), /does not hear/);
  // Nothing here makes WAV of it, so that the device gets it.
  await assert.rejects(engine.create({ messages: [{ role: "user", content: [heard({ data: new Blob(["OggS"]) })] }] }, { where: "remote" }), /does not hear/);
  assert.equal(left.length, 1);
});

async function device(): Promise<FakeEngine> {
  const engine = new FakeEngine(CONFIG);
  await engine.reload(MODEL);
  return engine;
}

function failing(error: Error, asked: unknown[] = []): LocalEngine {
  return { chat: { completions: { create: async (request: unknown) => { asked.push(request); throw error; } } } };
}

/** onText: called once some of it is there. */
async function collect(stream: AsyncIterable<ChatCompletionChunk & Answered>, onText?: () => void): Promise<{ text: string; by: string[]; pieces: number }> {
  let [text, by, pieces] = ["", [""], 0];
  for await (const piece of stream) {
    text += piece.choices[0]?.delta.content ?? "";
    if (text !== "") onText?.();
    by = piece.answered_by;
    pieces++;
  }
  return { text, by, pieces };
}

/** The time of timers of so many milliseconds, which passes as it is told; of others it is the machine's. */
function clockOf(context: TestContext, milliseconds: number): { waits(): Promise<void>; pass(milliseconds: number): void } {
  const { setTimeout: start, clearTimeout: stop } = globalThis;
  const open = new Map<unknown, { readonly due: number; readonly work: () => void }>();
  let [now, made, seen] = [0, 0, 0];
  context.mock.method(globalThis, "setTimeout", (work: () => void, delay: number): unknown => {
    if (delay !== milliseconds) return start(work, delay);
    open.set(++made, { due: now + delay, work });
    return made;
  });
  context.mock.method(globalThis, "clearTimeout", (timer: NodeJS.Timeout | undefined) => { if (!open.delete(timer)) stop(timer); });
  return {
    /** Until there is another timer than when it was last waited for. */
    async waits() {
      while (made === seen || open.size === 0) await turns(1);
      seen = made;
    },
    pass(elapsed) {
      now += elapsed;
      for (const [timer, { due, work }] of open) if (due <= now && open.delete(timer)) work();
    },
  };
}

const ask = async (local: LocalEngine | Promise<LocalEngine>, policy?: HybridPolicy, options?: HybridOptions) => {
  const { choices: [choice], answered_by, usage } = await createHybrid({ local, remote: remote(), policy }).chat.completions.create(REQUEST, options);
  return { text: choice?.message.content, by: answered_by, usage };
};

test("the device answers where it can, and nothing leaves", async () => {
  const local = await device();
  const { text, by } = await ask(local);
  assert.deepEqual([text, by, left.length], [(await local.chat.completions.create(REQUEST)).choices[0]?.message.content, ["device"], 0]);
  const { signal } = new AbortController();
  await ask(local, {}, { signal });
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("while the model loads, and where there is none, the remote model answers", async () => {
  const { text, by, usage } = await ask(new Promise(() => undefined));
  assert.deepEqual([text, by, usage.total_tokens], ["from afar", ["remote"], 5]);
  assert.deepEqual((await ask(Promise.reject(new Error("no WebGPU")), { whileLoading: "wait" })).by, ["remote"]);
  let loaded: (engine: LocalEngine) => void = () => undefined;
  const waiting = ask(new Promise((resolve) => { loaded = resolve; }), { whileLoading: "wait" });
  loaded(await device());
  assert.deepEqual((await waiting).by, ["device"]);
});

test("what is too long or too slow for the device goes to the remote model", async () => {
  assert.deepEqual((await ask(failing(new ContextWindowSizeExceededError("too long")))).by, ["remote"]);
  assert.deepEqual((await ask(failing(new DeviceLostError("gone")))).by, ["remote"]);
  const local = await device();
  for (const { runner } of local.loaded) runner.delay = () => new Promise(() => undefined);
  assert.deepEqual((await soon(ask(local, { firstTokenWithin: 20 }))).by, ["remote"]);
  await assert.rejects(ask(failing(new RequestValidationError("wrong"))), { code: "RequestValidation" });
  assert.equal(left.length, 3);
});

test("a private request never leaves", async () => {
  for (const error of [new ContextWindowSizeExceededError("too long"), new DeviceLostError("gone"), new Error("anything")]) {
    await assert.rejects(ask(failing(error), { prefer: "remote", firstTokenWithin: 1 }, { private: true, where: "remote" }), error);
  }
  await assert.rejects(ask(Promise.reject(new Error("no WebGPU")), {}, { private: true }), /no WebGPU/);
  await assert.rejects(ask(failing(new DeviceLostError("gone")), {}, { where: "device" }), { code: "DeviceLost" });
  assert.equal(left.length, 0);
});

test("somebody is asked once before the first byte leaves", async () => {
  let asked = 0;
  const hybrid = createHybrid({ local: failing(new DeviceLostError("gone")), remote: remote(), policy: { mayLeave: () => { asked++; return asked > 5; } } });
  await assert.rejects(hybrid.chat.completions.create(REQUEST), RemoteError);
  await assert.rejects(hybrid.chat.completions.create(REQUEST), { code: "Remote" });
  assert.deepEqual([asked, left.length], [1, 0]);
});

test("where a remote model fails in the middle, the device goes on behind what there is", async () => {
  let breakOff = (): unknown => undefined;
  answer = (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(event({ role: "assistant", content: "half an " }));
    breakOff = () => response.destroy();
  };
  const local = await device();
  const stream = await createHybrid({ local, remote: remote(), policy: { prefer: "remote" } }).chat.completions.create({ ...REQUEST, stream: true });
  const { text, by } = await collect(stream, () => breakOff());
  const rest = await local.chat.completions.create({ ...REQUEST, max_tokens: 7, messages: [...MESSAGES, { role: "assistant", content: "half an " }] });
  assert.deepEqual([text, by], [`half an ${rest.choices[0]?.message.content}`, ["remote", "device"]]);
});

test("errors of a server, and nonsense, are a remote model's failures", async () => {
  const bad: ((response: ServerResponse) => void)[] = [
    (response) => { response.writeHead(500); response.end("out of order"); },
    (response) => { response.writeHead(401); response.end("{}"); },
    (response) => { response.writeHead(200); response.end("<html>a portal</html>"); },
    (response) => { response.writeHead(200); response.end("data: <html>\n\n"); },
    (response) => { response.writeHead(200); response.end('data: {"choices": [{"index": -1, "delta": {"content": 5}}]}\n\n'); },
    (response) => { response.writeHead(200); response.end('data: {"error": {"message": "overloaded"}}\n\n'); },
    (response) => { response.writeHead(200); response.end('data: {"choices": []}\n\ndata: [DONE]\n\n'); },
    (response) => { response.destroy(); },
  ];
  for (answer of bad) await assert.rejects(ask(failing(new DeviceLostError("gone")), { prefer: "remote" }, {}), { code: "DeviceLost" });
  for (answer of bad) await assert.rejects(ask(failing(new DeviceLostError("gone"))), { code: "Remote" });
});

test("a server that says when to ask again is asked then, where the device does not answer before, and not until then", async () => {
  let times: number[] = [];
  /** Every second request is answered. */
  const busy = (headers: Record<string, string>, status = 429): RemoteModel => ({
    ...remote(), patience: 100_000,
    fetch: async () => (times.push(performance.now()) % 2 === 1 ? new Response("slow down", { status, headers }) : new Response(`${event({ content: "from afar" })}${event({}, "stop")}data: [DONE]\n\n`)),
  });
  const never = new Promise<LocalEngine>(() => undefined);
  const none = (): Promise<LocalEngine> => Promise.reject(new Error("no WebGPU"));
  const asks = async (local: LocalEngine | Promise<LocalEngine>, model: RemoteModel): Promise<Where[]> => {
    times = [];
    return (await createHybrid({ local, remote: model }).chat.completions.create(REQUEST)).answered_by;
  };
  for (const [local, status] of [[() => never, 503], [none, 429], [() => failing(new DeviceLostError("gone")), 429]] as const) {
    assert.deepEqual(await asks(local(), busy({ "retry-after-ms": "30" }, status)), ["remote"]);
    assert.ok(times.length === 2 && Number(times[1]) - Number(times[0]) >= 29, String(times));
  }
  for (const after of ["999", "0", "soon"]) { // beyond its patience, or no time
    await assert.rejects(asks(none(), busy({ "retry-after": after })), after);
    assert.equal(times.length, 1);
  }
  await assert.rejects(asks(none(), busy({ "retry-after-ms": "30" }, 500)));

  const local = await device();
  const both = createHybrid({ local, remote: busy({ "retry-after": "60" }), policy: { prefer: "remote" } });
  times = [];
  for (let i = 0; i < 3; i++) assert.deepEqual((await both.chat.completions.create(REQUEST)).answered_by, ["device"]);
  assert.equal(times.length, 1, "it is left alone for as long");

  let loaded: (engine: LocalEngine) => void = () => undefined;
  times = [];
  const early = createHybrid({ local: new Promise((resolve) => { loaded = resolve; }), remote: busy({ "retry-after": "60" }) }).chat.completions.create(REQUEST);
  await turns(10);
  loaded(local);
  assert.deepEqual([(await early).answered_by, times.length], [["device"], 1]);
});

test("a remote model that hangs, wherever it does, has failed after so long; one that works on something has not", async (context) => {
  const begin = (response: ServerResponse): void => { response.writeHead(200, { "content-type": "text/event-stream" }); response.flushHeaders(); };
  const hangs: ((response: ServerResponse) => void)[] = [
    () => undefined,
    begin,
    (response) => { response.writeHead(429, { "retry-after": "1" }); response.write("slow "); },
  ];
  const local = await device();
  const own = (await local.chat.completions.create(REQUEST)).choices[0]?.message.content;
  const patient = (patience: number, from: LocalEngine = local) => createHybrid({ local: from, remote: { ...remote(), patience }, policy: { prefer: "remote" } });
  for (answer of hangs) {
    const { choices: [choice], answered_by } = await soon(patient(30).chat.completions.create(REQUEST));
    assert.deepEqual([choice?.message.content, answered_by], [own, ["device"]]);
  }
  const clock = clockOf(context, 1000);
  answer = (response) => { begin(response); response.write(event({ content: "half an " })); };
  const stream = await patient(1000).chat.completions.create({ ...REQUEST, stream: true });
  const collected = collect(stream);
  await clock.waits();
  clock.pass(1000);
  const { text, by } = await soon(collected);
  assert.deepEqual([text.startsWith("half an "), text.length > 10, by], [true, true, ["remote", "device"]]);
  answer = (response) => void (async () => {
    begin(response);
    for (let left = 11; left > 0; left--) {
      await clock.waits();
      clock.pass(900);
      response.write(": it works\n\n");
    }
    response.end(event({ content: "done" }) + event({}, "stop"));
  })();
  const worked = await soon(patient(1000, failing(new DeviceLostError("gone"))).chat.completions.create(REQUEST));
  assert.equal(worked.choices[0]?.message.content, "done");
  answer = (response) => { begin(response); response.write(event({ content: "a" })); response.end(event({ content: "b" }) + event({}, "stop")); };
  const read = await patient(1000, failing(new DeviceLostError("gone"))).chat.completions.create({ ...REQUEST, stream: true });
  clock.pass(1300);
  assert.equal((await collect(read)).text, "ab", "who reads slowly is not waited for");
});

test("what is asked follows no redirect", async () => {
  let elsewhere = 0;
  const other = createServer((_, response) => { elsewhere++; words(response); });
  await new Promise<void>((resolve) => { other.listen(0, "127.0.0.1", resolve); });
  const place = other.address();
  assert.ok(typeof place === "object" && place !== null);
  for (const status of [301, 302, 307, 308]) {
    answer = (response) => { response.writeHead(status, { location: `http://127.0.0.1:${place.port}/v1/chat/completions` }); response.end(); };
    await assert.rejects(ask(failing(new DeviceLostError("gone"))), { code: "Remote" });
  }
  other.close();
  assert.equal(elsewhere, 0);
});

test("what fails behind an answer's end takes nothing from it, and nobody adds to it", async () => {
  let breakOff = (): unknown => undefined;
  const ends: ((response: ServerResponse) => void)[] = [
    (response) => response.end(),
    (response) => response.end("data: [DONE]\n"),
    (response) => response.end("data: nonsense\n\n"),
    (response) => { breakOff = () => response.destroy(); },
  ];
  const asked: unknown[] = [];
  for (const end of ends) {
    answer = (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(event({ role: "assistant", content: "all of it" }) + event({}, "stop"));
      end(response);
    };
    const hybrid = createHybrid({ local: failing(new DeviceLostError("gone"), asked), remote: remote(), policy: { prefer: "remote" } });
    const { text, by } = await collect(await hybrid.chat.completions.create({ ...REQUEST, stream: true }), () => breakOff());
    assert.deepEqual([text, by], ["all of it", ["remote"]]);
  }
  assert.equal(asked.length, 0);
});

test("half an answer of a form is gone on with by nobody: where nobody has read it, it is begun anew", async () => {
  let [isRead, breakOff] = [false, (): unknown => undefined];
  answer = (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(event({ role: "assistant", content: '{"a": ' }));
    if (isRead) breakOff = () => response.destroy();
    else setTimeout(() => response.destroy(), 10);
  };
  let asked = 0;
  const near = async (): Promise<Response> => { asked++; return new Response(event({ content: '{"a": 1}' }) + event({}, "stop")); };
  const local = createHybrid({ local: failing(new DeviceLostError("gone")), remote: { baseURL: "https://near.example", model: "near", fetch: near } });
  const request = { ...REQUEST, response_format: { type: "json_object" } } as const;
  const hybrid = createHybrid({ local, remote: remote(), policy: { prefer: "remote" } });
  const { choices: [choice], answered_by } = await hybrid.chat.completions.create(request);
  assert.deepEqual([choice?.message.content, answered_by, asked], ['{"a": 1}', ["device"], 1]);
  isRead = true;
  await assert.rejects(async () => collect(await hybrid.chat.completions.create({ ...request, stream: true }), () => breakOff()), { code: "Remote" });
});

test("an empty finish_reason is none yet", async () => {
  const piece = (content: string, finish_reason: string): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`;
  const served = (last: string): void => {
    answer = (response) => { response.writeHead(200); response.end(piece("half ", "") + last); };
  };
  served(piece("of it", "length"));
  const chunks = [];
  for await (const chunk of await createHybrid({ local: failing(new DeviceLostError("gone")), remote: remote() }).chat.completions.create({ ...REQUEST, stream: true })) chunks.push(chunk);
  assert.deepEqual(chunks.map(({ choices: [choice] }) => choice?.finish_reason), [null, "length"]);
  served("");
  await assert.rejects(ask(failing(new DeviceLostError("gone"))), { code: "Remote", message: /was cut off/ });
});

test("calls whose pieces do not say which they are of are told apart by their ids", async () => {
  const piece = (...calls: object[]): string => event({ tool_calls: calls });
  answer = (response) => {
    response.writeHead(200);
    response.write(piece({ id: "a", function: { name: "f", arguments: "{" } }) + piece({ function: { arguments: "}" } }));
    response.end(piece({ id: "b", function: { name: "g", arguments: "{}" } }, { id: "a", function: { arguments: " " } }) + event({}, "tool_calls"));
  };
  const { choices: [choice] } = await createHybrid({ local: failing(new DeviceLostError("gone")), remote: remote() }).chat.completions.create(REQUEST);
  assert.deepEqual(choice?.message.tool_calls?.map(({ id, function: { name, arguments: text } }) => [id, name, text]), [["a", "f", "{} "], ["b", "g", "{}"]]);
});

test("a server that floods is one that fails", async () => {
  answer = (response) => {
    response.writeHead(200);
    const flood = (): void => { while (response.write("data: x\n".repeat(10_000))) { /* more */ } };
    response.on("drain", flood);
    flood();
  };
  await assert.rejects(soon(ask(failing(new DeviceLostError("gone")))), { code: "Remote", message: /does not end/ });
  answer = (response) => { response.writeHead(500); const flood = (): void => { while (response.write("x".repeat(10_000))) { /* more */ } }; response.on("drain", flood); flood(); };
  await assert.rejects(soon(ask(failing(new DeviceLostError("gone")))), (error: Error) => error.message.length < 500);
});

test("logprobs of a remote model are its own", async () => {
  answer = (response) => {
    response.writeHead(200);
    const content = [{ token: "a", logprob: -0.5, bytes: [97], top_logprobs: [{ token: "b", logprob: -1 }] }];
    response.end(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "a" }, logprobs: { content }, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`);
  };
  const { choices: [choice] } = await createHybrid({ local: failing(new DeviceLostError("gone")), remote: remote() }).chat.completions.create({ ...REQUEST, logprobs: true, top_logprobs: 1 });
  assert.deepEqual(choice?.logprobs?.content, [{ token: "a", logprob: -0.5, bytes: [97], top_logprobs: [{ token: "b", logprob: -1, bytes: null }] }]);
});

test("where asking whether something may leave fails, nothing leaves, and somebody is asked again", async () => {
  let asked = 0;
  const hybrid = createHybrid({ local: failing(new DeviceLostError("gone")), remote: remote(), policy: { mayLeave: async () => {
    if (++asked === 1) throw new Error("the dialog is broken");
    return true;
  } } });
  await assert.rejects(hybrid.chat.completions.create(REQUEST), { code: "Remote" });
  assert.equal(left.length, 0);
  assert.deepEqual([(await hybrid.chat.completions.create(REQUEST)).answered_by, asked], [["remote"], 2]);
});

test("an abort ends it wherever it is, and nobody takes over", async () => {
  answer = (response) => { response.writeHead(200); response.write(event({ content: "and " })); };
  const controller = new AbortController();
  const asked: unknown[] = [];
  const hybrid = createHybrid({ local: failing(new DeviceLostError("gone"), asked), remote: remote(), policy: { prefer: "remote" } });
  const stream = await hybrid.chat.completions.create({ ...REQUEST, stream: true }, { signal: controller.signal });
  await assert.rejects(async () => { for await (const _ of stream) controller.abort(); }, { code: "Abort" });
  assert.equal(asked.length, 0);
});

test("what only this device knows stays here", async () => {
  const hybrid = createHybrid({ local: failing(new DeviceLostError("gone")), remote: remote() });
  await hybrid.chat.completions.create({ ...REQUEST, logit_bias: { 5: 1 }, top_k: 5 });
  assert.deepEqual([left[0]?.model, left[0]?.logit_bias, "top_k" in (left[0] ?? {})], ["far", undefined, false]);
});

test("another engine of this kind is a remote model too", async () => {
  const far = await device();
  const own = createFetch(far);
  const hybrid = createHybrid({
    local: new Promise(() => undefined),
    remote: { baseURL: "https://far.example/v1", model: MODEL, fetch: (url, init) => own(String(url), init) },
  });
  const { choices: [choice], answered_by } = await hybrid.chat.completions.create(REQUEST);
  assert.deepEqual([choice?.message.content, answered_by], [(await far.chat.completions.create(REQUEST)).choices[0]?.message.content, ["remote"]]);
});
