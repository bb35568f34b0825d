/** Where those who have no models find who has them. */

import { isRecord } from "../support/fields.ts";
import { whenFree } from "../support/web_locks.ts";
import type { Tenant, Tenants } from "../api/tenants.ts";
import { WebWorkerMLCEngineHandler } from "../transport/worker.ts";

/** To all: there is a new leader. */
export const LED = "led";

/** To the leader, again and again: who is there, by the name of a channel and of a lock that is held as long as that one lives. */
export interface Hello {
  readonly hello: string;
}

function isHello(data: unknown, hall: string): data is Hello {
  return isRecord(data) && typeof data["hello"] === "string" && data["hello"].startsWith(hall);
}

/** The leader's end: each guest speaks over a channel of its own. */
export class Hall {
  readonly #name: string;
  readonly #locks: LockManager;
  readonly #tenants: Tenants;
  readonly #channel: BroadcastChannel;
  readonly #guests = new Map<string, BroadcastChannel>();
  readonly #end = new AbortController();

  constructor(name: string, locks: LockManager, tenants: Tenants) {
    [this.#name, this.#locks, this.#tenants] = [name, locks, tenants];
    this.#channel = new BroadcastChannel(name);
    this.#channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => { if (isHello(data, this.#name)) this.#greet(data.hello); });
    this.#channel.postMessage(LED); // what was said before there was this hall, nobody has heard
  }

  #greet(id: string): void {
    const channel = this.#guests.get(id) ?? this.#admit(id);
    channel.postMessage({ kind: "alive" });
  }

  #admit(id: string): BroadcastChannel {
    const channel = new BroadcastChannel(id);
    this.#guests.set(id, channel);
    let tenant: Tenant | undefined;
    const handler = new WebWorkerMLCEngineHandler((message) => { if (this.#guests.has(id)) channel.postMessage(message); },
      (listener) => tenant = this.#tenants.enter(listener));
    channel.addEventListener("message", (event) => handler.onmessage(event));
    whenFree(this.#locks, id, this.#end.signal, () => {
      this.#guests.delete(id);
      channel.close();
      void tenant?.leave();
    });
    return channel;
  }

  close(): void {
    this.#end.abort();
    this.#channel.close();
    for (const channel of this.#guests.values()) channel.close();
    this.#guests.clear();
  }
}
