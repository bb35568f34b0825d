// The hooks in a component, under React's strict mode, which mounts everything twice.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Window } from "happy-dom";
import { FakeEngine, MODEL, CONFIG, soon } from "./fakes/engine.ts";
import { turns } from "./fakes/turns.ts";
import type { OpenOptions, UsedChat, UsedEngine } from "../src/adapters/react/index.ts";

const window = new Window({ url: "https://page.example/" });
/** React's `act` leaves them open, which would keep this process. */
const channels: MessageChannel[] = [];
class Channel extends MessageChannel {
  constructor() {
    super();
    channels.push(this);
  }
}
Object.assign(globalThis, { window, document: window.document, navigator: window.navigator, MessageChannel: Channel, IS_REACT_ACT_ENVIRONMENT: true });
const { StrictMode, act, createElement } = await import("react");
const { createRoot } = await import("react-dom/client");
const { renderToString } = await import("react-dom/server");
const { useChat, useEngine } = await import("../src/adapters/react/index.ts");

after(async () => {
  await window.happyDOM.close();
  for (const { port1 } of channels) port1.close();
});

const later = (): Promise<void> => turns(10);

interface Shown {
  engine: UsedEngine<FakeEngine>;
  chat: UsedChat;
}

/** Renders a component with both hooks; what they last gave. */
async function mount(open: (options: OpenOptions) => Promise<FakeEngine>, auto = true): Promise<{ shown: () => Shown; unmount: () => Promise<void> }> {
  let shown: Shown | undefined;
  const Page = (): null => {
    const engine = useEngine(open, { auto });
    const chat = useChat(engine.engine, { temperature: 0, max_tokens: 5, system: "Be brief." });
    shown = { engine, chat };
    return null;
  };
  const root = createRoot(document.createElement("div"));
  await act(async () => { root.render(createElement(StrictMode, null, createElement(Page))); await later(); });
  return {
    shown: () => shown ?? assert.fail(),
    unmount: () => act(async () => { root.unmount(); await later(); }),
  };
}

async function until(done: () => boolean): Promise<void> {
  await soon((async () => { while (!done()) await act(later); })());
}

function opening(engines: FakeEngine[], hold: Promise<void> = Promise.resolve()): (options: OpenOptions) => Promise<FakeEngine> {
  return async ({ signal, initProgressCallback }) => {
    const engine = new FakeEngine({ ...CONFIG, initProgressCallback });
    engines.push(engine);
    engine.loading = () => hold;
    await engine.reload(MODEL, undefined, { signal });
    return engine;
  };
}

test("an engine is loaded once, answers, and ends with its component", async () => {
  const engines: FakeEngine[] = [];
  const { shown, unmount } = await mount(opening(engines));
  await until(() => shown().engine.status === "ready");
  assert.equal(engines.length, 1);
  await act(() => shown().chat.send("hi"));
  assert.deepEqual(shown().chat.messages.map(({ role }) => role), ["user", "assistant"]);
  const [, said] = shown().chat.messages;
  const whole = await engines[0]?.chat.completions.create({ temperature: 0, max_tokens: 5, messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "hi" }] });
  assert.equal(said?.content, whole?.choices[0]?.message.content);
  await act(() => shown().chat.regenerate());
  assert.equal(shown().chat.messages[1]?.content, said?.content);
  await unmount();
  assert.equal(engines[0]?.alive, 0);
});

test("an answer is stopped, and another begun", async () => {
  const engines: FakeEngine[] = [];
  const { shown, unmount } = await mount(opening(engines));
  await until(() => shown().engine.status === "ready");
  for (const { runner } of engines[0]?.loaded ?? []) runner.delay = () => new Promise(() => undefined);
  let sent: Promise<void> | undefined;
  await act(async () => { sent = shown().chat.send("hi"); await later(); });
  assert.equal(shown().chat.status, "answering");
  await assert.rejects(shown().chat.send("again"), /under way/);
  await act(async () => { shown().chat.stop(); await soon(sent ?? assert.fail()); });
  assert.deepEqual([shown().chat.status, shown().chat.messages.length], ["ready", 1]);
  await unmount();
});

test("a component that goes while its model loads leaves nothing behind", async () => {
  const engines: FakeEngine[] = [];
  let loaded: () => void = () => undefined;
  const { shown, unmount } = await mount(opening(engines, new Promise((resolve) => { loaded = resolve; })));
  assert.equal(shown().engine.status, "loading");
  await unmount();
  loaded();
  await later();
  assert.equal(engines[0]?.alive, 0);
});

test("failures are shown, and a load can be tried again", async () => {
  const engines: FakeEngine[] = [];
  let fails = true;
  const open = opening(engines);
  const { shown, unmount } = await mount(async (options) => { if (fails) throw new Error("no network"); return open(options); }, false);
  assert.equal(shown().engine.status, "idle");
  await act(async () => { shown().engine.load(); await later(); });
  assert.deepEqual([shown().engine.status, String(shown().engine.error)], ["failed", "Error: no network"]);
  await act(() => shown().chat.send("hi"));
  assert.equal(shown().chat.status, "failed");
  fails = false;
  await act(async () => { shown().engine.load(); await later(); });
  await until(() => shown().engine.status === "ready");
  await unmount();
});

test("on a server nothing is loaded", () => {
  const engines: FakeEngine[] = [];
  const open = opening(engines);
  const Page = (): string => useEngine(open, { auto: true }).status + useChat(undefined).status;
  assert.equal(renderToString(createElement(Page)), "idleready");
  assert.equal(engines.length, 0);
});
