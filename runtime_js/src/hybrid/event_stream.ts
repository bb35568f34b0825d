/** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */

import { RemoteError } from "../support/errors.ts";

/** Characters of one event. What is longer is no answer of a language model. */
const MAX_EVENT = 1 << 22;

/**
 * The data of each event of a response's body; `read` bounds how long each part of it may take. Raises RemoteError where an event has no end, and what
 * reading the body raises.
 */
export async function* eventData(
  body: ReadableStream<Uint8Array>, read: <T>(part: Promise<T>) => Promise<T>,
): AsyncGenerator<string, void, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let [line, data, length]: [string, string[], number] = ["", [], 0];
  try {
    for (;;) {
      const { done, value } = await read(reader.read());
      if (done) return; // an event that is not closed does not count
      const lines = (line + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      line = lines.pop() ?? "";
      for (const one of lines) {
        if (one === "" && data.length > 0) {
          yield data.splice(0).join("\n");
          length = 0;
        }
        if (!one.startsWith("data:")) continue;
        data.push(one.slice(one[5] === " " ? 6 : 5));
        length += one.length;
      }
      if (line.length + length > MAX_EVENT) throw new RemoteError("The remote model's answer has an event that does not end.");
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}
