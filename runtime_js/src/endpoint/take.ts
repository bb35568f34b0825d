/** What a page of the site does with requests that its service worker hands over. */

import type { ModelHost } from "../api/host.ts";
import { isAsked, type Told } from "./messages.ts";

interface Part {
  answer(host: ModelHost, asked: object, port: MessagePort): Promise<void>;
}

/**
 * Takes requests while there is a model that answers.
 * @param script address of the script that answers them
 * @param engine the engine whose model is ready; undefined: there is none
 */
export function takeRequests(container: ServiceWorkerContainer, script: string, engine: () => ModelHost | undefined): void {
  container.addEventListener("message", ({ data, ports: [port] }) => {
    if (port === undefined || !isAsked(data)) return;
    const host = engine();
    port.postMessage({ kind: host === undefined ? "refused" : "taken" } satisfies Told);
    if (host === undefined) return;
    import(script).then(({ answer }: Part) => answer(host, data, port)).catch(() => port.postMessage({ kind: "end" } satisfies Told));
  });
}
