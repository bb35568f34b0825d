/** Hosts that outlive what holds the models: whatever is lost and wherever, whoever reads an answer notices nothing. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostListener, LoadCall } from "../src/api/host.ts";
import type { AnswerEvent, AnswerRequest } from "../src/engine/answer.ts";
import { PICTURE, isSendable } from "../src/media/source.ts";
import { AbortError, DeviceLostError, ProtocolError, RequestValidationError } from "../src/support/errors.ts";
import { RemoteHost } from "../src/transport/remote_host.ts";
import { RevivingHost, type Connect } from "../src/transport/reviving_host.ts";
import { CONFIG, FakeEngine, Loopback, MODEL, fakeTokenizer, soon } from "./fakes/engine.ts";
import { HERMES, THINK } from "./fakes/formats.ts";

const NOBODY: HostListener = { progress: () => undefined, deviceLost: () => undefined };
const LOAD: LoadCall = { choices: [{ modelId: MODEL, source: { manifest: "https://models.example/toy.json" } }], keepsOthers: false };
const END = 1;
const SAID = `<think>\nHm, 東京 now\n</think>\n\nWell, 🙂 yes.\n<tool_call>\n{"name": "look", "arguments": {"at": "x"}}\n</tool_call>\n<tool_call>\n{"name": "find", "arguments": {}}\n</tool_call>`;
const REQUEST: AnswerRequest = {
  prompt: { kind: "chat", conversation: {
    messages: [{ role: "user", content: "hi" }], tools: ["look", "find"].map((name) => ({ type: "function", function: { name, parameters: { type: "object", properties: {} } } })),
  } },
  sampling: { temperature: 0 }, stop: [],
};

/** An engine whose model says this, wherever in it an answer begins. */
class Saying extends FakeEngine {
  override tokenizer = fakeTokenizer({ chat_template: "{% for m in messages %}{{ m.content }}{% endfor %}{% if tools %}[{{ tools | length }}]{% endif %}<a>" });
  override format = { ...HERMES, thinking: THINK.thinking };
  override eosTokenIds = new Set([END]);
  override rowCounts = [1];

  constructor(said: string, prompt: AnswerRequest["prompt"]) {
    super(CONFIG);
    const ids = [...this.tokenizer.encode(said), END];
    this.prepare = (runner) => {
      const begin = prompt.kind === "chat" ? this.tokenizer.encode(this.tokenizer.render(prompt.conversation)).length : 0;
      runner.script = (tokens) => ids[tokens.length - begin] ?? END;
    };
  }
}

/** A worker that is gone, without a word, behind so many messages of events. */
class Dying extends Loopback {
  left: number;

  constructor(engine: FakeEngine, left: number, readonly die: () => void) {
    super(engine);
    this.left = left;
  }

  override deliver(data: { readonly kind?: unknown }): void {
    if (data.kind === "events" && --this.left < 0) {
      if (!this.isTerminated) setTimeout(this.die, 0);
      this.terminate();
    } else super.deliver(data);
  }
}

/** How a host reaches engines, each of which dies behind so many messages; the last lives. */
function dyingAfter(lives: readonly number[], engines: FakeEngine[] = [], make = (): FakeEngine => new Saying(SAID, REQUEST.prompt)): Connect {
  return async (listener, lose, gone) => {
    const engine = make();
    engines.push(engine);
    return RemoteHost.until(gone, new Dying(engine, lives[engines.length - 1] ?? Infinity, () => lose()), listener, lose);
  };
}

/** What events come to, however they are cut: texts joined, ids of calls left out. */
function sumOf(events: readonly AnswerEvent[]): unknown[] {
  const sum: unknown[][] = [];
  for (const event of events) {
    const last = sum.at(-1);
    if (event.type === "token") continue;
    if (event.type === "end") sum.push([event.type, event.finishReason, event.tokens.completion, event.tokens.reasoning]);
    else if (event.type === "toolCall") sum.push([event.type, event.index, event.name]);
    else if (last !== undefined && last[0] === event.type) last[1] = String(last[1]) + event.text;
    else sum.push([event.type, event.text]);
  }
  return sum;
}

async function followed(host: RevivingHost, request = REQUEST): Promise<AnswerEvent[]> {
  const { events } = await soon(host.begin({ request, model: undefined }));
  const all: AnswerEvent[] = [];
  await soon((async () => { for await (const event of events) all.push(event); })());
  return all;
}

test("wherever it is lost, an answer is told once: thoughts, text, calls and counts", async () => {
  const whole = new RevivingHost(NOBODY, dyingAfter([]));
  await soon(whole.load(LOAD));
  const expected = sumOf(await followed(whole));
  assert.deepEqual(expected.map((one) => (Array.isArray(one) ? one[0] : "")), ["reasoning", "text", "toolCall", "toolArguments", "toolCall", "toolArguments", "end"]);
  const ids = new Set<string>();
  for (const at of [0, 1, 2, 3, 5, 8, 13, 21, 34]) {
    const engines: FakeEngine[] = [];
    const host = new RevivingHost(NOBODY, dyingAfter([at, at % 5], engines));
    await soon(host.load(LOAD));
    const events = await followed(host);
    assert.deepEqual(sumOf(events), expected, String(at));
    for (const event of events) if (event.type === "toolCall") ids.add(event.id);
    if (at === 0) assert.ok(engines.length > 2);
  }
  assert.equal(ids.size, 18);
});

test("what is drawn at random goes on as it would have, also without a seed of its own", async () => {
  const request: AnswerRequest = { prompt: { kind: "text", text: "Once" }, sampling: { temperature: 1, topLogprobs: 2 }, stop: [], maxTokens: 30 };
  const random = crypto.getRandomValues.bind(crypto);
  crypto.getRandomValues = (array) => { if (array instanceof Uint32Array) array.fill(7); return array; };
  const tell = async (lives: readonly number[]): Promise<unknown[]> => {
    const host = new RevivingHost(NOBODY, dyingAfter(lives, [], () => new FakeEngine(CONFIG)));
    await soon(host.load(LOAD));
    return (await followed(host, request)).filter(({ type }) => type === "token");
  };
  const whole = await tell([]);
  assert.equal(whole.length, 30);
  for (const lives of [[1], [4, 2], [11]]) assert.deepEqual(await tell(lives), whole);
  crypto.getRandomValues = random;
});

test("a prompt that is told is told once", async () => {
  const request: AnswerRequest = {
    prompt: { kind: "text", text: "Once upon a time there was" }, sampling: { temperature: 0, topLogprobs: 1 }, stop: [], maxTokens: 9, recites: true };
  const tell = async (lives: readonly number[]): Promise<AnswerEvent[]> => {
    const host = new RevivingHost(NOBODY, dyingAfter(lives, [], () => new FakeEngine(CONFIG)));
    await soon(host.load(LOAD));
    return (await followed(host, request)).filter(({ type }) => type === "token");
  };
  const whole = await tell([]);
  for (const at of [1, 2, 5, 9]) assert.deepEqual(await tell([at]), whole, String(at));
});

test("each time that a request is sent it has pictures of its own, and none is left", async (t) => {
  const open = new Set<object>();
  class Bitmap {
    constructor() { open.add(this); }
    close(): void { open.delete(this); }
  }
  for (const [name, value] of Object.entries({ ImageBitmap: Bitmap, createImageBitmap: async (from: object) => {
    if (!open.has(from)) throw new Error("it is closed");
    return new Bitmap();
  } })) {
    const before: unknown = Reflect.get(globalThis, name);
    Reflect.set(globalThis, name, value);
    t.after(() => void Reflect.set(globalThis, name, before));
  }
  const sent: Transferable[] = [];
  const host = new RevivingHost(NOBODY, async (listener, lose, gone) => {
    const worker = Object.assign(new EventTarget(), { postMessage: (_: unknown, handed: readonly Transferable[] = []) => {
      for (const one of handed) open.delete(one);
      sent.push(...handed);
      if (handed.length > 0) setTimeout(lose, 0);
    } });
    return RemoteHost.until(gone, worker, listener, lose);
  });
  const ask = (): AnswerRequest => {
    const data: unknown = Reflect.construct(ImageBitmap, []);
    assert.ok(isSendable(data));
    return { ...REQUEST, prompt: { kind: "chat", conversation: { messages: [{ role: "user", content: PICTURE, pictures: [{ data, path: "messages[0].content[0]" }] }] } } };
  };
  await assert.rejects(soon(host.begin({ request: ask(), model: undefined })), DeviceLostError);
  await assert.rejects(soon(host.encodePrompt(ask().prompt, undefined)), DeviceLostError);
  assert.equal(new Set(sent).size, 6, "three times each");
  assert.equal(open.size, 0);
});

test("what is lost again and again is given up, and what is refused is not asked again", async () => {
  let connections = 0;
  const silent: Connect = async (listener, lose, gone) => {
    connections++;
    const worker = Object.assign(new EventTarget(), { postMessage: () => { setTimeout(lose, 0); } });
    return RemoteHost.until(gone, worker, listener, lose);
  };
  const host = new RevivingHost(NOBODY, silent);
  await assert.rejects(soon(host.load(LOAD)), DeviceLostError);
  assert.equal(connections, 3);
  const engines: FakeEngine[] = [];
  const living = new RevivingHost(NOBODY, dyingAfter([], engines));
  await soon(living.load(LOAD));
  await assert.rejects(soon(living.begin({ request: { ...REQUEST, prompt: { kind: "tokens", tokens: [] } }, model: undefined })), RequestValidationError);
  assert.equal(engines.length, 1);
  let fails = 0;
  const broken = new RevivingHost(NOBODY, async (listener, lose, gone) => {
    const worker = new EventTarget();
    const postMessage = (): void => { setTimeout(() => { fails++; worker.dispatchEvent(Object.assign(new Event("error"), { message: "no script" })); }, 0); };
    return RemoteHost.until(gone, Object.assign(worker, { postMessage }), listener, lose);
  });
  await assert.rejects(soon(broken.load(LOAD)), (error) => error instanceof ProtocolError && /no script/.test(error.message));
  await assert.rejects(soon(broken.load(LOAD)), ProtocolError);
  assert.equal(fails, 2);
});

test("who leaves while it is lost, or ends the host, is not answered", async () => {
  const engines: FakeEngine[] = [];
  let hang = false;
  const connect = dyingAfter([3], engines);
  const host = new RevivingHost(NOBODY, async (...call) => (hang ? new Promise(() => undefined) : connect(...call)));
  await soon(host.load(LOAD));
  const controller = new AbortController();
  const { events } = await soon(host.begin({ request: REQUEST, model: undefined }, controller.signal));
  events.abortWith(controller.signal, "stopped");
  hang = true;
  await soon(events.next());
  setTimeout(() => controller.abort(), 30);
  await assert.rejects(soon((async () => { for await (const _ of events); })()), AbortError);
  const waiting = assert.rejects(soon(host.begin({ request: REQUEST, model: undefined })), AbortError);
  host.terminate();
  await waiting;
  await assert.rejects(soon(host.load(LOAD)), AbortError);
});

test("a way that is found when nobody wants it any more is given up", async () => {
  let find = (): void => undefined;
  const found = new Promise<void>((resolve) => { find = resolve; });
  const worker = new Loopback(new FakeEngine(CONFIG));
  const host = new RevivingHost(NOBODY, async (listener, lose, gone) => {
    await found;
    return RemoteHost.until(gone, worker, listener, lose);
  });
  const loading = assert.rejects(soon(host.load(LOAD)), AbortError);
  host.terminate();
  find();
  await loading;
  await new Promise((resolve) => { setTimeout(resolve, 1); });
  assert.deepEqual([worker.isTerminated, worker.sent], [true, []]);
});

test("a model that may not be loaded again is not, and says so", async () => {
  const engines: FakeEngine[] = [];
  const host = new RevivingHost(NOBODY, dyingAfter([2], engines), async () => false);
  await soon(host.load(LOAD));
  await assert.rejects(followed(host), (error) => error instanceof DeviceLostError && /not stored/.test(error.message));
  assert.deepEqual([engines.length, engines[1]?.loaded.length], [2, 0]);
});
