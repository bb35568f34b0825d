/** Reports of a load in WebLLM's words. */

import type { InitProgressReport as OwnReport } from "../engine/progress.ts";
import type { InitProgressReport } from "./types.ts";

const MEGA = 1e6;

/** Programs look for `progress === 1`, and show the text. */
export function reportOf({ phase, progress, timeElapsed, text, bytesDone, bytesTotal, computer }: OwnReport): InitProgressReport {
  const common = { progress, timeElapsed };
  const seconds = Math.round(timeElapsed);
  switch (phase) {
    case "weights": {
      const [done, total] = [Math.floor(bytesDone / MEGA), Math.ceil(bytesTotal / MEGA)];
      return {
        ...common,
        text: `Fetching param cache[${done}/${total}]: ${done}MB fetched. ${Math.floor(progress * 100)}% completed, ${seconds} secs elapsed.`,
      };
    }
    case "kernels":
      return { ...common, text: `Loading GPU shader modules. ${Math.floor(progress * 100)}% completed, ${seconds} secs elapsed.` };
    case "ready": {
      const where = computer?.device === "cpu" ? "the CPU" : `WebGPU${computer?.vendor === undefined ? "" : ` - ${computer.vendor}`}`;
      return { ...common, text: `Finish loading on ${where}` };
    }
    default:
      return { ...common, text };
  }
}
