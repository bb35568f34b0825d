/** Answers that outlive their tab, as the engine that runs the model sees them. */

import type { AnswerRequest } from "../engine/answer.ts";
import type { Past } from "../engine/resumable.ts";
import { Journal, listJournals } from "../storage/journal.ts";
import { isNamed } from "../storage/folders.ts";
import { RequestValidationError } from "../support/errors.ts";
import type { ResumeProbeResult } from "./types.ts";

/** What a journal keeps of a request. */
interface Kept {
  readonly modelId: string;
  readonly request: AnswerRequest;
}

const PARAM = { param: "extra_body.resumable" };

/** The same request, with a seed so that what follows is drawn as it would have been, and its journal. Raises RequestValidationError. */
export async function keep(asked: AnswerRequest, sessionId: string, modelId: string): Promise<readonly [AnswerRequest, Past]> {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  const request = { ...asked, sampling: { ...asked.sampling, seed: asked.sampling.seed ?? random } };
  const journal = await Journal.create(sessionId, JSON.stringify({ modelId, request } satisfies Kept)).catch((error: unknown) => {
    throw isNamed(error, "NoModificationAllowedError") ? running(sessionId)
      : new RequestValidationError(`The answer cannot be kept: the browser's storage refuses (${String(error)}).`, PARAM);
  });
  if (journal === null) {
    throw new RequestValidationError("An answer can be kept only by an engine in a dedicated worker, in a browser with private files.", PARAM);
  }
  return [request, { journal, tokens: [] }];
}

function running(sessionId: string): RequestValidationError {
  return new RequestValidationError(`The answer "${sessionId}" is under way, here or in another tab.`, { param: "sessionId" });
}

/** What is kept under an id. Raises RequestValidationError where nothing is, or it is under way. */
export async function reopen(sessionId: string): Promise<Kept & { readonly past: Past }> {
  const found = await Journal.resume(sessionId).catch((error: unknown) => {
    throw isNamed(error, "NoModificationAllowedError") ? running(sessionId) : error;
  });
  if (found === null) throw new RequestValidationError(`No answer is kept under "${sessionId}".`, { param: "sessionId" });
  const { journal, content: { request, tokens } } = found;
  const kept: Kept = JSON.parse(request);
  return { ...kept, past: { journal, tokens } };
}

async function probe(sessionId: string): Promise<ResumeProbeResult> {
  try {
    const { modelId, past: { journal, tokens } } = await reopen(sessionId);
    journal.close();
    return { sessionId, resumable: true, modelId, emittedTokens: tokens.length, recoveryMode: "token_replay" };
  } catch (error) {
    return { sessionId, resumable: false, reason: error instanceof Error ? error.message : String(error), modelId: "", emittedTokens: 0, recoveryMode: "none" };
  }
}

export async function probeAll(): Promise<ResumeProbeResult[]> {
  const found: ResumeProbeResult[] = [];
  for (const id of await listJournals()) found.push(await probe(id));
  return found;
}
