/** What the model is told before all else. */

import type { Message } from "./agent.ts";

export function systemPrompt(now: Date): Message {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const weekday = new Intl.DateTimeFormat("en", { weekday: "long" }).format(now);
  return {
    role: "system",
    content: `You keep the user's calendar and notes by your tools. Now it is ${weekday}, ${localMinute(now)} (${timeZone}). Times of events are local, as 2026-11-27T15:00.
Before you change or delete something, find its id. The user is shown each change and allows or refuses it. When you are done, say in a sentence what you did or found.`,
  };
}

/** As "2026-11-27T15:00", in the visitor's time zone. */
export function localMinute(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}T${two(time.getHours())}:${two(time.getMinutes())}`;
}
