/** Light or dark: the system's choice, until the user makes another. */

import { byId } from "./dom.ts";

const KEY = "webllm-build:theme";

export function followTheme(): void {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  try {
    const stored = localStorage.getItem(KEY);
    if (stored === "light" || stored === "dark") root.dataset["theme"] = stored;
  } catch {
    // Storage is forbidden: the system's choice it is.
  }
  byId("theme", HTMLButtonElement).addEventListener("click", () => {
    const dark = (root.dataset["theme"] ?? (system.matches ? "dark" : "light")) === "dark";
    root.dataset["theme"] = dark ? "light" : "dark";
    try {
      localStorage.setItem(KEY, root.dataset["theme"]);
    } catch {
      // It lasts as long as the page.
    }
  });
}
