import assert from "node:assert/strict";
import { test } from "node:test";
import { followUpdates, loadNewest, lookForUpdate } from "../src/app/updates.ts";

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

/** As many offers as there are while `registration` goes through `steps`. */
async function offers(registration: FakeRegistration, steps: () => void): Promise<number> {
  const container = Object.assign(new EventTarget(), { controller: {}, register: async () => registration });
  Object.defineProperty(globalThis, "navigator", { value: { serviceWorker: container }, configurable: true });
  let count = 0;
  await followUpdates("sw.js", () => { count += 1; });
  steps();
  return count;
}

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

test("a frame that may not ask for service workers goes on without", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let reloads = 0;
  Object.defineProperty(globalThis, "location", { configurable: true, value: { reload: () => { reloads++; } } });
  const value = Object.defineProperty({}, "serviceWorker", { get: () => { throw new DOMException("no origin", "SecurityError"); } });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value });
  await followUpdates("sw.js", () => assert.fail());
  lookForUpdate();
  await loadNewest();
  assert.equal(reloads, 1);
});
