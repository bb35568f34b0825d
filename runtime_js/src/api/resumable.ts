/** Answers that outlive their tab, as the engine that runs the model sees them. */

import { seeded, type AnswerRequest } from "../engine/answer.ts";
import type { Past } from "../engine/resumable.ts";
import { Journal, PATIENT_ATTEMPTS, deleteJournal, listJournals } from "../storage/journal.ts";
import { isNamed } from "../storage/folders.ts";
import { RequestValidationError } from "../support/errors.ts";
import { Fields } from "../support/fields.ts";
import { readAnswerRequest } from "./answer_request.ts";
import { hasPictures } from "./pictures.ts";
import type { KeptAnswer } from "./host.ts";
import { MAX_URL } from "./config.ts";

/** What a journal keeps of a request. */
interface Kept {
  readonly modelId: string;
  readonly request: AnswerRequest;
  /** Tokens of its prompt. */
  readonly promptTokens: number;
}

type Journaled = Past & { readonly journal: Journal };

const PARAM = { param: "extra_body.resumable" };

/** The same request, seeded, and its journal. Raises RequestValidationError. */
export async function keep(
  asked: AnswerRequest, sessionId: string, modelId: string, promptTokens: number,
): Promise<readonly [AnswerRequest, Journaled]> {
  const request = seeded(asked);
  if (hasPictures(asked.prompt)) throw new RequestValidationError("An answer about pictures or sounds cannot be kept: they are not kept with it. Leave `resumable` out.", PARAM);
  const journal = await Journal.create(sessionId, JSON.stringify({ modelId, request, promptTokens } satisfies Kept)).catch((error: unknown) => {
    throw isNamed(error, "NoModificationAllowedError") ? running(sessionId)
      : new RequestValidationError(`The answer cannot be kept: the storage refuses (${String(error)}).`, PARAM);
  });
  if (journal === null) {
    throw new RequestValidationError("An answer can be kept only by an engine in a dedicated worker, in a browser with private files.", PARAM);
  }
  return [request, { journal, tokens: [] }];
}

function running(sessionId: string): RequestValidationError {
  return new RequestValidationError(`The answer "${sessionId}" is under way, here or in another tab.`, { param: "sessionId" });
}

/** A file is what its folder says it is until it is read: another script of the origin may have written it. */
function readKept(text: string, sessionId: string): Kept {
  const fail = (message: string): RequestValidationError => (
    new RequestValidationError(`What is kept under "${sessionId}" is no answer of this engine: ${message}. Delete it.`, { param: "sessionId" }));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fail(String(error));
  }
  const kept = new Fields(value, "", (message) => fail(message.trimStart()));
  return {
    modelId: kept.string("modelId", MAX_URL), request: readAnswerRequest(kept.object("request")),
    promptTokens: kept.integer("promptTokens", 0, Number.MAX_SAFE_INTEGER),
  };
}

/** What is kept under an id; null where nothing is. Raises RequestValidationError where it is under way, or is no answer of this engine. */
async function find(sessionId: string, onlyReads: boolean): Promise<Kept & { readonly past: Journaled } | null> {
  const found = await Journal.resume(sessionId, onlyReads).catch((error: unknown) => {
    throw isNamed(error, "NoModificationAllowedError") ? running(sessionId) : error;
  });
  if (found === null) return null;
  const { journal, content: { request, tokens } } = found;
  try {
    return { ...readKept(request, sessionId), past: { journal, tokens } };
  } catch (error) {
    journal.close();
    throw error;
  }
}

/** The same; raises RequestValidationError where nothing is kept, too. */
export async function reopen(sessionId: string): Promise<Kept & { readonly past: Journaled }> {
  const found = await find(sessionId, false);
  if (found === null) throw new RequestValidationError(`No answer is kept under "${sessionId}".`, { param: "sessionId" });
  return found;
}

/** An update may have put another model in the place of the one that began: its tokens mean something else. Raises RequestValidationError. */
export function checkPrompt(sessionId: string, before: number, now: number): void {
  if (before === now) return;
  throw new RequestValidationError(
    `What is kept under "${sessionId}" was begun by another model, or in another context: its prompt had ${before} tokens, and has ${now} now. Ask anew, and delete it.`,
    { param: "sessionId" });
}

/** Null where it is gone, as an answer that has ended meanwhile is. */
async function kept(sessionId: string): Promise<KeptAnswer | null> {
  try {
    const found = await find(sessionId, true);
    if (found === null) return null;
    const { modelId, promptTokens, past: { journal, tokens } } = found;
    journal.close();
    return { sessionId, modelId, promptTokens, tokens };
  } catch (error) {
    return { sessionId, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Raises RequestValidationError where it is under way. */
export async function deleteKept(sessionId: string): Promise<void> {
  const isGone = await deleteJournal(sessionId, PATIENT_ATTEMPTS) || !(await listJournals()).includes(sessionId);
  if (!isGone) throw running(sessionId);
}

export async function keptAnswers(): Promise<KeptAnswer[]> {
  const found = await Promise.all((await listJournals()).map(kept));
  return found.filter((one) => one !== null);
}
