/**
 * One engine for all tabs of a site. Each has a worker; of those that want the same models alike, the one that holds a lock has them, and the
 * others speak to it. Where its tab is closed the lock is free, another one gets it, and whoever was answered asks there again.
 */

import type { HostListener, ModelHost } from "../api/host.ts";
import { LocalHost } from "../api/local_host.ts";
import { Tenants } from "../api/tenants.ts";
import { isNamed } from "../storage/folders.ts";
import { everyTick, owed } from "../support/patience.ts";
import { holdLock } from "../support/web_locks.ts";
import { RemoteHost } from "../transport/remote_host.ts";
import { RevivingHost, type Connect } from "../transport/reviving_host.ts";
import type { WorkerLike } from "../transport/worker_like.ts";
import { Hall, LED, type Hello } from "./hall.ts";
import { meansHere, type Means } from "./means.ts";

/** A leader that says nothing for so long is asleep with its tab, and keeps its lock: another one takes it. */
const PATIENCE_TICKS = 6;

/** One of those that wait for it does so first, and the others hear of it. */
const MOST_DELAY_MS = 500;

const NOBODY: HostListener = { progress: () => undefined, deviceLost: () => undefined };

/** What the holder of the lock has. */
class Leader {
  readonly #host = new LocalHost(NOBODY);
  readonly tenants = new Tenants(this.#host);
  readonly #hall: Hall | undefined;

  /** means: undefined where it is alone. */
  constructor(name: string, means: Means | undefined) {
    this.#hall = means && new Hall(name, means, this.tenants);
  }

  close(): void {
    this.#hall?.close();
    void this.#host.unload();
  }
}

class Group {
  readonly #name: string;
  readonly #means: Means;
  /** This worker, where it holds the lock. */
  #leader: Leader | undefined;
  /** Settles when it is known whether it does. */
  readonly #known: Promise<void>;
  /** Who leads is another one now. */
  #lose = (): void => undefined;

  constructor(key: string, means: Means) {
    this.#name = `webllm-build engine ${key}`;
    this.#means = means;
    this.#known = owed("a lock", new Promise<void>((resolve) => {
      this.#stand({ ifAvailable: true }, resolve, () => {
        resolve();
        this.#stand();
      });
    })).catch(() => this.#lead(undefined));
  }

  /** Asks for the lock, and holds it for as long as this worker lives, or until another one takes it. */
  #stand(options: LockOptions = {}, held = (): void => undefined, refused = (): void => undefined): void {
    this.#means.locks.request(this.#name, options, (lock) => {
      if (lock === null) return refused();
      this.#lead(this.#means);
      held();
      return new Promise(() => undefined);
    }).catch((error: unknown) => {
      if (!isNamed(error, "AbortError")) { // there are no locks: pages without storage of their own, as some frames, have none
        this.#lead(undefined);
        return held();
      }
      const deposed = this.#leader; // undefined where the lock was taken before it was known to be held
      this.#leader = undefined;
      this.#lose();
      deposed?.close();
      this.#stand();
    });
  }

  #lead(means: Means | undefined): void {
    this.#leader = new Leader(this.#name, means);
    this.#lose();
  }

  readonly connect: Connect = async (listener, lose, gone) => {
    await this.#known;
    gone.throwIfAborted();
    this.#lose = lose;
    if (this.#leader === undefined) return this.#join(listener, lose, gone);
    const tenant = this.#leader.tenants.enter(listener);
    gone.addEventListener("abort", () => queueMicrotask(() => void tenant.leave()), { once: true }); // whose answers end, behind those who follow them
    return tenant;
  };

  /** As a guest of the leader. */
  async #join(listener: HostListener, lose: (error?: Error) => void, gone: AbortSignal): Promise<ModelHost> {
    const id = `${this.#name} ${crypto.randomUUID()}`;
    const [hall, channel] = [this.#means.channel(this.#name), this.#means.channel(id)];
    let [isWelcome, silentTicks] = [false, 0];
    const post = (to: BroadcastChannel, message: unknown): void => { if (!gone.aborted) to.postMessage(message); }; // one that is closed throws
    const sayHello = (): void => post(hall, { hello: id } satisfies Hello);
    const stop = everyTick(() => {
      if (++silentTicks < PATIENCE_TICKS) sayHello();
      else if (silentTicks === PATIENCE_TICKS) setTimeout(() => { if (!gone.aborted) this.#stand({ steal: true }); }, MOST_DELAY_MS * Math.random());
    });
    gone.addEventListener("abort", () => {
      stop();
      hall.close();
      channel.close();
    }, { once: true });
    await holdLock(this.#means.locks, id, gone);
    const welcome = new Promise<void>((resolve) => {
      channel.addEventListener("message", () => {
        [isWelcome, silentTicks] = [true, 0];
        resolve();
      });
    });
    hall.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (data !== LED) return;
      if (isWelcome) lose();
      else sayHello();
    });
    sayHello();
    await welcome;
    const leader: WorkerLike = {
      postMessage: (message) => post(channel, message),
      addEventListener: (type, hear) => { if (type !== "error") channel.addEventListener(type, hear); },
    };
    return RemoteHost.until(gone, leader, listener, lose);
  }
}

/** The models of a group of workers. Where these cannot find each other, each has its own. */
export function openShared(key: string, listener: HostListener, means = meansHere()): ModelHost {
  if (means === undefined) return new LocalHost(listener);
  return new RevivingHost(listener, new Group(key, means).connect, ({ source }) => means.isStored(source)); // nothing is downloaded unasked
}
