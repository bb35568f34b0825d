/** What is asked of the engine, as the settings say. */

import type { AnswerRequest } from "../engine/answer.ts";
import { MAX_PRIORITY } from "../engine/queue.ts";
import type { Structure } from "../engine/structure/structure.ts";
import type { JsonObject } from "../support/json.ts";
import type { ChatSettings } from "./settings.ts";

/** Where an answer is to be any JSON. */
const ANY_OBJECT = '{"type":"object"}';

/** All but the prompt. */
export function requestOf(settings: ChatSettings): Omit<AnswerRequest, "prompt"> {
  const { temperature, topP, topK, minP, repetitionPenalty, frequencyPenalty, presencePenalty, seed, thinkingBudget } = settings;
  const structure = structureOf(settings);
  return {
    maxTokens: settings.maxTokens,
    stop: settings.stop,
    sampling: { temperature, topP, topK, minP, repetitionPenalty, frequencyPenalty, presencePenalty, ...(seed !== undefined && { seed }) },
    priority: MAX_PRIORITY, // somebody sits and waits
    overflow: settings.overflow,
    ...(settings.ignoreEnd && { ignoreEos: true }),
    ...(structure !== undefined && { structure }),
    ...(thinkingBudget !== undefined && { thinkingBudget }),
  };
}

function structureOf({ form, schema }: ChatSettings): Structure | undefined {
  if (form === "text" || (form === "schema" && schema.trim() === "")) return undefined;
  return { kind: "schema", schema: form === "schema" ? schema : ANY_OBJECT, isStrict: false, param: "schema" };
}

/** What the model's template is told. Templates have several names for the same. */
export function variablesOf({ thinking, effort }: ChatSettings): JsonObject {
  const thinks = thinking === "on";
  return {
    ...(thinking !== "auto" && { enable_thinking: thinks, thinking: thinks, thinking_mode: thinks ? "enabled" : "disabled" }),
    ...(effort !== "auto" && { reasoning_effort: effort, thinking_effort: effort, reasoning_strength: effort }),
  };
}
