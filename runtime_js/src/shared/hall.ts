/** Where those who have no models find who has them. */

import { InternalError } from "../support/errors.ts";
import { isRecord } from "../support/fields.ts";
import { whenFree } from "../support/web_locks.ts";
import type { Means } from "./means.ts";
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

interface Guest {
  readonly channel: BroadcastChannel;
  readonly tenant: Tenant;
}

/** The leader's end: each guest speaks over a channel of its own. */
export class Hall {
  readonly #name: string;
  readonly #means: Means;
  readonly #tenants: Tenants;
  readonly #channel: BroadcastChannel;
  readonly #guests = new Map<string, Guest>();
  readonly #end = new AbortController();

  constructor(name: string, means: Means, tenants: Tenants) {
    [this.#name, this.#means, this.#tenants] = [name, means, tenants];
    this.#channel = means.channel(name);
    this.#channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => { if (isHello(data, this.#name)) this.#greet(data.hello); });
    this.#channel.postMessage(LED); // what was said before there was this hall, nobody has heard
  }

  #greet(id: string): void {
    const { channel } = this.#guests.get(id) ?? this.#admit(id);
    channel.postMessage({ kind: "alive" });
  }

  #admit(id: string): Guest {
    const channel = this.#means.channel(id);
    let tenant: Tenant | undefined;
    const handler = new WebWorkerMLCEngineHandler((message) => { if (this.#guests.has(id)) channel.postMessage(message); },
      (listener) => tenant = this.#tenants.enter(listener));
    if (tenant === undefined) throw new InternalError("a handler has no models");
    const guest: Guest = { channel, tenant };
    this.#guests.set(id, guest);
    channel.addEventListener("message", (event) => handler.onmessage(event));
    whenFree(this.#means.locks, id, () => this.#dismiss(id, guest), this.#end.signal);
    return guest;
  }

  /** What a guest has asked ends with it. */
  #dismiss(id: string, { channel, tenant }: Guest): void {
    this.#guests.delete(id);
    channel.close();
    void tenant.leave();
  }

  close(): void {
    this.#end.abort();
    this.#channel.close();
    for (const [id, guest] of this.#guests) this.#dismiss(id, guest);
  }
}
