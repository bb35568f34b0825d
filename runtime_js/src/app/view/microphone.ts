/** A sound of what the device's microphone hears, where it has one and may be used. */

import type { LoadPart } from "../late_part.ts";
import { fill } from "../words/fill.ts";
import { formatClock } from "../words/format.ts";
import { WORDS } from "../words/words.ts";
import { nameNow } from "./camera.ts";
import { CaptureButton } from "./capture.ts";

export type LoadSounds = LoadPart<typeof import("../sounds/main.ts")>;

/** behind: the button that it stands behind. most: seconds that the model hears. */
export function microphoneButton(behind: HTMLElement, load: LoadSounds, most: () => number, onTaken: (file: File) => void): CaptureButton {
  const { record: title, recorded: done, recordedTime, microphoneRefused, noMicrophone } = WORDS.files;
  const time = (seconds: number, of: number): string => fill(recordedTime, { time: formatClock(seconds), most: formatClock(of) });
  return new CaptureButton(behind, "record", { label: title, refused: microphoneRefused, missing: noMicrophone }, { audio: true }, async (stream) => {
    const [part, seconds] = [await load(), most()];
    const recording = await part?.record(stream, seconds, { title, done, cancel: WORDS.page.cancel, time });
    for (const track of stream.getTracks()) track.stop();
    if (part !== undefined && recording !== undefined) onTaken(new File([await part.cut(recording, seconds)], nameNow("wav"), { type: "audio/wav" }));
  });
}
