/** Light or dark: the system's choice, until the user makes another. */

import type { Keep } from "../keep.ts";
import { byId } from "./dom.ts";

const KEY = "webllm-build:theme";

export function followTheme(keep: Keep): void {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = keep.get(KEY);
  if (kept === "light" || kept === "dark") root.dataset["theme"] = kept;
  byId("theme", HTMLButtonElement).addEventListener("click", () => {
    const isDark = (root.dataset["theme"] ?? (system.matches ? "dark" : "light")) === "dark";
    const chosen = isDark ? "light" : "dark";
    root.dataset["theme"] = chosen;
    keep.set(KEY, chosen);
  });
}
