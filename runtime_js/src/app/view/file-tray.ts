/** The files that go with the next message: chosen, dropped, pasted, or taken by camera and microphone, and shown above the field. */

import { byId, element, icon } from "../../view/dom.ts";
import { shownFile } from "../../view/media.ts";
import { isSound, type Attachment, type MediaFile, type Message } from "../../view/message.ts";
import { MAX_BYTES, MAX_DESCRIPTION, OFFERED, isKept, kindOf } from "../media_file.ts";
import { MAX_FILES, MAX_FILE_BYTES, TEXT_TYPES, plainName, readTextFile } from "../text_file.ts";
import { fill } from "../words/fill.ts";
import { formatBytes, formatDuration, formatNumber, formatPlural } from "../words/format.ts";
import { WORDS } from "../words/words.ts";
import { cameraButton } from "./camera.ts";
import type { CaptureButton } from "./capture.ts";
import { microphoneButton, type LoadSounds } from "./microphone.ts";
import { showNotice } from "./notice.ts";

/** What the tray asks of the model. */
export interface TrayModel {
  /** Tokens of a text; undefined where the model is not there to count them. */
  countTokens(text: string): Promise<number | undefined>;
  /** Tokens of the context. */
  readonly room: number;
  /** Whether it takes pictures. */
  readonly sees: boolean;
  /** Seconds of sound that it takes at a time; 0 where it does not hear. */
  readonly hears: number;
  readonly loadSounds: LoadSounds;
}

type TrayFile = Attachment | MediaFile;

function isMedia(file: TrayFile): file is MediaFile {
  return "data" in file;
}

/** A picture that this browser can draw; else why not. */
async function readPicture(file: File): Promise<MediaFile | "noPicture"> {
  const drawn = await createImageBitmap(file).catch(() => undefined);
  drawn?.close();
  return drawn === undefined || !isKept("picture", file) ? "noPicture" : { name: plainName(file.name), data: file };
}

export class FileTray {
  readonly #list = byId("files", HTMLUListElement);
  readonly #picker = byId("file-picker", HTMLInputElement);
  readonly #button = byId("attach", HTMLButtonElement);
  readonly #camera: CaptureButton;
  readonly #microphone: CaptureButton;
  readonly #model: TrayModel;
  #files: readonly TrayFile[] = [];

  constructor(model: TrayModel) {
    this.#model = model;
    const taken = (file: File): void => void this.#add([file]);
    this.#microphone = microphoneButton(this.#button, model.loadSounds, () => this.#model.hears, taken);
    this.#camera = cameraButton(this.#button, taken);
    this.offer();
    this.#button.addEventListener("click", () => this.#picker.click());
    this.#picker.addEventListener("change", () => {
      void this.#add([...this.#picker.files ?? []]);
      this.#picker.value = ""; // the same file may be chosen again
    });
    const body = document.body;
    const holdsFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") === true && document.querySelector("dialog:modal") === null;
    const mark = (isOver: boolean): void => { body.toggleAttribute("data-drop", isOver); };
    addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      mark(true);
    });
    addEventListener("dragleave", (event) => { if (event.relatedTarget === null) mark(false); });
    addEventListener("drop", (event) => {
      mark(false);
      if (!holdsFiles(event)) return;
      event.preventDefault(); // the browser would open them
      void this.#add([...event.dataTransfer?.files ?? []]);
    });
    byId("prompt", HTMLTextAreaElement).addEventListener("paste", (event) => {
      const files = [...event.clipboardData?.files ?? []];
      if (files.length === 0) return;
      event.preventDefault();
      void this.#add(files);
    });
  }

  /** Offers what the model takes, whichever is chosen now. */
  offer(): void {
    const { sees, hears } = this.#model;
    this.#picker.accept = [...(sees ? [OFFERED.picture] : []), ...(hears > 0 ? [OFFERED.sound] : []), TEXT_TYPES].join(",");
    const { attachAll, attachPictures, attachSounds } = WORDS.files;
    const label = sees && hears > 0 ? attachAll : sees ? attachPictures : hears > 0 ? attachSounds : WORDS.page.attach;
    for (const name of ["aria-label", "title"]) this.#button.setAttribute(name, label);
    this.#camera.show(sees);
    this.#microphone.show(hears > 0);
  }

  /** Gives the files away: they are a message's now. */
  take(): Required<Pick<Message, "attachments" | "pictures" | "sounds">> {
    const files = this.#files;
    this.#show([]);
    const media = files.filter(isMedia);
    return { attachments: files.flatMap((file) => (isMedia(file) ? [] : [file])), pictures: media.filter((file) => !isSound(file)), sounds: media.filter(isSound) };
  }

  /** What goes with a message of a file; else why nothing does. */
  async #read(file: File): Promise<TrayFile | Exclude<keyof typeof WORDS.files, "tooMany"> | undefined> {
    const kind = kindOf(file);
    if (kind === undefined) return readTextFile(file);
    const { sees, hears, loadSounds } = this.#model;
    if (kind === "picture" ? !sees : hears === 0) return kind === "picture" ? "noSight" : "noHearing";
    if (file.size > MAX_BYTES[kind]) return "tooLarge";
    if (kind === "picture") return readPicture(file);
    const data = await (await loadSounds())?.readSound(file, hears);
    if (!(data instanceof Blob)) return data;
    return data.size > MAX_BYTES.sound ? "tooLarge" : { name: plainName(file.name), data };
  }

  async #add(chosen: readonly File[]): Promise<void> {
    const words = WORDS.files;
    const faults: string[] = [];
    const added: TrayFile[] = [];
    for (const file of chosen) {
      if (this.#files.length + added.length >= MAX_FILES) {
        faults.push(fill(words.tooMany, { count: formatNumber(MAX_FILES) }));
        break;
      }
      const read = await this.#read(file).catch(() => "notText" as const); // a folder, or a file that is gone
      const kind = kindOf(file);
      const size = formatBytes(kind === undefined ? MAX_FILE_BYTES : MAX_BYTES[kind]);
      if (typeof read === "string") faults.push(fill(words[read], { name: plainName(file.name), size, most: formatDuration(this.#model.hears) }));
      else if (read !== undefined) added.push(read);
    }
    if (faults.length > 0) showNotice("file", faults.join(" "));
    if (added.length > 0) this.#show([...this.#files, ...added]);
  }

  #show(files: readonly TrayFile[]): void {
    this.#files = files;
    this.#list.hidden = files.length === 0;
    const items = files.map((file) => this.#item(file));
    this.#list.replaceChildren(...items.map(({ item }) => item));
    void this.#measure(files, items.map(({ size }) => size));
  }

  /** Tells how long each text is, and where all of them are too long for the model. */
  async #measure(files: readonly TrayFile[], sizes: readonly HTMLElement[]): Promise<void> {
    const counts = await Promise.all(files.map((file) => (isMedia(file) ? undefined : this.#model.countTokens(file.text))));
    counts.forEach((tokens, i) => sizes[i]?.replaceChildren(tokens === undefined ? "" : formatPlural(WORDS.card.tokens, tokens)));
    const total = counts.reduce<number>((sum, tokens = 0) => sum + tokens, 0);
    if (files === this.#files && total > this.#model.room) showNotice("file", WORDS.files.tooLong);
  }

  #item(file: TrayFile): { readonly item: HTMLLIElement; readonly size: HTMLElement } {
    const size = element("span", { class: "small" });
    const label = fill(WORDS.files.remove, { name: file.name });
    const remove = element("button", { type: "button", class: "plain icon", "aria-label": label, title: label }, icon("close"));
    remove.addEventListener("click", () => this.#show(this.#files.filter((other) => other !== file)));
    const shown = isMedia(file) ? [shownFile(file), this.#description(file)] : [element("bdi", {}, file.name), size];
    return { item: element("li", {}, ...shown, remove), size };
  }

  /** What it shows, or what is heard, may be written, for those who do not see or hear it. */
  #description(media: MediaFile): HTMLInputElement {
    const label = fill(isSound(media) ? WORDS.files.transcribe : WORDS.files.describe, { name: media.name });
    const field = element("input", { type: "text", dir: "auto", maxlength: String(MAX_DESCRIPTION), placeholder: label, "aria-label": label });
    field.value = media.description ?? "";
    field.addEventListener("change", () => {
      this.#show(this.#files.map((file) => (file === media ? { ...media, description: field.value.trim() } : file)));
    });
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); }); // it is no message
    return field;
  }
}
