/**
 * Entry point of the script that stands in a page itself, before all that could be missing. A page without its script, or its style, is loaded again past
 * the caches, once, and again where the file has come meanwhile; whoever reads it hears of it then.
 */

import { timesMissed, showIncomplete } from "./missing.ts";

/** A file that comes to this script and not to the page is not to be had. */
const MOST_TRIES = 3;

let isMended = false;

/** The file that an element stands for; undefined where the page can do without. */
function fileOf(element: EventTarget | null): string | undefined {
  if (element instanceof HTMLScriptElement) return element.src;
  return element instanceof HTMLLinkElement && element.rel === "stylesheet" ? element.href : undefined;
}

/** Replaces what the browser's cache has of a file, which may be that it is missing; whether it is there. */
const renew = (url: string): Promise<boolean> => fetch(url, { cache: "reload" }).then(({ ok }) => ok, () => false);

async function mend(file: string): Promise<void> {
  const times = timesMissed(file);
  if (isMended) return;
  isMended = true;
  const [hasPage, hasFile] = await Promise.all([renew(location.href), renew(file)]);
  if (hasPage && times < (hasFile ? MOST_TRIES : 1)) location.reload();
  else if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", showIncomplete);
  else showIncomplete();
}

addEventListener("error", ({ target }) => {
  const file = fileOf(target);
  if (file !== undefined) void mend(file);
}, true);
