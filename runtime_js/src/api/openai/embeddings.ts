/** Vectors in OpenAI's shape. */

import type { Embeddings } from "../../engine/pooling.ts";
import type { ParsedEmbeddingRequest } from "./request.ts";
import type { CreateEmbeddingResponse } from "./types.ts";

/** The first `dimensions` values, with length 1; a vector of zeros stays one. */
function unit(vector: Float32Array, dimensions: number | undefined): Float32Array {
  const kept = vector.subarray(0, dimensions);
  const length = Math.sqrt(kept.reduce((sum, value) => sum + value * value, 0));
  return kept.map((value) => (length > 0 ? value / length : 0));
}

/** Little-endian float32, whatever this machine is. */
function base64(vector: Float32Array): string {
  const bytes = new DataView(new ArrayBuffer(4 * vector.length));
  vector.forEach((value, i) => bytes.setFloat32(4 * i, value, true));
  return btoa(Array.from(new Uint8Array(bytes.buffer), (byte) => String.fromCharCode(byte)).join(""));
}

export function embeddingResponse(model: string, { vectors, tokens }: Embeddings, request: ParsedEmbeddingRequest): CreateEmbeddingResponse<number[] | string> {
  const { call: { dimensions }, isBase64 } = request;
  const data = vectors.map((vector, index) => {
    const values = unit(vector, dimensions);
    return { object: "embedding" as const, index, embedding: isBase64 ? base64(values) : [...values] };
  });
  return { object: "list", data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}
