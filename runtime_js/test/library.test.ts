import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelLibrary } from "../src/executor/library.ts";
import { FeatureSupportError, ManifestError } from "../src/support/errors.ts";
import { fails } from "./fakes/expect.ts";

test("bytes that are no module are the model's fault", async () => {
  await assert.rejects(ModelLibrary.load(Uint8Array.of(1, 2, 3)), fails(ManifestError, /Build the model again/));
});

test("a page that forbids WebAssembly, or a browser without it, is told so", async (context) => {
  context.mock.method(WebAssembly, "compile", () => Promise.reject(new WebAssembly.CompileError("Refused to compile")));
  await assert.rejects(ModelLibrary.load(Uint8Array.of(1, 2, 3)), fails(FeatureSupportError, /Refused to compile.*wasm-unsafe-eval/));
  context.mock.restoreAll();
  const { WebAssembly: real } = globalThis;
  try {
    Reflect.deleteProperty(globalThis, "WebAssembly");
    await assert.rejects(ModelLibrary.load(Uint8Array.of(1, 2, 3)), FeatureSupportError);
  } finally {
    Object.assign(globalThis, { WebAssembly: real });
  }
});
