/** A packaged model of two shards, as bytes. */

import { createHash } from "node:crypto";
import { SHARD_BYTES } from "../../src/support/limits.generated.ts";
import type { FakeServer } from "./web.ts";

export const BASE = "https://site.example/sub/model/";

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function bytesOf(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 7 + (i >> 8)) & 255;
  return bytes;
}

export const SHARDS = [bytesOf(SHARD_BYTES, 1), bytesOf(1024, 2)];
export const LIBRARY = bytesOf(300, 3);
export const GRAMMAR = bytesOf(100, 4);
export const TOKENIZER = new TextEncoder().encode('{"model": {}}');

export function entry(file: string, bytes: Uint8Array): Record<string, unknown> {
  return { file, bytes: bytes.byteLength, sha256: sha256(bytes) };
}

export function tensor(name: string, offset: number, bytes: number): Record<string, unknown> {
  return { name, dtype: "uint32", shape: [bytes / 4], offset, bytes };
}

export function manifestObject(): Record<string, unknown> {
  return {
    format: 1, generator: "test",
    model: { id: "toy", name: "Toy", architecture: "llama", parameters: 10, license: null, context_length: 128, vocab_size: 50 },
    library: entry("model.wasm", LIBRARY), tokenizer: entry("tokenizer.json", TOKENIZER),
    grammar: entry("grammar.wasm", GRAMMAR),
    tokenizer_config: { chat_template: "x" }, eos_token_ids: [2],
    weights: { bytes: SHARD_BYTES + 1024, shards: SHARDS.map((shard, i) => entry(`weights-${i}.bin`, shard)) },
    tensors: [tensor("a", 0, 16), tensor("b", 256, SHARD_BYTES)],
  };
}

/** Puts a model on a server; the URL of its manifest. */
export function deploy(server: FakeServer, manifest: Record<string, unknown>): string {
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const url = `${BASE}manifest.${sha256(bytes).slice(0, 32)}.json`;
  server.files.set(url, bytes).set(`${BASE}model.wasm`, LIBRARY).set(`${BASE}tokenizer.json`, TOKENIZER)
    .set(`${BASE}grammar.wasm`, GRAMMAR);
  SHARDS.forEach((shard, i) => server.files.set(`${BASE}weights-${i}.bin`, shard));
  return url;
}
