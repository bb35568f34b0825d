/** What a page does where a file of it is missing: the page came from a cache, or half of its build is on the server. */

const MISSING = "webllm-build:missing:";

/** How often this tab's page has lacked that before. Where nothing can be remembered, a page that was loaded again is given up. */
export function timesMissed(what: string): number {
  try {
    const times = Number(sessionStorage.getItem(MISSING + what));
    sessionStorage.setItem(MISSING + what, String(times + 1));
    return times;
  } catch {
    const [navigation] = performance.getEntriesByType("navigation");
    return navigation instanceof PerformanceNavigationTiming && navigation.type === "reload" ? Infinity : 0;
  }
}

/** Say that the page is not whole, or that its server does not say what its files are. */
export function showIncomplete(id: "incomplete" | "unnamed" = "incomplete"): void {
  document.documentElement.dataset["said"] = ""; // nothing else will
  document.getElementById(id)?.removeAttribute("hidden");
}
