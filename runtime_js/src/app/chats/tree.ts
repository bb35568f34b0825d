/** The messages of a chat as a tree. Whatever the parents say, there is a way from every message to a first one, and it ends. */

import type { Branch } from "../../view/branches.ts";
import type { ChatMessage } from "./record.ts";

const inOrder = (a: ChatMessage, b: ChatMessage): number => a.at - b.at || (a.id < b.id ? -1 : 1);

export class MessageTree {
  readonly #messages = new Map<string, ChatMessage>();
  /** By parent, in the order in which they came; made when it is wanted. */
  #children: Map<string | undefined, ChatMessage[]> | undefined;

  #latest = 0;

  constructor(messages: Iterable<ChatMessage> = []) {
    for (const message of messages) this.put(message);
  }

  /** When the latest message was begun; 0 where there is none. */
  get latest(): number {
    return this.#latest;
  }

  get all(): readonly ChatMessage[] {
    return [...this.#messages.values()];
  }

  get(id: string | undefined): ChatMessage | undefined {
    return id === undefined ? undefined : this.#messages.get(id);
  }

  put(message: ChatMessage): void {
    const former = this.#messages.get(message.id);
    this.#messages.set(message.id, message);
    this.#latest = Math.max(this.#latest, message.at);
    if (former?.at !== message.at || former.parent !== message.parent) this.#children = undefined;
  }

  /** From the first message to this one. A parent that is not there, or that stands below, counts as none. */
  pathTo(id: string | undefined): ChatMessage[] {
    const path: ChatMessage[] = [];
    const seen = new Set<string>();
    for (let at = this.get(id); at !== undefined && !seen.has(at.id); at = this.get(at.parent)) {
      seen.add(at.id);
      path.push(at);
    }
    return path.reverse();
  }

  /** Ids of this message and its alternatives, in the order in which they came. */
  alternatives({ id, parent, role }: ChatMessage): readonly string[] {
    const found = this.#below(this.get(parent)?.id).map((child) => this.#messages.get(child.id) ?? child).filter((child) => child.role === role);
    return found.length > 0 ? found.map((child) => child.id) : [id];
  }

  branchOf(message: ChatMessage): Branch {
    const all = this.alternatives(message);
    return { number: all.indexOf(message.id) + 1, of: all.length };
  }

  /** The end of what was written last below this message, or of all. */
  latestBelow(id: string | undefined): string | undefined {
    const seen = new Set<string>();
    let at = id;
    for (let next = this.#below(at).at(-1); next !== undefined && !seen.has(next.id); next = this.#below(at).at(-1)) {
      seen.add(next.id);
      at = next.id;
    }
    return at;
  }

  #below(parent: string | undefined): readonly ChatMessage[] {
    if (this.#children === undefined) {
      this.#children = new Map();
      for (const message of [...this.all].sort(inOrder)) {
        const above = this.get(message.parent)?.id;
        const known = this.#children.get(above);
        if (known === undefined) this.#children.set(above, [message]);
        else known.push(message);
      }
    }
    return this.#children.get(parent) ?? [];
  }
}
