/** What a page of the site does with requests that its service worker hands over. */

import type { ModelHost } from "../api/host.ts";
import { isRecord } from "../support/fields.ts";
import { isAsked, type Told } from "./messages.ts";

interface Part {
  answer(host: ModelHost, asked: object, port: MessagePort): Promise<void>;
}

/** The model that a request names. Whoever answers says what else is wrong with it. */
function named(body: ArrayBuffer | null): string | undefined {
  try {
    const request: unknown = JSON.parse(new TextDecoder().decode(body ?? undefined));
    return isRecord(request) && typeof request["model"] === "string" ? request["model"] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes requests while there is a model that answers.
 * @param script address of the script that answers them
 * @param engine the engine whose model is ready, for a request that names this model, or none; undefined: another page may have it
 */
export function takeRequests(container: ServiceWorkerContainer, script: string, engine: (model: string | undefined) => ModelHost | undefined): void {
  container.addEventListener("message", ({ data, ports: [port] }) => {
    if (port === undefined || !isAsked(data)) return;
    const host = engine(named(data.body));
    port.postMessage({ kind: host === undefined ? "refused" : "taken" } satisfies Told);
    if (host === undefined) return;
    import(script).then(({ answer }: Part) => answer(host, data, port)).catch(() => port.postMessage({ kind: "end" } satisfies Told));
  });
}
