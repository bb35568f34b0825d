import assert from "node:assert/strict";
import { test } from "node:test";
import { PrefixTree } from "../src/engine/prefix_tree.ts";
import { randomFrom } from "./fakes/random.ts";

function common(a: readonly number[], b: readonly number[]): number {
  const difference = a.findIndex((token, i) => token !== b[i]);
  return difference < 0 ? a.length : difference;
}

test("a tree gives what a comparison with every list gives, through thousands of changes", () => {
  const random = randomFrom(7);
  const below = (most: number): number => Math.floor(random() * most);
  const list = (): number[] => Array.from({ length: below(9) }, () => below(3));
  const tree = new PrefixTree<number>();
  const lists = new Map<number, readonly number[]>();
  for (let round = 0; round < 4000; round++) {
    const value = below(30);
    const known = lists.get(value);
    if (random() < 0.3) {
      tree.delete(value);
      lists.delete(value);
    } else {
      const tokens = known === undefined ? list() : [...known, ...list().slice(0, 2)];
      tree.set(value, tokens);
      lists.set(value, tokens);
    }
    const asked = list();
    const matches = [...tree.matches(asked)];
    assert.deepEqual(new Map(matches.map((match) => [match.value, match.length])), new Map(matches.map((match) => [match.value, common(lists.get(match.value) ?? [], asked)])));
    assert.deepEqual(matches.map((match) => match.value).sort(), [...lists.keys()].sort());
    assert.deepEqual(matches.map(({ length }) => length), matches.map(({ length }) => length).sort((a, b) => b - a));
    const mine = lists.get(value);
    if (mine === undefined) continue;
    const others = [...lists].filter(([other]) => other !== value);
    const those = (isMeant: (tokens: readonly number[]) => boolean): number[] => others.filter(([, tokens]) => isMeant(tokens)).map(([other]) => other).sort();
    assert.deepEqual([...tree.beyond(value)].sort(), those((tokens) => common(mine, tokens) === mine.length));
    assert.deepEqual([...tree.before(value)].sort(), those((tokens) => common(tokens, mine) === tokens.length));
  }
});
