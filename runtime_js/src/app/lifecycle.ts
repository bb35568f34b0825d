/** What happens to a page beside its own work: it is hidden, frozen, closed, and sometimes comes back. */

const SAVE_MS = 2000;

export interface Living {
  /** Store what the page would lose if it ended now; nothing where there is nothing new. */
  save(): void;
  /** The page was frozen, or left and taken back: look whether everything still runs. */
  wake(): void;
}

export function followLife({ save, wake }: Living): void {
  addEventListener("pagehide", save);
  document.addEventListener("freeze", save);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") save(); // on a phone nothing may come after this
  });
  setInterval(save, SAVE_MS); // for the tab that crashes
  document.addEventListener("resume", wake);
  addEventListener("pageshow", (event) => {
    if (event.persisted) wake();
  });
}
