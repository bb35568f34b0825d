/** The page's part, a script by itself, which the first request to the site's `v1/` loads: OpenAI's server on the page's engine. */

import type { ModelHost } from "../api/host.ts";
import { HostedEngine } from "../api/hosted_engine.ts";
import { createFetch } from "../api/openai/fetch.ts";
import { holdLock, webLocks } from "../support/web_locks.ts";
import { CANCEL, type Asked, type Told } from "./messages.ts";

/** Answers through `port`, as far as somebody listens. */
export async function answer(host: ModelHost, { method, path, headers, body }: Asked, port: MessagePort): Promise<void> {
  const controller = new AbortController();
  const tell = (told: Told): void => port.postMessage(told);
  port.onmessage = ({ data }: MessageEvent<unknown>) => { if (data === CANCEL) controller.abort(); };
  const over = new AbortController();
  const locks = webLocks();
  try {
    if (locks !== undefined) {
      const lock = `webllm-build:answering ${crypto.randomUUID()}`;
      await holdLock(locks, lock, over.signal);
      tell({ kind: "alive", lock });
    }
    const serve = createFetch(new HostedEngine(host));
    const response = await serve(`https://site.invalid/${path}`, {
      method, body, headers, signal: controller.signal,
    });
    tell({ kind: "head", status: response.status, headers: [...response.headers] });
    const reader = response.body?.getReader();
    for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) tell({ kind: "bytes", bytes: read.value });
  } catch {
    // The asker has left, and nobody hears of it.
  } finally {
    tell({ kind: "end" });
    over.abort();
  }
}
