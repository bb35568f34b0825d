/** The Prompt API as programs have its types (@types/dom-chromium-ai), and ours in its place: but for what extensions alone have. This is tested by compiling it. */

import type { LanguageModelSession, LanguageModelStatic } from "../../../dist/adapters/prompt_api/index.d.ts";

type Fits<From extends To, To> = From;
type Session = Omit<LanguageModel, "topK" | "temperature" | "clone">;

export type Static = [
  Fits<LanguageModelStatic["create"], (options?: LanguageModelCreateOptions) => Promise<Session>>,
  Fits<LanguageModelStatic["availability"], typeof LanguageModel.availability>,
];
export type Sessions = [
  Fits<LanguageModelSession, Session>,
  Fits<LanguageModelSession["clone"], (options?: LanguageModelCloneOptions) => Promise<Session>>,
];

export async function program(models: LanguageModelStatic, prompt: LanguageModelPrompt, options: LanguageModelPromptOptions): Promise<void> {
  const session = await models.create({
    monitor(monitor) {
      monitor.addEventListener("downloadprogress", ({ loaded }) => console.log(loaded * 100));
      monitor.ondownloadprogress = ({ loaded }: ProgressEvent) => console.log(loaded);
    },
    initialPrompts: [{ role: "system", content: "You are brief." }],
  });
  session.oncontextoverflow = ({ type }) => console.log(type);
  session.addEventListener("contextoverflow", () => console.log(session.contextUsage / session.contextWindow));
  console.log(await session.prompt(prompt, options), await session.prompt("yes or no?", { responseConstraint: /yes|no/ }));
  for await (const piece of session.promptStreaming(prompt, options)) console.log(piece);
}
