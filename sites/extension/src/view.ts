/** What the panel shows. Texts of pages and of the model are set as text, and so can be nothing else. */

import type { Turn } from "./prompt";

function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`panel.html has no ${id}`);
  return found;
}

export const form = element("form", HTMLFormElement);
export const question = element("question", HTMLTextAreaElement);
export const ask = element("ask", HTMLButtonElement);
export const stop = element("stop", HTMLButtonElement);
export const clear = element("clear", HTMLButtonElement);
export const retry = element("retry", HTMLButtonElement);
const title = element("title", HTMLHeadingElement);
const address = element("address", HTMLParagraphElement);
const hint = element("hint", HTMLParagraphElement);
const loading = element("loading", HTMLElement);
const progress = element("progress", HTMLProgressElement);
const detail = element("detail", HTMLParagraphElement);
const problem = element("problem", HTMLDivElement);
const reason = element("reason", HTMLParagraphElement);
const status = element("status", HTMLParagraphElement);
const turns = element("turns", HTMLOListElement);

export function showPage(page: { readonly title: string; readonly url: string } | undefined): void {
  title.textContent = page === undefined ? "No page yet" : page.title || "Untitled";
  address.textContent = page === undefined ? "" : new URL(page.url).host;
  hint.hidden = page !== undefined;
}

/** done: 0 to 1; undefined where nothing is loaded any more. */
export function showLoading(done: number | undefined, text = ""): void {
  loading.hidden = done === undefined;
  progress.value = done ?? 1;
  detail.textContent = text;
}

export function showProblem(error: unknown, canRetry = false): void {
  problem.hidden = false;
  reason.textContent = error instanceof Error ? error.message : String(error);
  retry.hidden = !canRetry;
}

export function hideProblem(): void {
  problem.hidden = true;
}

export function showStatus(text: string): void {
  status.textContent = text;
}

export function showTurns(all: readonly Turn[]): void {
  turns.replaceChildren();
  for (const turn of all) addTurn(turn.question)(turn.answer);
  clear.hidden = all.length === 0;
}

/** Returns what sets the answer's text. */
export function addTurn(asked: string): (answer: string) => void {
  const [item, yours, its] = [document.createElement("li"), document.createElement("p"), document.createElement("p")];
  yours.className = "question";
  yours.textContent = asked;
  its.className = "answer";
  item.append(yours, its);
  turns.append(item);
  item.scrollIntoView({ block: "end" });
  return (answer) => {
    const main = document.scrollingElement;
    const isAtEnd = main === null || main.scrollTop + main.clientHeight > main.scrollHeight - 80;
    its.textContent = answer;
    if (isAtEnd) item.scrollIntoView({ block: "end" });
  };
}
