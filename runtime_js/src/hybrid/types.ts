/** What an engine of two takes and says beside OpenAI's shapes. */

import type { ChatCompletions, RequestOptions } from "../api/openai/types.ts";

export type Where = "device" | "remote";

/** An engine on this device, of this package or another that has OpenAI's `chat.completions`. */
export interface LocalEngine {
  readonly chat: { readonly completions: Pick<ChatCompletions, "create"> };
}

/** A server that speaks OpenAI's API. */
export interface RemoteModel {
  /** As of OpenAI's client: "https://api.example/v1". Redirects are not followed: what is asked goes nowhere else. */
  readonly baseURL: string;
  /** The model's name there. */
  readonly model: string;
  /** Goes with every request. In a page everybody can read it. */
  readonly apiKey?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** Milliseconds of silence after which it counts as failed. Default: a minute. */
  readonly patience?: number | undefined;
}

export interface HybridPolicy {
  /** Who is asked where both could answer. Default: "device". */
  readonly prefer?: Where | undefined;
  /** While the model loads: "remote", the default, or "wait". */
  readonly whileLoading?: "remote" | "wait" | undefined;
  /** Milliseconds in which the device's first token must come; else the remote model is asked. Default: no bound. */
  readonly firstTokenWithin?: number | undefined;
  /** Asked once, before the first byte leaves; where it says no, nothing leaves. Default: yes. */
  readonly mayLeave?: (() => boolean | Promise<boolean>) | undefined;
}

export interface HybridOptions extends RequestOptions {
  /** Who answers: "device" alone, or "remote" as long as it can. Default: as the policy says. */
  readonly where?: Where | undefined;
  /** Nothing of this request leaves the device, whatever happens. */
  readonly private?: boolean | undefined;
}

/** Who answered, one after the other. */
export interface Answered {
  answered_by: Where[];
}

export interface HybridConfig {
  /** The engine, or the promise of one that is still loading. */
  readonly local: LocalEngine | Promise<LocalEngine>;
  readonly remote: RemoteModel;
  readonly policy?: HybridPolicy | undefined;
}
