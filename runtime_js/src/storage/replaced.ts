import { isPage } from "./response.ts";

/** Whether a manifest is gone from its server. A new build takes the old one's files away: pages that were open then ask in vain. */
export async function isReplaced(manifestUrl: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(manifestUrl, { method: "HEAD", cache: "no-store", referrerPolicy: "no-referrer", signal });
    return response.status === 404 || response.status === 410 || (response.ok && isPage(response));
  } catch {
    return false; // no network now: nobody knows
  }
}
