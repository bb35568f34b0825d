/** A model's settings, as its record and `reload` give them. */

import type { ChatOptions as OwnOptions } from "../api/types.ts";
import { log } from "../support/log.ts";
import { NamedError } from "./errors.ts";
import type { ChatCompletionRequestBase } from "./messages.ts";
import type { ChatOptions } from "./types.ts";

/** What requests have that do not say otherwise. */
export type Defaults = Pick<ChatCompletionRequestBase,
  "temperature" | "top_p" | "repetition_penalty" | "frequency_penalty" | "presence_penalty" | "stop" | "stop_token_ids" | "context_overflow">
  & { readonly systemMessage?: string };

export interface Settings {
  readonly options: OwnOptions;
  readonly defaults: Defaults;
}

function isOn(size: number | undefined): size is number {
  return size !== undefined && size > 0;
}

/** Tokens of a conversation: all that there were, or those in a window that slides. */
function contextLength({ context_window_size: context, sliding_window_size: sliding, attention_sink_size: sink }: ChatOptions): number | undefined {
  if (isOn(context) && isOn(sliding)) {
    throw new NamedError("WindowSizeConfigurationError", "Only one of context_window_size and sliding_window_size can be positive. Got: "
      + `context_window_size: ${context}, sliding_window_size: ${sliding}\nConsider modifying ModelRecord.overrides to set one of them to -1.`);
  }
  if (context !== undefined && !isOn(context) && !isOn(sliding)) {
    throw new NamedError("WindowSizeSpecificationError", "Need to specify either sliding_window_size or max_window_size.\n"
      + "Consider modifying ModelRecord.overrides to set one of them to positive.");
  }
  if (isOn(sliding) && !(sink !== undefined && sink >= 0)) {
    throw new NamedError("AttentionSinkSizeError", "Need to specify non-negative attention_sink_size if using sliding window. "
      + "Consider modifying ModelRecord.overrides. Use `attention_sink_size=0` for default sliding window.");
  }
  return isOn(sliding) ? sliding : context;
}

/** Later ones win. Raises a NamedError where the sizes of windows do not fit together. */
export function readSettings(...given: readonly (ChatOptions | undefined)[]): Settings {
  const merged: ChatOptions = Object.assign({}, ...given);
  const size = contextLength(merged);
  const { system_message, stop_str, stop_token_ids } = merged.conv_config ?? {};
  return {
    options: { ...(size !== undefined && { context_window_size: size }), ...(merged.device !== undefined && { device: merged.device }) },
    defaults: {
      temperature: merged.temperature ?? null, top_p: merged.top_p ?? null, repetition_penalty: merged.repetition_penalty ?? null,
      frequency_penalty: merged.frequency_penalty ?? null, presence_penalty: merged.presence_penalty ?? null,
      stop: stop_str ?? null, stop_token_ids: stop_token_ids ?? null,
      ...(isOn(merged.sliding_window_size) && { context_overflow: "drop_oldest" }),
      ...(system_message !== undefined && { systemMessage: system_message }),
    },
  };
}

/** Programs ask for the window that WebLLM's model of the name has. This package's may be shorter. */
export function within(longest: number, { options, defaults }: Settings): Settings {
  const { context_window_size: size } = options;
  if (size === undefined || size <= longest) return { options, defaults };
  log.warn(`A conversation has at most ${longest} tokens, and not ${size}: the model was built for these.`);
  return { options: { ...options, context_window_size: longest }, defaults };
}
