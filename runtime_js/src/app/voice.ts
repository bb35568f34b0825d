/** Speech, where the browser has it on this device: what would be sent to a server is not offered. */

/** As of the Web Speech API, which TypeScript's library has in part. */
interface Recognition extends EventTarget {
  lang: string;
  interimResults: boolean;
  continuous: boolean;
  processLocally: boolean;
  start(): void;
  stop(): void;
}

interface RecognitionClass {
  new (): Recognition;
  available?(options: { readonly langs: readonly string[]; readonly processLocally: boolean }): Promise<string>;
}

interface RecognitionResults {
  readonly results: Iterable<Iterable<{ readonly transcript: string }>>;
}

declare global {
  var SpeechRecognition: RecognitionClass | undefined;
}

/** What hears; undefined where there is none that works on this device for this language. */
export async function findRecognition(language: string): Promise<RecognitionClass | undefined> {
  const found = globalThis.SpeechRecognition;
  const state = await found?.available?.({ langs: [language], processLocally: true }).catch(() => undefined);
  return state === "available" ? found : undefined;
}

export class Dictation {
  readonly #class: RecognitionClass;
  readonly #language: string;
  #running: Recognition | undefined;

  constructor(recognition: RecognitionClass, language: string) {
    [this.#class, this.#language] = [recognition, language];
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** onText: gets all that was heard since the start. onEnd: nothing more comes. */
  start(onText: (text: string) => void, onEnd: () => void): void {
    const heard = this.#running = new this.#class();
    heard.lang = this.#language;
    heard.interimResults = heard.continuous = heard.processLocally = true;
    heard.addEventListener("result", (event) => { if (hasResults(event)) onText(transcriptOf(event)); });
    heard.addEventListener("end", () => {
      this.#running = undefined;
      onEnd();
    });
    heard.start();
  }

  stop(): void {
    this.#running?.stop();
  }
}

function hasResults(event: Event): event is Event & RecognitionResults {
  return "results" in event;
}

function transcriptOf({ results }: RecognitionResults): string {
  return [...results].map(([likeliest]) => likeliest?.transcript ?? "").join("");
}

/** A voice of this device for a language; undefined where there is none. Voices come late in some browsers. */
export function localVoice(language: string): SpeechSynthesisVoice | undefined {
  const [primary = ""] = language.split("-");
  const voices = "speechSynthesis" in globalThis ? speechSynthesis.getVoices().filter(({ localService }) => localService) : [];
  return voices.find(({ lang }) => lang === language) ?? voices.find(({ lang }) => lang.split(/[-_]/)[0] === primary);
}

/** Reads texts aloud, one at a time. */
export class ReadAloud {
  readonly #language: string;
  #text = "";

  constructor(language: string) {
    this.#language = language;
    localVoice(language); // some browsers look for voices when they are first asked
  }

  get isHere(): boolean {
    return localVoice(this.#language) !== undefined;
  }

  /** Read a text; the one that is being read is ended. */
  toggle(text: string): void {
    const wasRead = speechSynthesis.speaking && this.#text === text;
    speechSynthesis.cancel();
    const voice = localVoice(this.#language);
    if (wasRead || voice === undefined) return;
    this.#text = text;
    const utterance = new SpeechSynthesisUtterance(text);
    [utterance.voice, utterance.lang] = [voice, voice.lang];
    speechSynthesis.speak(utterance);
  }
}
