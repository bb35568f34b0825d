/** Answers that outlived their tab, in WebLLM's shapes. */

import { RequestValidationError } from "../support/errors.ts";
import type { KeptAnswer } from "./host.ts";
import type { ChatCompletion } from "./openai/types.ts";
import type { ResumeProbeResult, ResumeResult } from "./types.ts";

export function probeOf(kept: KeptAnswer): ResumeProbeResult {
  const { sessionId } = kept;
  if (kept.reason !== undefined) {
    return { sessionId, resumable: false, reason: kept.reason, modelId: "", emittedTokens: 0, processedSeqLen: 0, recoveryMode: "none" };
  }
  const { modelId, promptTokens, tokens } = kept;
  const processedSeqLen = promptTokens + tokens.length;
  return { sessionId, resumable: true, modelId, emittedTokens: tokens.length, processedSeqLen, recoveryMode: "token_replay" };
}

/** As far as it came; it stays. Raises RequestValidationError. */
export async function recovered(
  kept: KeptAnswer | undefined, sessionId: string, decode: (tokens: readonly number[], modelId: string) => Promise<string>,
): Promise<ResumeResult> {
  if (kept === undefined || kept.reason !== undefined) {
    throw new RequestValidationError(kept?.reason ?? `No answer is kept under "${sessionId}".`, { param: "sessionId" });
  }
  const { modelId, promptTokens, tokens } = kept;
  return {
    sessionId, recoveredText: await decode(tokens, modelId), emittedTokens: tokens.length, processedSeqLen: promptTokens + tokens.length,
    replayedTokens: 0, recoveryMode: "text_only",
  };
}

/** Gone on with to its end, from what was kept. */
export function resumed(sessionId: string, completion: ChatCompletion, kept: KeptAnswer | undefined): ResumeResult {
  const { usage: { completion_tokens: emittedTokens, total_tokens: processedSeqLen }, choices: [choice] } = completion;
  const replayedTokens = kept === undefined || kept.reason !== undefined ? 0 : kept.tokens.length;
  const recoveredText = choice?.message.content ?? "";
  return { sessionId, recoveredText, emittedTokens, processedSeqLen, replayedTokens, recoveryMode: "token_replay", completion };
}
