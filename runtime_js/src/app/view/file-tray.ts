/** The files that go with the next message: chosen, dropped, pasted or taken by the camera, and shown above the field. */

import { byId, element, icon } from "../../view/dom.ts";
import type { Attachment, Picture } from "../../view/message.ts";
import { thumbnail } from "../../view/pictures.ts";
import { MAX_DESCRIPTION, MAX_PICTURE_BYTES, PICTURE_TYPES, isPictureFile } from "../picture_file.ts";
import { MAX_FILES, MAX_FILE_BYTES, TEXT_TYPES, plainName, readTextFile } from "../text_file.ts";
import { fill } from "../words/fill.ts";
import { formatBytes, formatNumber, formatPlural } from "../words/format.ts";
import { WORDS } from "../words/words.ts";
import { CameraButton } from "./camera.ts";
import { showNotice } from "./notice.ts";

/** What the tray asks of the model. */
export interface TrayModel {
  /** Tokens of a text; undefined where the model is not there to count them. */
  countTokens(text: string): Promise<number | undefined>;
  /** Tokens of the context. */
  readonly room: number;
  /** Whether it takes pictures. */
  readonly sees: boolean;
}

type TrayFile = Attachment | Picture;

function isPicture(file: TrayFile): file is Picture {
  return "data" in file;
}

/** A picture that this browser can draw; else why not. */
async function readPicture(file: File): Promise<Picture | "tooLarge" | "noPicture"> {
  if (file.size > MAX_PICTURE_BYTES) return "tooLarge";
  const drawn = await createImageBitmap(file).catch(() => undefined);
  drawn?.close();
  return drawn === undefined || !PICTURE_TYPES.split(",").includes(file.type) ? "noPicture" : { name: plainName(file.name), data: file };
}

export class FileTray {
  readonly #list = byId("files", HTMLUListElement);
  readonly #picker = byId("file-picker", HTMLInputElement);
  readonly #button = byId("attach", HTMLButtonElement);
  readonly #camera: CameraButton;
  readonly #model: TrayModel;
  #files: readonly TrayFile[] = [];

  constructor(model: TrayModel) {
    this.#model = model;
    this.#camera = new CameraButton(this.#button, (file) => void this.#add([file]));
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
    const { sees } = this.#model;
    this.#picker.accept = sees ? `${PICTURE_TYPES},${TEXT_TYPES}` : TEXT_TYPES;
    const label = sees ? WORDS.files.attachAll : WORDS.page.attach;
    for (const name of ["aria-label", "title"]) this.#button.setAttribute(name, label);
    this.#camera.show(sees);
  }

  /** Gives the files away: they are a message's now. */
  take(): { readonly attachments: readonly Attachment[]; readonly pictures: readonly Picture[] } {
    const files = this.#files;
    this.#show([]);
    return { attachments: files.flatMap((file) => (isPicture(file) ? [] : [file])), pictures: files.filter(isPicture) };
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
      const shows = isPictureFile(file);
      const read = shows && !this.#model.sees ? "noSight" as const
        : await (shows ? readPicture(file) : readTextFile(file)).catch(() => "notText" as const); // a folder, or a file that is gone
      if (typeof read === "string") faults.push(fill(words[read], { name: plainName(file.name), size: formatBytes(shows ? MAX_PICTURE_BYTES : MAX_FILE_BYTES) }));
      else added.push(read);
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
    const counts = await Promise.all(files.map((file) => (isPicture(file) ? undefined : this.#model.countTokens(file.text))));
    counts.forEach((tokens, i) => sizes[i]?.replaceChildren(tokens === undefined ? "" : formatPlural(WORDS.card.tokens, tokens)));
    const total = counts.reduce<number>((sum, tokens = 0) => sum + tokens, 0);
    if (files === this.#files && total > this.#model.room) showNotice("file", WORDS.files.tooLong);
  }

  #item(file: TrayFile): { readonly item: HTMLLIElement; readonly size: HTMLElement } {
    const size = element("span", { class: "small" });
    const label = fill(WORDS.files.remove, { name: file.name });
    const remove = element("button", { type: "button", class: "plain icon", "aria-label": label, title: label }, icon("close"));
    remove.addEventListener("click", () => this.#show(this.#files.filter((other) => other !== file)));
    const shown = isPicture(file) ? [thumbnail(file), this.#description(file)] : [element("bdi", {}, file.name), size];
    return { item: element("li", {}, ...shown, remove), size };
  }

  /** What the picture shows may be written, for those who do not see it. */
  #description(picture: Picture): HTMLInputElement {
    const label = fill(WORDS.files.describe, { name: picture.name });
    const field = element("input", { type: "text", dir: "auto", maxlength: String(MAX_DESCRIPTION), placeholder: label, "aria-label": label });
    field.value = picture.description ?? "";
    field.addEventListener("change", () => {
      this.#show(this.#files.map((file) => (file === picture ? { ...picture, description: field.value.trim() } : file)));
    });
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); }); // it is no message
    return field;
  }
}
