/** The calendar, as an agenda of days, and the notes. */

import type { Event, Items, Kept } from "../items.ts";
import { localMinute } from "../prompt.ts";
import { byId, element } from "./dom.ts";

const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric" });

export class ItemsView {
  readonly #agenda = byId("agenda", HTMLElement);
  readonly #notes = byId("notes", HTMLUListElement);

  async render({ events, notes }: Items): Promise<void> {
    const [allEvents, allNotes] = await Promise.all([events.all(), notes.all()]);
    const days = Map.groupBy(allEvents.sort((one, other) => (one.start < other.start ? -1 : 1)), ({ start }) => start.slice(0, 10));
    const today = localMinute(new Date()).slice(0, 10);
    this.#agenda.replaceChildren(...[...days].map(([day, found]) => element("section", { className: day < today ? "past" : day === today ? "today" : "" },
      element("h3", { textContent: dayName(day) }), element("ul", {}, ...found.map(eventItem)))));
    if (days.size === 0) this.#agenda.append(element("p", { className: "none", textContent: "No events." }));
    this.#notes.replaceChildren(...allNotes.map(({ title, text }) => element("li", {},
      element("strong", { textContent: title }), element("p", { className: "note-text", textContent: text }))));
    if (allNotes.length === 0) this.#notes.append(element("li", { className: "none", textContent: "No notes." }));
  }
}

function eventItem({ title, start, end, location, details }: Kept<Event>): HTMLLIElement {
  const until = end.slice(0, 10) === start.slice(0, 10) ? end.slice(11) : `${dayName(end.slice(0, 10))}, ${end.slice(11)}`;
  const item = element("li", {}, element("span", { className: "time", textContent: `${start.slice(11)} – ${until}` }), element("strong", { textContent: title }));
  for (const more of [location, details]) if (more !== "") item.append(element("p", { textContent: more }));
  return item;
}

function dayName(day: string): string {
  return DAY.format(new Date(`${day}T12:00`));
}
