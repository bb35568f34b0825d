/** Light or dark: the system's choice, until the user makes another. What the browser draws around the page has the color of its header. */

import type { SafeStorage } from "../safe_storage.ts";
import { byId } from "../../view/dom.ts";

const KEY = "webllm-build:theme";

export function followTheme(storage: SafeStorage): void {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = storage.get(KEY);
  if (kept === "light" || kept === "dark") root.dataset["theme"] = kept;
  const paint = (): void => {
    const header = getComputedStyle(root).getPropertyValue("--surface");
    for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) meta.content = header;
  };
  system.addEventListener("change", paint);
  paint();
  byId("theme", HTMLButtonElement).addEventListener("click", () => {
    const isDark = (root.dataset["theme"] ?? (system.matches ? "dark" : "light")) === "dark";
    const chosen = isDark ? "light" : "dark";
    root.dataset["theme"] = chosen;
    paint();
    storage.set(KEY, chosen);
  });
}
