/** What a page of the site does with requests that its service worker hands over. */

import type { ModelHost } from "../api/host.ts";
import { isRecord } from "../support/fields.ts";
import { isAsked, type Told } from "./messages.ts";

interface Part {
  answer(host: ModelHost, asked: object, port: MessagePort): Promise<void>;
}

function isPart(module: unknown): module is Part {
  return isRecord(module) && typeof module["answer"] === "function";
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
    const tell = (told: Told): void => port.postMessage(told);
    tell({ kind: host === undefined ? "refused" : "taken" });
    if (host === undefined) return;
    import(script).then((module: unknown) => {
      if (!isPart(module)) throw new Error("the script of the endpoint is another one");
      return module.answer(host, data, port);
    }).catch(() => tell({ kind: "end" }));
  });
}
