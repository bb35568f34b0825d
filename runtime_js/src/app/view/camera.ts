/** A picture of what the device's camera sees, where it has one and may be used. */

import { element } from "../../view/dom.ts";
import { WORDS } from "../words/words.ts";
import { CaptureButton } from "./capture.ts";

const TYPE = "image/jpeg";

/** behind: the button that it stands behind. */
export function cameraButton(behind: HTMLElement, onTaken: (file: File) => void): CaptureButton {
  const { camera, cameraRefused, noCamera } = WORDS.files;
  const wants = { video: { facingMode: "environment" } };
  return new CaptureButton(behind, "camera", { label: camera, refused: cameraRefused, missing: noCamera }, wants, (stream) => show(stream, onTaken));
}

/** When it was taken, as a file's name. */
export const nameNow = (extension: string): string => `${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.${extension}`;

async function show(stream: MediaStream, onTaken: (file: File) => void): Promise<void> {
  const video = element("video", { playsinline: "", "aria-label": WORDS.files.camera });
  video.muted = true;
  video.srcObject = stream;
  const shutter = element("button", { type: "button", class: "primary", autofocus: "" }, WORDS.files.capture);
  const leave = element("button", { type: "button", class: "second" }, WORDS.page.cancel);
  const dialog = element("dialog", { class: "picture-dialog", "aria-label": WORDS.files.camera }, video, element("p", { class: "actions" }, shutter, leave));
  shutter.addEventListener("click", () => void take(video, onTaken).then(() => dialog.close()));
  leave.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    for (const track of stream.getTracks()) track.stop();
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  await video.play().catch(() => undefined); // it was closed meanwhile
}

async function take(video: HTMLVideoElement, onTaken: (file: File) => void): Promise<void> {
  const canvas = element("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  const taken = await new Promise<Blob | null>((resolve) => { canvas.toBlob(resolve, TYPE, 0.92); });
  if (taken !== null) onTaken(new File([taken], nameNow("jpg"), { type: TYPE }));
}
