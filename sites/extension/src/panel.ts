/** The side panel: asks the model about the page on which the extension's button was clicked. */

import type { ExtensionServiceWorkerMLCEngine } from "smollm2-135m";
import { forget, keep, turnsOf } from "./history";
import { CONTEXT, openModel } from "./model";
import { fit } from "./prompt";
import { chosenTab, onChoice, textOf, type ChosenTab } from "./tab";
import * as view from "./view";

const { id: windowId } = await chrome.windows.getCurrent();
if (windowId === undefined) throw new Error("the panel is in no window");
const here = windowId;

let engine: ExtensionServiceWorkerMLCEngine | undefined;
let tab: ChosenTab | undefined;
let isAnswering = false;
let isStopped = false;

function update(): void {
  view.ask.disabled = engine === undefined || tab === undefined;
  view.ask.hidden = isAnswering;
  view.stop.hidden = !isAnswering;
}

async function load(): Promise<void> {
  view.hideProblem();
  view.showLoading(0);
  try {
    engine = await openModel(({ progress, text }) => view.showLoading(progress, text));
    view.showStatus("Ready. The model runs on this device.");
  } catch (error) {
    view.showProblem(error, true);
  }
  view.showLoading(undefined);
  update();
}

/** Shows the page that is chosen, and what was asked about it; while an answer comes, that stays in view. */
async function showChoice(): Promise<void> {
  if (isAnswering) return;
  tab = await chosenTab(here);
  view.showPage(tab);
  view.showTurns(tab === undefined ? [] : await turnsOf(tab.url));
  update();
}

async function answer(model: ExtensionServiceWorkerMLCEngine, page: ChosenTab, question: string): Promise<void> {
  const text = await textOf(page);
  const turns = await turnsOf(page.url);
  const { messages, maxTokens, share } = await fit(model, page.title, text, turns, question, CONTEXT);
  const part = share < 1 ? `The page is long: the answer is from its first ${Math.max(1, Math.floor(share * 100))} %. ` : "";
  view.showStatus(part);
  const write = view.addTurn(question);
  let said = "";
  let isCut = false;
  try {
    const chunks = await model.chat.completions.create({ messages, max_tokens: maxTokens, temperature: 0, stream: true });
    for await (const { choices: [choice] } of chunks) {
      if (isStopped) break; // which ends the answer
      write(said += choice?.delta.content ?? "");
      isCut = choice?.finish_reason === "length";
    }
  } finally {
    if (said !== "") await keep(page.url, [...turns, { question, answer: said }]);
  }
  view.showStatus(part + (isStopped ? "Stopped." : isCut ? "The answer reached its greatest length." : ""));
}

async function ask(model: ExtensionServiceWorkerMLCEngine, page: ChosenTab): Promise<void> {
  const question = view.question.value.trim();
  if (question === "" || isAnswering) return;
  isAnswering = true;
  isStopped = false;
  update();
  view.hideProblem();
  view.showStatus("Reading the page…");
  view.question.value = "";
  try {
    await answer(model, page, question);
  } catch (error) {
    view.showStatus("");
    view.showProblem(error);
    view.question.value ||= question;
  }
  isAnswering = false;
  await showChoice();
}

view.form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (engine !== undefined && tab !== undefined) void ask(engine, tab);
});
view.question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  view.form.requestSubmit(view.ask);
});
view.stop.addEventListener("click", () => {
  isStopped = true;
  void engine?.interruptGenerate(); // also while the model still reads the page
});
view.retry.addEventListener("click", () => void load());
view.clear.addEventListener("click", () => {
  if (tab !== undefined && !isAnswering) void forget(tab.url).then(showChoice);
});
onChoice(here, () => void showChoice());
await showChoice();
await load();
