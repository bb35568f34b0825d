/** The site's remote model, which may answer in the device's place: a script by itself, which a page loads when it is first wanted. */

import type { ModelHost } from "../../api/host.ts";
import { HostedEngine } from "../../api/hosted_engine.ts";
import type { ChatCompletionChunk, ChatCompletionRequestStreaming } from "../../api/openai/types.ts";
import { createHybrid, type Answered, type Where } from "../../hybrid/index.ts";
import { remotePieces } from "../../hybrid/remote.ts";
import { RemoteError } from "../../support/errors.ts";
import type { RemoteConfig } from "../../page/config.ts";
import type { SafeStorage } from "../safe_storage.ts";
import type { Settings } from "../settings.ts";
import type { Words } from "../words/en.ts";
import type { Turn } from "../../view/message.ts";
import type { Outcome, Piece } from "../engine.ts";
import { Consent } from "./consent.ts";

export interface RemoteQuestion {
  readonly turns: readonly Turn[];
  readonly settings: Settings;
  /** The model on this device, where it is ready: it goes on where the remote one fails. */
  readonly host: ModelHost | undefined;
}

function formOf({ form, schema, effort }: Settings): Pick<ChatCompletionRequestStreaming, "response_format" | "reasoning_effort"> {
  const isSchema = form === "schema" && schema.trim() !== "";
  return {
    ...(isSchema && { response_format: { type: "json_schema", json_schema: { name: "answer", schema: JSON.parse(schema) } } }),
    ...(form === "json" && { response_format: { type: "json_object" } }),
    ...(effort !== "auto" && { reasoning_effort: effort }),
  };
}

/** Says that a key is missing, or that it is wrong. */
const WANTS_KEY = [401, 403];

export class RemoteAnswers {
  readonly #config: RemoteConfig;
  readonly #consent: Consent;

  constructor(config: RemoteConfig, storage: SafeStorage, words: Words["remote"]) {
    this.#config = config;
    this.#consent = new Consent(storage, config.host, config.model, words);
  }

  /** Whether what is written may leave. The visitor is asked once. */
  async allows(): Promise<boolean> {
    return (this.#consent.said ?? await this.#consent.ask()).allows;
  }

  /** Asks the visitor again who said no. */
  reconsider(): void {
    if (this.#consent.said?.allows === false) this.#consent.forget();
  }

  /** Streams the answer into `onPiece`, with who gives it. Rejects as the device's own answers do, and with RemoteError. */
  async answer({ turns, settings, host }: RemoteQuestion, signal: AbortSignal, onPiece: (piece: Piece, by: readonly Where[]) => void): Promise<Outcome> {
    const { systemPrompt, maxTokens, temperature, topP, topK, minP, repetitionPenalty, frequencyPenalty, presencePenalty, seed, stop } = settings;
    const system = systemPrompt.trim() === "" ? [] : [{ role: "system" as const, content: systemPrompt }];
    try {
      const pieces = this.#pieces({
        messages: [...system, ...turns.map(({ role, text }) => ({ role, content: text }))], stream: true, max_tokens: maxTokens, temperature, top_p: topP,
        top_k: topK, min_p: minP, repetition_penalty: repetitionPenalty, frequency_penalty: frequencyPenalty, presence_penalty: presencePenalty,
        ...(seed !== undefined && { seed }), ...(stop.length > 0 && { stop }), ...formOf(settings),
      }, host, signal);
      let ending: Outcome["ending"] = "stop";
      for await (const { choices: [choice], answered_by } of pieces) {
        if (choice === undefined) continue;
        onPiece({ text: choice.delta.content ?? "", thought: choice.delta.reasoning_content ?? "" }, answered_by);
        const { finish_reason: reason, interrupted } = choice;
        if (reason !== null) ending = interrupted === true ? "abort" : reason === "tool_calls" ? "stop" : reason;
      }
      return { ending, speed: undefined };
    } catch (error) {
      if (error instanceof RemoteError && WANTS_KEY.includes(Number(error.details["status"]))) this.#consent.forget();
      throw error;
    }
  }

  async *#pieces(
    request: ChatCompletionRequestStreaming, host: ModelHost | undefined, signal: AbortSignal,
  ): AsyncGenerator<ChatCompletionChunk & Answered, void, void> {
    const { url, model } = this.#config;
    const key = this.#consent.said?.key ?? "";
    const remote = { baseURL: url, model, ...(key !== "" && { apiKey: key }) };
    const policy = { prefer: "remote", mayLeave: () => this.allows() } as const;
    if (host !== undefined) return yield* await createHybrid({ local: new HostedEngine(host), remote, policy }).chat.completions.create(request, { signal });
    if (!await this.allows()) throw new RemoteError("Nothing may leave this device.");
    for await (const piece of remotePieces(remote, request, signal)) yield { ...piece, answered_by: ["remote"] };
  }
}
