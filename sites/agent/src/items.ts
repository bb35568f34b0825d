/** What the agent keeps: events and notes. */

/** Times are the visitor's own, as "2026-11-27T15:00". */
export interface Event {
  readonly title: string;
  readonly start: string;
  readonly end: string;
  readonly location: string;
  readonly details: string;
}

export interface Note {
  readonly title: string;
  readonly text: string;
}

/** An item as it is kept. Each change gives it another revision. */
export type Kept<T> = T & { readonly id: number; readonly revision: number };

/** Events, or notes. */
export interface Table<T> {
  /** By id. */
  all(): Promise<Kept<T>[]>;
  get(id: number): Promise<Kept<T> | undefined>;
  insert(item: T): Promise<Kept<T>>;
  /** Puts an item (null: nothing) in the place of a kept one; false where that is not as it was any more. */
  replace(kept: Kept<T>, item: T | null): Promise<boolean>;
}

export interface Items {
  readonly events: Table<Event>;
  readonly notes: Table<Note>;
}
