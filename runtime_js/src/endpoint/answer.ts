/** The page's part, a script by itself, which the first request to the site's `v1/` loads: OpenAI's server on the page's engine. */

import type { ModelHost } from "../api/host.ts";
import { HostedEngine } from "../api/hosted_engine.ts";
import { createFetch } from "../api/openai/fetch.ts";
import { inTime } from "../support/patience.ts";
import { holdLock, webLocks } from "../support/web_locks.ts";
import { CANCEL, type Asked, type Told } from "./messages.ts";

/** Whoever asked may see that a lock is free before it hears the end: it says when it has. A service worker that the browser has stopped says nothing. */
const GRACE_MS = 10_000;

/** Answers through `port`, as far as somebody listens. */
export async function answer(host: ModelHost, { method, path, headers, body }: Asked, port: MessagePort): Promise<void> {
  const controller = new AbortController();
  const tell = (told: Told): void => port.postMessage(told);
  const left = new Promise<void>((resolve) => {
    port.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data !== CANCEL) return;
      controller.abort();
      resolve();
    };
  });
  const over = new AbortController();
  const locks = webLocks();
  try {
    if (locks !== undefined) {
      const lock = `webllm-build:answering ${crypto.randomUUID()}`;
      await holdLock(locks, lock, over.signal);
      tell({ kind: "alive", lock });
    }
    const serve = createFetch(new HostedEngine(host), true);
    const response = await serve(`https://site.invalid/${path}`, {
      method, body, headers, signal: controller.signal,
    });
    tell({ kind: "head", status: response.status, headers: [...response.headers] });
    const reader = response.body?.getReader();
    for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) tell({ kind: "bytes", bytes: read.value });
  } catch {
    tell({ kind: "broken" }); // or the asker has left, and nobody hears of it
  } finally {
    tell({ kind: "end" });
    await inTime(left, GRACE_MS);
    over.abort();
  }
}
