/** The documents: added, embedded in batches, kept, searched. What was embedded once is not embedded again. */

import { MAX_PASSAGES, splitIntoPassages, type Passage } from "./passages.ts";
import { DocumentError, MAX_FILE_BYTES, readDocument, type Progress } from "./read/document.ts";
import { CODES_WORTH, codesIn, cosines, shareOf } from "./search.ts";
import type { Store, StoredDocument } from "./store.ts";

/** Makes vectors of texts. All of them have length 1. */
export interface Embedder {
  readonly model: string;
  countTokens(texts: readonly string[]): Promise<readonly number[]>;
  embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]>;
}

export interface LibraryDocument extends StoredDocument {
  /** Passages that have a vector: all of them, unless embedding was stopped. */
  readonly embedded: number;
}

/** A passage that was found. */
export interface Found {
  readonly document: LibraryDocument;
  readonly passage: Passage;
  readonly text: string;
  /** The cosine, and what the question's codes add to it. */
  readonly score: number;
}

export type Outcome = "added" | "known";

/** A worker computes one batch while this thread keeps the last. */
const BATCH = 32;

export class Library {
  readonly #store: Store;
  readonly #embedder: Embedder;
  readonly #documents = new Map<string, { stored: StoredDocument; batches: Float32Array[] }>();

  private constructor(store: Store, embedder: Embedder) {
    this.#store = store;
    this.#embedder = embedder;
  }

  static async open(store: Store, embedder: Embedder): Promise<Library> {
    const library = new Library(store, embedder);
    for (const stored of await store.documents()) {
      // Vectors of another model say nothing to this one.
      const batches = stored.model === embedder.model ? await store.vectors(stored.id) : [];
      library.#documents.set(stored.id, { stored, batches });
    }
    return library;
  }

  get documents(): LibraryDocument[] {
    return [...this.#documents.values()].map(({ stored, batches }) => ({ ...stored, embedded: Math.min(BATCH * batches.length, stored.passages.length) }))
      .sort((one, other) => one.added - other.added);
  }

  get #passages(): number {
    return [...this.#documents.values()].reduce((sum, { stored }) => sum + stored.passages.length, 0);
  }

  /** Raises DocumentError, the signal's reason, or what the embedder or the store does; what was embedded until then is kept. */
  async add(file: File, progress: Progress, signal: AbortSignal): Promise<Outcome> {
    if (file.size > MAX_FILE_BYTES) throw new DocumentError(`The file has ${megabytes(file.size)} MB, and ${megabytes(MAX_FILE_BYTES)} are the most.`);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const hash = hex(await crypto.subtle.digest("SHA-256", bytes));
    const known = this.documents.find((document) => document.hash === hash);
    if (known !== undefined) {
      if (known.embedded === known.passages.length) return "known";
      await this.embed(known.id, progress, signal);
      return "added";
    }
    const { text, sections, note } = await readDocument(file.name, bytes, progress, signal);
    progress("Splitting", 0);
    const passages = await splitIntoPassages(text, sections, (texts) => this.#embedder.countTokens(texts), signal);
    if (this.#passages + passages.length > MAX_PASSAGES) {
      throw new DocumentError(`The library would have more than ${MAX_PASSAGES} passages: remove a document first.`);
    }
    const pages = sections.reduce<number | null>((most, { page }) => page ?? most, null);
    const stored: StoredDocument = {
      id: crypto.randomUUID(), name: file.name, hash, bytes: bytes.length, pages, note, added: Date.now(), passages, model: this.#embedder.model,
    };
    signal.throwIfAborted();
    await this.#store.put(stored, text);
    this.#documents.set(stored.id, { stored, batches: [] });
    await this.embed(stored.id, progress, signal);
    return "added";
  }

  /** Goes on with a document whose embedding was stopped. The document takes the place of others of its name when it is whole. */
  async embed(id: string, progress: Progress, signal: AbortSignal): Promise<void> {
    const entry = this.#documents.get(id);
    if (entry === undefined) return;
    const { stored } = entry;
    const text = await this.#store.text(id);
    if (stored.model !== this.#embedder.model) {
      await this.#store.remove(id);
      entry.stored = { ...stored, model: this.#embedder.model };
      await this.#store.put(entry.stored, text);
    }
    const former = this.documents.filter((document) => document.name === stored.name && document.id !== id);
    const vectors = await this.#vectorsByText(former);
    for (let first = BATCH * entry.batches.length; first < stored.passages.length; first += BATCH) {
      progress(`Embedding passage ${first + 1} of ${stored.passages.length}`, first / stored.passages.length);
      const texts = stored.passages.slice(first, first + BATCH).map((passage) => embeddedText(text, passage));
      const missing = texts.filter((part) => !vectors.has(part));
      const made = missing.length === 0 ? [] : await this.#embedder.embed(missing, signal);
      missing.forEach((part, i) => vectors.set(part, made[i] ?? new Float32Array()));
      const batch = joined(texts.map((part) => vectors.get(part) ?? new Float32Array()));
      signal.throwIfAborted();
      if (!this.#documents.has(id)) return; // removed meanwhile
      await this.#store.putVectors(id, first, batch);
      entry.batches.push(batch);
    }
    for (const document of former) await this.remove(document.id);
  }

  async remove(id: string): Promise<void> {
    await this.#store.remove(id);
    this.#documents.delete(id);
  }

  text(id: string): Promise<string> {
    return this.#store.text(id);
  }

  /** The passages nearest to a question, best first. */
  async search(question: string, most: number, signal: AbortSignal): Promise<Found[]> {
    const [query] = await this.#embedder.embed([question], signal);
    if (query === undefined) return [];
    const codes = codesIn(question);
    const found: Omit<Found, "text">[] = [];
    for (const document of this.documents) {
      const text = codes.length === 0 ? "" : await this.text(document.id);
      const near = (this.#documents.get(document.id)?.batches ?? []).flatMap((batch) => [...cosines(query, batch)]);
      found.push(...near.flatMap((cosine, i) => {
        const passage = document.passages[i];
        return passage === undefined ? [] : [{ document, passage, score: cosine + CODES_WORTH * shareOf(codes, text.slice(passage.start, passage.end)) }];
      }));
    }
    const best = found.sort((one, other) => other.score - one.score).slice(0, most);
    return Promise.all(best.map(async (hit) => ({ ...hit, text: (await this.text(hit.document.id)).slice(hit.passage.start, hit.passage.end) })));
  }

  /** Of what stands in other versions of a document, which has mostly stayed as it was. */
  async #vectorsByText(documents: readonly LibraryDocument[]): Promise<Map<string, Float32Array>> {
    const vectors = new Map<string, Float32Array>();
    for (const document of documents) {
      const text = await this.#store.text(document.id);
      for (const [i, batch] of (this.#documents.get(document.id)?.batches ?? []).entries()) {
        const passages = document.passages.slice(BATCH * i, BATCH * (i + 1));
        const size = batch.length / passages.length;
        passages.forEach((passage, j) => vectors.set(embeddedText(text, passage), batch.subarray(j * size, (j + 1) * size)));
      }
    }
    return vectors;
  }
}

/** With the heading above it, which mostly says what it is about. */
function embeddedText(text: string, { start, end, heading }: Passage): string {
  const passage = text.slice(start, end);
  return heading === null ? passage : `${heading}\n${passage}`;
}

function joined(vectors: readonly Float32Array[]): Float32Array {
  const size = vectors[0]?.length ?? 0;
  const all = new Float32Array(size * vectors.length);
  vectors.forEach((vector, i) => all.set(vector, i * size));
  return all;
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function megabytes(bytes: number): string {
  return (bytes / (1 << 20)).toFixed(0);
}
