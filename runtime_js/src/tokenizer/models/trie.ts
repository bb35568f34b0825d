/** Tokens by their characters. */
export class Trie {
  readonly below = new Map<number, Trie>();
  token = -1;

  add(text: string, token: number): void {
    let node: Trie = this;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      let inner = node.below.get(unit);
      if (inner === undefined) {
        inner = new Trie();
        node.below.set(unit, inner);
      }
      node = inner;
    }
    node.token = token;
  }
}
