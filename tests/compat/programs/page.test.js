/** What a component's test does: the package is imported in jsdom, which has neither workers nor WebGPU, and nothing happens. */

import { createEngine, MLCEngineError } from "tiny";
import "tiny/element";
import { createLanguageModel } from "tiny/prompt-api";
import { useChat } from "tiny/react";
import { expect, test } from "vitest";

test("importing is enough, and an engine says what it lacks", async () => {
  expect(typeof document).toBe("object");
  expect(typeof useChat).toBe("function");
  document.body.innerHTML = "<llm-chat>Ask me.</llm-chat>";
  expect(document.querySelector("llm-chat").textContent).toBe("Ask me.");
  await expect(createLanguageModel({ device: "gpu" }).create()).rejects.toBeInstanceOf(MLCEngineError);
  await expect(createEngine({ device: "gpu" })).rejects.toBeInstanceOf(MLCEngineError);
});
