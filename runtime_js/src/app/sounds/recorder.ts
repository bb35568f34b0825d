/** Records what a microphone hears, in a dialog that says for how long it does. */

import { element } from "../../view/dom.ts";

/** What the dialog says. */
export interface RecorderWords {
  readonly title: string;
  readonly done: string;
  readonly cancel: string;
  /** Of seconds: how many of how many. */
  readonly time: (seconds: number, most: number) => string;
}

const TICK_MS = 200;

/** Stops by itself behind `most` seconds, and where the microphone goes away; undefined where the dialog is left. The stream ends with it. */
export async function record(stream: MediaStream, most: number, words: RecorderWords): Promise<Blob | undefined> {
  const time = element("p", { class: "recording", role: "timer" });
  const bar = element("progress", { max: String(most), value: "0", "aria-hidden": "true" });
  const done = element("button", { type: "button", class: "primary", autofocus: "" }, words.done);
  const leave = element("button", { type: "button", class: "second" }, words.cancel);
  const dialog = element("dialog", { class: "recorder", "aria-label": words.title }, time, bar, element("p", { class: "actions" }, done, leave));
  const recorder = new MediaRecorder(stream);
  const parts: Blob[] = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  const stopped = new Promise<void>((resolve) => recorder.addEventListener("stop", () => resolve(), { once: true })); // also where all tracks end
  let isWanted = true;
  const stop = (): void => { if (recorder.state !== "inactive") recorder.stop(); };
  done.addEventListener("click", stop);
  leave.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    isWanted = false;
    stop();
  });
  document.body.append(dialog);
  dialog.showModal();
  recorder.start();
  const begun = performance.now();
  const tell = (): void => {
    const seconds = Math.min(most, (performance.now() - begun) / 1000);
    time.textContent = words.time(seconds, most);
    bar.value = seconds;
    if (seconds >= most) stop();
  };
  tell();
  const timer = setInterval(tell, TICK_MS);
  await stopped;
  clearInterval(timer);
  for (const track of stream.getTracks()) track.stop();
  dialog.remove();
  return isWanted ? new Blob(parts, { type: recorder.mimeType }) : undefined;
}
