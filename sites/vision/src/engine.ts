/** The model that sees, behind the package's engine. */

import { createEngine, type EngineTypes, type WorkerEngine } from "vision-model";

/** Where vite.config.ts and the README have them. A CDN's address does, too, once the page's policy allows it (vite.config.ts). */
const WEIGHTS = "weights/";
const QUESTION = "Describe this picture in one sentence, with all that somebody might search for.";
const MAX_TOKENS = 96;

/** What describes pictures. */
export interface Describer {
  /** `onText` gets what is said so far. Rejects with the engine's error, whose message says what is wrong with the picture. */
  describe(picture: Blob, onText: (text: string) => void, signal: AbortSignal): Promise<string>;
}

export async function openModel(device: EngineTypes.Device, progress: EngineTypes.InitProgressCallback): Promise<Describer> {
  return new EngineDescriber(await createEngine({ weights: WEIGHTS, device, initProgressCallback: progress }));
}

class EngineDescriber implements Describer {
  readonly #engine: WorkerEngine;

  constructor(engine: WorkerEngine) {
    this.#engine = engine;
  }

  async describe(picture: Blob, onText: (text: string) => void, signal: AbortSignal): Promise<string> {
    const stream = await this.#engine.chat.completions.create({
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: picture, detail: "low" } }, { type: "text", text: QUESTION }] }],
      stream: true, max_tokens: MAX_TOKENS, temperature: 0,
    }, { signal });
    let text = "";
    for await (const { choices: [choice] } of stream) onText(text += choice?.delta.content ?? "");
    signal.throwIfAborted();
    return text.trim();
  }
}
