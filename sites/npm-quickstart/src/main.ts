import { createEngine, MLCEngineError, type EngineTypes } from "smollm2-135m";

const status = document.querySelector<HTMLElement>("#status")!;
const form = document.querySelector<HTMLFormElement>("#form")!;
const question = document.querySelector<HTMLInputElement>("#question")!;
const button = document.querySelector<HTMLButtonElement>("#ask")!;
const answer = document.querySelector<HTMLElement>("#answer")!;

function showProgress(report: EngineTypes.InitProgressReport): void {
  status.textContent = `${report.phase}: ${Math.floor(report.progress * 100)} %`;
}

function showError(error: unknown): void {
  status.textContent = error instanceof MLCEngineError ? `${error.code}: ${error.message}` : String(error);
}

async function ask(engine: Awaited<ReturnType<typeof createEngine>>): Promise<void> {
  button.disabled = true;
  answer.textContent = "";
  try {
    const stream = await engine.chat.completions.create({
      messages: [{ role: "user", content: question.value }],
      max_tokens: 64,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      answer.textContent += chunk.choices[0]?.delta.content ?? "";
      if (chunk.usage) status.textContent = `${chunk.usage.completion_tokens} tokens, ${chunk.usage.extra.decode_tokens_per_s.toFixed(1)} a second.`;
    }
  } catch (error) {
    showError(error);
  } finally {
    button.disabled = false;
  }
}

async function main(): Promise<void> {
  const engine = await createEngine({ weights: "weights/", initProgressCallback: showProgress });
  status.textContent = "Ready.";
  button.disabled = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void ask(engine);
  });
}

main().catch(showError);
