/** The fields of the settings dialog ↔ Settings. */

import { OVERFLOWS } from "../../engine/overflow.ts";
import { DEVICES } from "../../executor/devices.ts";
import type { SiteModel, ThinkingControl } from "../../page/config.ts";
import { byId } from "../../view/dom.ts";
import { ANSWERS, EFFORTS, FORMS, MAX_STOPS, THINKING, type Settings } from "../settings.ts";
import { fill } from "../words/fill.ts";
import { formatNumber } from "../words/format.ts";
import { LOCALE, WORDS } from "../words/words.ts";

/** Each has a number. */
const NUMBERS = {
  temperature: "temperature", topP: "top-p", topK: "top-k", minP: "min-p", repetitionPenalty: "repetition-penalty",
  frequencyPenalty: "frequency-penalty", presencePenalty: "presence-penalty", maxTokens: "max-tokens",
} as const;
/** Each may be empty. */
const OPTIONAL_NUMBERS = { seed: "seed", thinkingBudget: "thinking-budget" } as const;
const CHOICES = { thinking: "thinking", effort: "effort", form: "form", overflow: "overflow", device: "device" } as const;

const THINKING_FIELDS: Readonly<Record<ThinkingControl, string>> = { switch: "thinking-choice", effort: "effort-choice", budget: "budget-choice" };

function entries<K extends string>(record: Readonly<Record<K, string>>): [K, string][] {
  const all: [K, string][] = [];
  for (const key in record) all.push([key, record[key]]);
  return all;
}

const input = (id: string): HTMLInputElement => byId(id, HTMLInputElement);
const area = (id: string): HTMLTextAreaElement => byId(id, HTMLTextAreaElement);
const select = (id: string): HTMLSelectElement => byId(id, HTMLSelectElement);

/** A slider takes the nearest of its steps: a number between two would be another when it is read again. */
function setNumber(field: HTMLInputElement, value: number): void {
  field.value = String(value);
  if (field.valueAsNumber === value) return;
  field.step = "any";
  field.value = String(value);
}

function chosen<const T extends string>(id: string, choices: readonly [T, ...T[]]): T {
  const { value } = select(id);
  return choices.find((choice) => choice === value) ?? choices[0];
}

export class SettingsForm {
  /** Of a site with a remote model. */
  readonly #answers = document.querySelector<HTMLSelectElement>("select#answers");
  readonly #schema = area("schema");

  constructor() {
    byId("settings-form", HTMLFormElement).addEventListener("input", () => this.#showValues());
    const more = byId("more-settings", HTMLDetailsElement);
    more.addEventListener("invalid", () => { more.open = true; }, true); // a browser shows what is wrong where it can be seen
  }

  /** Say what the model's makers recommend, and show what it can be told. */
  describe({ sampling, thinking }: SiteModel): void {
    for (const name of ["temperature", "topP", "topK", "minP", "repetitionPenalty"] as const) {
      const value = sampling[name];
      byId(`${NUMBERS[name]}-own`, HTMLElement).textContent = value === undefined ? "" : fill(WORDS.own, { value: formatNumber(value, 6) });
    }
    for (const [control, id] of entries(THINKING_FIELDS)) byId(id, HTMLElement).hidden = !thinking.includes(control);
  }

  fill(settings: Settings): void {
    area("system-prompt").value = settings.systemPrompt;
    for (const [name, id] of entries(NUMBERS)) setNumber(input(id), settings[name]);
    for (const [name, id] of entries(OPTIONAL_NUMBERS)) input(id).value = settings[name]?.toString() ?? "";
    for (const [name, id] of entries(CHOICES)) select(id).value = settings[name];
    area("stop-texts").value = settings.stop.join("\n");
    input("ignore-end").checked = settings.ignoreEnd;
    this.#schema.value = settings.schema;
    select("context-length").value = String(settings.contextLength);
    if (this.#answers !== null) this.#answers.value = settings.answers;
    this.#showValues();
  }

  read(): Settings {
    const number = (id: string): number => input(id).valueAsNumber;
    const optional = (id: string): number | undefined => (input(id).value === "" ? undefined : number(id));
    return {
      systemPrompt: area("system-prompt").value,
      temperature: number(NUMBERS.temperature), topP: number(NUMBERS.topP), topK: number(NUMBERS.topK), minP: number(NUMBERS.minP),
      repetitionPenalty: number(NUMBERS.repetitionPenalty), frequencyPenalty: number(NUMBERS.frequencyPenalty),
      presencePenalty: number(NUMBERS.presencePenalty), maxTokens: number(NUMBERS.maxTokens),
      seed: optional(OPTIONAL_NUMBERS.seed), thinkingBudget: optional(OPTIONAL_NUMBERS.thinkingBudget),
      stop: area("stop-texts").value.split("\n").filter((text) => text !== "").slice(0, MAX_STOPS),
      ignoreEnd: input("ignore-end").checked,
      thinking: chosen("thinking", THINKING), effort: chosen("effort", EFFORTS), form: chosen("form", FORMS), overflow: chosen("overflow", OVERFLOWS),
      schema: this.#schema.value,
      contextLength: Number(select("context-length").value),
      device: chosen("device", DEVICES),
      answers: ANSWERS.find((answers) => answers === this.#answers?.value) ?? "auto",
    };
  }

  /** Whether that is what was filled in, unchanged. */
  has(settings: Settings): boolean {
    const inOrder = (all: Settings): string => JSON.stringify(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
    return inOrder(this.read()) === inOrder(settings);
  }

  get #wantsSchema(): boolean {
    return select("form").value === "schema";
  }

  #showValues(): void {
    for (const id of [NUMBERS.temperature, NUMBERS.topP]) {
      byId(`${id}-value`, HTMLOutputElement).value = input(id).valueAsNumber.toLocaleString(LOCALE, { minimumFractionDigits: 2 });
    }
    byId("schema-choice", HTMLElement).hidden = !this.#wantsSchema;
    this.#blame("");
  }

  /** Whether the schema can be followed; says at its field why not. check: gives what is wrong. */
  async checkSchema(check: (schema: string) => Promise<string | undefined>): Promise<boolean> {
    const fault = this.#wantsSchema ? await check(this.#schema.value) : undefined;
    this.#blame(fault === undefined ? "" : fill(WORDS.schemaWrong, { reason: fault }));
    if (fault !== undefined) {
      byId("more-settings", HTMLDetailsElement).open = true;
      this.#schema.focus();
    }
    return fault === undefined;
  }

  #blame(text: string): void {
    byId("schema-fault", HTMLElement).textContent = text;
    this.#schema.setAttribute("aria-invalid", String(text !== ""));
  }
}
