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

/** What browsers run or apply; a web page in a file's place is another matter. */
const KNOWN = /(java|ecma)script|^text\/(css|html)/i;

/** Replaces what the browser's cache has of a file, which may be that it is missing: "unnamed" is there, as something that no browser runs. */
async function renew(url: string): Promise<"there" | "unnamed" | "missing"> {
  try {
    const { ok, headers } = await fetch(url, { cache: "reload" });
    return !ok ? "missing" : KNOWN.test(headers.get("Content-Type") ?? "") ? "there" : "unnamed";
  } catch {
    return "missing";
  }
}

async function mend(file: string): Promise<void> {
  const times = timesMissed(file);
  if (isMended) return;
  isMended = true;
  const [page, part] = await Promise.all([renew(location.href), renew(file)]);
  const show = (): void => showIncomplete(part === "unnamed" ? "unnamed" : "incomplete");
  if (part !== "unnamed" && page !== "missing" && times < (part === "there" ? MOST_TRIES : 1)) location.reload();
  else if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", show);
  else show();
}

addEventListener("error", ({ target }) => {
  const file = fileOf(target);
  if (file !== undefined) void mend(file);
}, true);
