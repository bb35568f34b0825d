/** Why nothing comes just now. network: there is none. retry: an attempt failed, and the next comes soon. browser: it owes something. */
export const WAITS = ["network", "retry", "otherTab", "browser", "script"] as const;

/** In English, and by kind for pages in other languages. */
export interface Wait {
  readonly kind: (typeof WAITS)[number];
  readonly text: string;
}
