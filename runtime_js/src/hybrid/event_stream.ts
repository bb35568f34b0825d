/** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */

import { RemoteError } from "../support/errors.ts";

/** Characters of one event. What is longer is no answer of a language model. */
const MAX_EVENT = 1 << 22;

/** The data of each event of a response's body. Raises RemoteError where an event has no end, and what reading the body raises. */
export async function* eventData(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let [line, data]: [string, string[]] = ["", []];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return; // an event that is not closed does not count
      const lines = (line + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      line = lines.pop() ?? "";
      if (line.length > MAX_EVENT) throw new RemoteError("The remote model's answer has an event that does not end.");
      for (const one of lines) {
        if (one === "" && data.length > 0) yield data.splice(0).join("\n");
        if (one.startsWith("data:")) data.push(one.slice(one[5] === " " ? 6 : 5));
      }
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}
