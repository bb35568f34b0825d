/** One engine for all tabs: who leads, who speaks to it, and what happens when either ends. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { HostListener, LoadCall, ModelHost } from "../src/api/host.ts";
import type { AnswerRequest } from "../src/engine/answer.ts";
import { DeviceLostError } from "../src/support/errors.ts";
import { openShared } from "../src/shared/group.ts";
import { soon } from "./fakes/engine.ts";
import { FakeLocks } from "./fakes/locks.ts";
import { Models } from "./fakes/service_worker.ts";
import { turns } from "./fakes/turns.ts";

const LOAD: LoadCall = { choices: [{ modelId: "toy", source: { manifest: "https://models.example/toy/manifest.json" } }], keepsOthers: false };
const request = (maxTokens: number, seed = 3): AnswerRequest => (
  { prompt: { kind: "text", text: `Once ${seed}` }, sampling: { temperature: 1, seed }, stop: [], maxTokens });

mock.timers.enable({ apis: ["setInterval"] });

/** A channel that can end without a word. */
class Channel extends BroadcastChannel {
  isAwake = true;

  override postMessage(message: unknown): void {
    if (this.isAwake) super.postMessage(message);
  }
}

/** The tabs of a site, each with a worker. */
class Tabs {
  readonly models = new Models();
  readonly #locks = new FakeLocks();
  readonly #channels = new Map<string, Channel[]>();
  isStored = true;
  lost: string[] = [];

  open(tab: string, key = "key"): ModelHost {
    const channels: Channel[] = [];
    this.#channels.set(tab, channels);
    const channel = (name: string): Channel => {
      const made = new Channel(name);
      if (this.#channels.get(tab) === channels) channels.push(made);
      else made.isAwake = false;
      return made;
    };
    const listener = { progress: () => undefined, deviceLost: () => { this.lost.push(tab); } };
    return openShared(key, listener, { locks: this.#locks.of(tab), channel, isStored: async () => this.isStored });
  }

  /** Opens one that has loaded the model. */
  async loaded(tab: string, key = "key"): Promise<ModelHost> {
    const host = this.open(tab, key);
    await soon(host.load(LOAD));
    return host;
  }

  /** The browser puts it to sleep: it says nothing, and keeps its locks. */
  sleep(tab: string): void {
    for (const channel of this.#channels.get(tab) ?? []) channel.isAwake = false;
  }

  wake(tab: string): void {
    for (const channel of this.#channels.get(tab) ?? []) channel.isAwake = true;
  }

  /** It is closed. */
  close(tab: string): void {
    this.sleep(tab);
    for (const channel of this.#channels.get(tab) ?? []) channel.close();
    this.#channels.delete(tab);
    this.#locks.kill(tab);
  }

  closeAll(): void {
    for (const tab of [...this.#channels.keys()]) this.close(tab);
  }
}

/** The answer's text. onText: hears of it as it comes. */
async function textOf(host: ModelHost, asked: AnswerRequest, onText: (text: string) => void = () => undefined): Promise<string> {
  const { events } = await host.begin({ request: asked, model: undefined });
  let text = "";
  for await (const event of events) {
    if (event.type !== "text") continue;
    text += event.text;
    onText(text);
  }
  return text;
}

/** Calls `work` once, when some of a text is there. */
function once(work: () => void): (text: string) => void {
  let isDone = false;
  return (text) => {
    if (isDone || text.length < 4) return;
    isDone = true;
    work();
  };
}

function check(name: string, work: (tabs: Tabs) => Promise<void>): void {
  test(name, async () => {
    const tabs = new Tabs();
    try {
      await work(tabs);
    } finally {
      tabs.closeAll();
    }
  });
}

check("tabs share the model that the first has loaded, also while it loads; one that wants it otherwise has its own", async (tabs) => {
  const [first, second] = [tabs.open("1"), tabs.open("2")];
  await soon(Promise.all([first.load(LOAD), second.load(LOAD)]));
  const third = await tabs.loaded("3");
  assert.equal(tabs.models.loaded.length, 1);
  const texts = await soon(Promise.all([first, second, third].map((host, i) => textOf(host, request(30, i % 2)))));
  assert.equal(texts[0], texts[2]);
  assert.notEqual(texts[0], texts[1]);
  await tabs.loaded("4", "another build, context or device");
  assert.equal(tabs.models.loaded.length, 2);
});

check("the leader's tab is closed in the middle of others' answers, which go on", async (tabs) => {
  const [, second, third] = [await tabs.loaded("1"), await tabs.loaded("2"), await tabs.loaded("3")];
  const whole = await soon(Promise.all([textOf(second, request(120)), textOf(third, request(100, 8))]));
  const close = once(() => tabs.close("1"));
  assert.deepEqual(await soon(Promise.all([textOf(second, request(120), close), textOf(third, request(100, 8))])), whole);
  assert.equal(tabs.models.loaded.length, 2, "one of them has loaded it for both");
  const again = once(() => tabs.close("2"));
  assert.equal(await soon(textOf(third, request(100, 8), again)), whole[1]);
  assert.equal(await soon(textOf(third, request(120))), whole[0]);
});

check("a tab is closed in the middle of its own answer, which ends; the others' go on", async (tabs) => {
  let steps = 0;
  tabs.models.prepare = (runner) => {
    const wait = runner.delay;
    runner.delay = () => { steps++; return wait(); };
  };
  const [first, second] = [await tabs.loaded("1"), await tabs.loaded("2")];
  const whole = await soon(textOf(first, request(60)));
  void textOf(second, request(240, 5), once(() => tabs.close("2")));
  assert.equal(await soon(textOf(first, request(60))), whole);
  await turns(50);
  const before = steps;
  await turns(50);
  assert.equal(steps, before, "nobody waits for it any more");
  assert.equal(await soon(textOf(first, request(60))), whole);
});

check("a leader that sleeps is replaced, and hears of it when it wakes", async (tabs) => {
  const [first, second] = [await tabs.loaded("1"), await tabs.loaded("2")];
  const whole = await soon(textOf(second, request(40)));
  const third = await tabs.loaded("3");
  tabs.sleep("1");
  let others = 0;
  const chance = mock.method(Math, "random", () => others++ % 2); // they wait 0 and MOST_DELAY_MS: by chance both might stand at once
  const asked = textOf(second, request(40));
  for (let ticks = 0; ticks < 6; ticks++) {
    await turns(10);
    mock.timers.tick(5000);
  }
  assert.equal(await soon(asked), whole);
  chance.mock.restore();
  tabs.wake("1");
  assert.deepEqual(await soon(Promise.all([textOf(first, request(40)), textOf(third, request(40))])), [whole, whole]);
  assert.deepEqual([tabs.models.loaded.length, tabs.models.alive], [2, 1]);
});

check("a model that was deleted is not downloaded again because the leader's tab is closed", async (tabs) => {
  const [, second] = [await tabs.loaded("1"), await tabs.loaded("2")];
  tabs.isStored = false;
  tabs.close("1");
  await assert.rejects(soon(textOf(second, request(5))), DeviceLostError);
  await soon(second.load(LOAD));
  assert.ok(await soon(textOf(second, request(5))));
});

check("a GPU that was lost is told to all, and whoever loads the model again loads it for all", async (tabs) => {
  const [first, second] = [await tabs.loaded("1"), await tabs.loaded("2")];
  const text = await soon(textOf(first, request(9)));
  tabs.models.loaded[0]?.listener.lost(new DeviceLostError("gone"));
  await soon(second.load(LOAD));
  assert.deepEqual([tabs.lost.sort(), tabs.models.loaded.length, await soon(textOf(first, request(9)))], [["1", "2"], 2, text]);
});

test("without locks each tab has its own", async () => {
  const models = new Models();
  const listener: HostListener = { progress: () => undefined, deviceLost: () => undefined };
  const hosts = [openShared("key", listener, undefined), openShared("key", listener, undefined)];
  await soon(Promise.all(hosts.map((host) => host.load(LOAD))));
  assert.equal(models.loaded.length, 2);
});
