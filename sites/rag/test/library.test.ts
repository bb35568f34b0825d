import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, cited, placeOf, type Message, type Writer } from "../src/answer.ts";
import { Library, type Embedder } from "../src/library.ts";
import { codesIn, cosines, shareOf } from "../src/search.ts";
import type { Store, StoredDocument } from "../src/store.ts";

/** What the database does, in memory. */
class MemoryStore implements Store {
  readonly #documents = new Map<string, { document: StoredDocument; text: string }>();
  readonly #vectors = new Map<string, Map<number, Float32Array>>();

  async documents(): Promise<StoredDocument[]> {
    return [...this.#documents.values()].map(({ document }) => document);
  }

  async text(id: string): Promise<string> {
    return this.#documents.get(id)?.text ?? "";
  }

  async vectors(id: string): Promise<Float32Array[]> {
    return [...this.#vectors.get(id) ?? []].sort(([one], [other]) => one - other).map(([, vectors]) => vectors);
  }

  async put(document: StoredDocument, text: string): Promise<void> {
    this.#documents.set(document.id, { document, text });
  }

  async putVectors(id: string, first: number, vectors: Float32Array): Promise<void> {
    this.#vectors.set(id, (this.#vectors.get(id) ?? new Map<number, Float32Array>()).set(first, vectors));
  }

  async remove(id: string): Promise<void> {
    this.#documents.delete(id);
    this.#vectors.delete(id);
  }
}

const TOPICS = ["bread", "fire", "key", "garden"];

/** A direction for each topic that a text names. */
class TopicEmbedder implements Embedder {
  readonly embedded: string[] = [];
  constructor(readonly model = "topics", private readonly failAfter = Infinity) {}

  async countTokens(texts: readonly string[]): Promise<number[]> {
    return texts.map((text) => text.split(/\s+/).length);
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
    signal.throwIfAborted();
    if (this.embedded.length + texts.length > this.failAfter) throw new Error("the GPU is gone");
    this.embedded.push(...texts);
    return texts.map((text) => {
      const vector = Float32Array.from([...TOPICS.map((topic) => (text.includes(topic) ? 1 : 0)), text.includes("nothing") ? 1 : 0.01]);
      const length = Math.hypot(...vector);
      return vector.map((value) => value / length);
    });
  }
}

const signal = new AbortController().signal;
const ignore = (): void => undefined;
const file = (name: string, text: string): File => new File([text], name);

function paragraphs(count: number, word = "word"): string {
  return Array.from({ length: count }, (_, i) => `Number ${i} ${`${word} `.repeat(100)}`).join("\n\n");
}

test("the passage that is nearest to a question comes first, with its place", async () => {
  const library = await Library.open(new MemoryStore(), new TopicEmbedder());
  await library.add(file("house.md", "# Kitchen\nWe bake bread.\n# Alarm\nIn case of fire run."), ignore, signal);
  await library.add(file("garden.txt", "The garden is green."), ignore, signal);
  const [first] = await library.search("what about fire?", 3, signal);
  assert.equal(first?.text, "# Alarm\nIn case of fire run.");
  assert.equal(first === undefined ? "" : placeOf(first), "house.md, Alarm");
});

test("what is added again unchanged is not embedded again, under another name either", async () => {
  const embedder = new TopicEmbedder();
  const library = await Library.open(new MemoryStore(), embedder);
  assert.equal(await library.add(file("a.txt", "bread"), ignore, signal), "added");
  const before = embedder.embedded.length;
  assert.equal(await library.add(file("b.txt", "bread"), ignore, signal), "known");
  assert.equal(embedder.embedded.length, before);
  assert.equal(library.documents.length, 1);
});

test("a changed document takes the place of the former, of which only what changed is embedded", async () => {
  const embedder = new TopicEmbedder();
  const library = await Library.open(new MemoryStore(), embedder);
  await library.add(file("a.txt", paragraphs(5)), ignore, signal);
  const before = embedder.embedded.length;
  await library.add(file("a.txt", paragraphs(5).replace("Number 4", "Changed 4")), ignore, signal);
  assert.equal(library.documents.length, 1);
  assert.equal(embedder.embedded.length - before, 1);
  assert.match(embedder.embedded.at(-1) ?? "", /^Changed 4/);
});

test("what was embedded before a failure is kept, and a later visit goes on", async () => {
  const store = new MemoryStore();
  const library = await Library.open(store, new TopicEmbedder("topics", 100));
  await assert.rejects(library.add(file("a.txt", paragraphs(150)), ignore, signal), /the GPU is gone/);
  assert.deepEqual(library.documents.map(({ embedded, passages }) => [embedded, passages.length]), [[96, 150]]);

  const embedder = new TopicEmbedder();
  const later = await Library.open(store, embedder);
  await later.add(file("a.txt", paragraphs(150)), ignore, signal);
  assert.equal(embedder.embedded.length, 150 - 96);
  assert.equal(later.documents[0]?.embedded, 150);
});

test("vectors of another model are made again", async () => {
  const store = new MemoryStore();
  await (await Library.open(store, new TopicEmbedder("old"))).add(file("a.txt", "bread"), ignore, signal);
  const library = await Library.open(store, new TopicEmbedder("new"));
  const [document] = library.documents;
  assert.equal(document?.embedded, 0);
  await library.embed(document?.id ?? "", ignore, signal);
  assert.equal((await Library.open(store, new TopicEmbedder("new"))).documents[0]?.embedded, 1);
});

test("a cancelled document ends with the signal's reason; a removed one is not found any more", async () => {
  const store = new MemoryStore();
  const library = await Library.open(store, new TopicEmbedder());
  await assert.rejects(library.add(file("a.txt", "bread"), ignore, AbortSignal.abort()), { name: "AbortError" });
  await library.add(file("b.txt", "the key"), ignore, signal);
  for (const { id } of library.documents) await library.remove(id);
  assert.deepEqual(await library.search("key", 3, signal), []);
  assert.deepEqual(await store.documents(), []);
});

test("a document that is removed while it is embedded leaves nothing", async () => {
  const store = new MemoryStore();
  const library = await Library.open(store, new TopicEmbedder());
  const removing = (): void => library.documents.forEach(({ id }) => void library.remove(id));
  await library.add(file("a.txt", paragraphs(100)), (what) => (what.startsWith("Embedding passage 33") ? removing() : undefined), signal);
  assert.deepEqual(library.documents, []);
  assert.deepEqual(await store.documents(), []);
});

test("a file beyond the bound is refused before it is read", async () => {
  const library = await Library.open(new MemoryStore(), new TopicEmbedder());
  const large = Object.defineProperty(file("a.txt", "x"), "size", { value: 65 << 20 });
  await assert.rejects(library.add(large, ignore, signal), { name: "DocumentError", message: "The file has 65 MB, and 64 are the most." });
});

class FakeWriter implements Writer {
  readonly asked: (readonly Message[])[] = [];
  constructor(private readonly room = Infinity) {}

  async fits(messages: readonly Message[]): Promise<boolean> {
    return messages.every(({ content }) => content.length <= this.room);
  }

  async* write(messages: readonly Message[]): AsyncGenerator<string> {
    this.asked.push(messages);
    yield "As [1] says.";
  }
}

test("a question is asked with its sources, numbered, and with fewer where they do not fit", async () => {
  const library = await Library.open(new MemoryStore(), new TopicEmbedder());
  for (const [i, more] of ["one", "two", "three"].entries()) await library.add(file(`${i}.txt`, `${more} about bread ${"filler ".repeat(90)}`), ignore, signal);
  for (const [room, sources] of [[Infinity, 3], [1700, 2], [10, 1]] as const) {
    const writer = new FakeWriter(room);
    const { sources: found, text } = await answer("Where is bread?", library, writer, signal);
    for await (const piece of text ?? []) assert.equal(piece, "As [1] says.");
    assert.equal(found.length, sources);
    const asked = writer.asked[0]?.at(-1)?.content ?? "";
    assert.match(asked, /^\[1\] \w+ about bread .*\n\nQuestion: Where is bread\?\nAnswer:$/s);
    assert.equal(asked.includes(`[${sources}] `) && !asked.includes(`[${sources + 1}] `), true);
  }
});

test("a question about nothing in the documents is not answered by the model", async () => {
  const library = await Library.open(new MemoryStore(), new TopicEmbedder());
  const writer = new FakeWriter();
  assert.deepEqual(await answer("bread?", library, writer, signal), { sources: [], text: null });
  await library.add(file("a.txt", "the key"), ignore, signal);
  const { sources, text } = await answer("nothing", library, writer, signal);
  assert.equal(text, null);
  assert.equal(sources.length, 1);
  assert.deepEqual(writer.asked, []);
});

test("numbers of sources in an answer are told from other brackets", () => {
  assert.deepEqual(cited("A [1], b[2] and [3] or [x] [1].", 2), ["A ", 1, ", b", 2, " and ", "[3]", " or [x] ", 1, "."]);
});

test("cosines are those of all vectors", () => {
  const vectors = Float32Array.from([1, 0, 0, 1, 0.6, 0.8, -1, 0]);
  assert.deepEqual([...cosines(Float32Array.from([1, 0]), vectors)].map((cosine) => Math.round(10 * cosine) / 10), [1, 0, 0.6, -1]);
  assert.deepEqual(cosines(Float32Array.from([1, 0]), new Float32Array()).length, 0);
});

test("a question's codes are found exactly", async () => {
  assert.deepEqual(codesIn("What does E-4711 mean in \u00a7 12.3 of 2026?"), ["e-4711", "12.3", "2026"]);
  assert.equal(shareOf(["e-4711", "2026"], "Code (E-4711)."), 0.5);
  assert.equal(shareOf(["e-471"], "E-4711"), 0);
  const library = await Library.open(new MemoryStore(), new TopicEmbedder());
  await library.add(file("a.txt", "About the key of the boiler, which has the number E-4712."), ignore, signal);
  await library.add(file("b.txt", "About the key of the boiler, which has the number E-4711."), ignore, signal);
  const [first, second] = await library.search("E-4711 and key", 2, signal);
  assert.equal(first?.document.name, "b.txt");
  assert.ok((first?.score ?? 0) > (second?.score ?? 0));
});
