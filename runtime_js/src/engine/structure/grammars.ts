/** The grammars of one model: their code and their engine are fetched when the first is asked for. */

import { DownloadError, InternalError, ManifestError, RequestValidationError } from "../../support/errors.ts";
import type { Constraint } from "../constraint.ts";
import type { CompiledForms, Vocabulary } from "./compiled.ts";
import { importPart } from "./part.ts";
import type { Structure } from "./structure.ts";

/** What grammars need of a model. */
export interface GrammarSource {
  /** The WebAssembly module of the grammar engine, and the sha256 that it has. */
  readonly sha256: string;
  module(): Promise<Uint8Array<ArrayBuffer>>;
  vocabulary(): Vocabulary;
  /** Token ids of a text within an answer. */
  encode(text: string): readonly number[];
}

export class Grammars {
  readonly #source: GrammarSource;
  #forms: Promise<CompiledForms> | null = null;

  constructor(source: GrammarSource) {
    this.#source = source;
  }

  /** Rejects with RequestValidationError where the structure is none, or is too large; DownloadError, IntegrityError or ManifestError. */
  async constraint(structure: Structure): Promise<Constraint> {
    const forms = await (this.#forms ??= this.#load().catch((error: unknown) => {
      this.#forms = null; // the next request tries again
      throw error;
    }));
    try {
      return forms.constraint(structure);
    } catch (error) {
      throw refusal(structure, error);
    }
  }

  async #load(): Promise<CompiledForms> {
    const { CompiledForms, moduleSha256 } = await importPart().catch((error: unknown) => {
      throw new DownloadError("The part of the engine that holds answers to a form could not be fetched.", {}, error);
    });
    const { sha256 } = this.#source;
    if (sha256 !== moduleSha256) {
      throw new ManifestError("The model folder has the grammar engine of another version. Build the model folder again with a matching webllm-build.");
    }
    const module = await WebAssembly.compile(await this.#source.module());
    return new CompiledForms(module, this.#source.vocabulary(), (text) => this.#source.encode(text));
  }
}

/** What is wrong with a structure, in the words of the request. */
function refusal({ kind, param }: Structure, error: unknown): Error {
  if (!(error instanceof Error) || error.name !== "FormError") return new InternalError(`The grammar engine failed: ${String(error)}`, {}, error);
  const what = { schema: "The schema", grammar: "The grammar", regex: "The regular expression", tags: "The structural tag", calls: "The form" }[kind];
  const at = "param" in error && typeof error.param === "string" ? error.param : param;
  return new RequestValidationError(`${at === param ? what : "The schema"} in ${at} cannot be used: ${error.message}.`, { param: at });
}
