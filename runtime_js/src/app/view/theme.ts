/** Light or dark: the system's choice, until the user makes another. */

import type { SafeStorage } from "../safe_storage.ts";
import { byId } from "../../view/dom.ts";

const KEY = "webllm-build:theme";

export function followTheme(storage: SafeStorage): void {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = storage.get(KEY);
  if (kept === "light" || kept === "dark") root.dataset["theme"] = kept;
  byId("theme", HTMLButtonElement).addEventListener("click", () => {
    const isDark = (root.dataset["theme"] ?? (system.matches ? "dark" : "light")) === "dark";
    const chosen = isDark ? "light" : "dark";
    root.dataset["theme"] = chosen;
    storage.set(KEY, chosen);
  });
}
