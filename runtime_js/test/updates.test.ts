import assert from "node:assert/strict";
import { test } from "node:test";
import { followUpdates, loadNewest, lookForUpdate } from "../src/app/updates.ts";
import { isOfAnother } from "../src/service-worker/message.ts";

class FakeWorker extends EventTarget {
  state = "installing";

  become(state: string): void {
    this.state = state;
    this.dispatchEvent(new Event("statechange"));
  }
}

class FakeRegistration extends EventTarget {
  active: FakeWorker | null = new FakeWorker();
  waiting: FakeWorker | null = null;
  installing: FakeWorker | null = null;
}

/** One that delivers at once. */
class FakeChannel {
  readonly port1 = { onmessage: (): void => undefined };
  readonly port2 = { postMessage: (): void => this.port1.onmessage() };
}

/** The service worker of a build that controls a page. */
class Controller {
  readonly #build: string;

  constructor(build: string) {
    this.#build = build;
  }

  postMessage(question: unknown, [port]: FakeChannel["port2"][]): void {
    if (isOfAnother(this.#build, question)) port?.postMessage();
  }
}

const container = Object.assign(new EventTarget(), { controller: null as Controller | null, register: async (): Promise<FakeRegistration> => new FakeRegistration() });
const pageEvents = new EventTarget();

/** As many offers as there are to a page of the build "one" while `registration` goes through `steps`. */
async function offers(registration: FakeRegistration, steps: () => void, controller: Controller | null = new Controller("one")): Promise<number> {
  Object.assign(container, { controller, register: async () => registration });
  Object.defineProperty(globalThis, "navigator", { value: { serviceWorker: container }, configurable: true });
  Object.assign(globalThis, { addEventListener: pageEvents.addEventListener.bind(pageEvents), MessageChannel: FakeChannel });
  let count = 0;
  await followUpdates("sw.js", "one", () => { count += 1; });
  steps();
  return count;
}

function takesOver(build: string): () => void {
  return () => {
    container.controller = new Controller(build);
    container.dispatchEvent(new Event("controllerchange"));
  };
}

test("a page hears of a newer build that took over, also before its script ran or while it was in the browser's cache of pages", async () => {
  assert.equal(await offers(new FakeRegistration(), takesOver("two")), 1);
  assert.equal(await offers(new FakeRegistration(), () => undefined, new Controller("two")), 1);
  assert.equal(await offers(new FakeRegistration(), () => {
    container.controller = new Controller("two");
    pageEvents.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  }), 1);
  assert.equal(await offers(new FakeRegistration(), takesOver("two"), null), 1, "the first visit's page came from a cache");
  assert.equal(await offers(new FakeRegistration(), takesOver("one"), null), 0);
  assert.equal(await offers(new FakeRegistration(), takesOver("one")), 0);
});

test("an update is offered whether it waits, is being installed, or is found later", async () => {
  const waits = new FakeRegistration();
  waits.waiting = new FakeWorker();
  assert.equal(await offers(waits, () => undefined), 1);

  const installing = new FakeRegistration();
  const worker = new FakeWorker();
  installing.installing = worker;
  assert.equal(await offers(installing, () => worker.become("installed")), 1);

  const found = new FakeRegistration();
  assert.equal(await offers(found, () => {
    found.installing = worker;
    found.dispatchEvent(new Event("updatefound"));
    worker.become("installed");
  }), 1);
});

test("a first installation is no update", async () => {
  const first = new FakeRegistration();
  const worker = new FakeWorker();
  first.active = null;
  first.installing = worker;
  assert.equal(await offers(first, () => worker.become("installed")), 0);
});

test("a newer build that does not come, or does not take over, is not waited for without end", async (context) => {
  const never = new Promise<never>(() => undefined);
  for (const update of [() => never, async (): Promise<void> => undefined]) {
    context.mock.timers.reset();
    context.mock.timers.enable({ apis: ["setTimeout"] });
    let reloads = 0;
    Object.defineProperty(globalThis, "location", { configurable: true, value: { reload: () => { reloads++; } } });
    const registration = Object.assign(new FakeRegistration(), { update, installing: new FakeWorker() });
    const container = Object.assign(new EventTarget(), { getRegistration: async () => registration });
    Object.defineProperty(globalThis, "navigator", { configurable: true, value: { serviceWorker: container } });
    void loadNewest();
    await Promise.resolve();
    assert.equal(reloads, 0);
    context.mock.timers.tick(10_000);
    assert.equal(reloads, 1);
  }
});

test("a page is loaded again once, and when another tab has let the newer build take over", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let reloads = 0;
  Object.defineProperty(globalThis, "location", { configurable: true, value: { reload: () => { reloads++; } } });
  const registration = Object.assign(new FakeRegistration(), { update: () => new Promise<never>(() => undefined) });
  const ofPage = Object.assign(new EventTarget(), { getRegistration: async () => registration });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { serviceWorker: ofPage } });
  void loadNewest();
  await Promise.resolve();
  for (const _ of ["by the other tab", "by a third one"]) ofPage.dispatchEvent(new Event("controllerchange"));
  context.mock.timers.tick(10_000);
  assert.equal(reloads, 1);
});

test("a frame that may not ask for service workers goes on without", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let reloads = 0;
  Object.defineProperty(globalThis, "location", { configurable: true, value: { reload: () => { reloads++; } } });
  const value = Object.defineProperty({}, "serviceWorker", { get: () => { throw new DOMException("no origin", "SecurityError"); } });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value });
  await followUpdates("sw.js", "one", () => assert.fail());
  lookForUpdate();
  await loadNewest();
  assert.equal(reloads, 1);
});
