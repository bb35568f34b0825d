// A few lives of the step loop; `npm run simulate` has as many as one likes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FakePagedKv } from "./fakes/paged_kv.ts";
import { live } from "./simulate/campaign.ts";

const OPERATIONS = 300;
const LIVES = 6;

test("a step loop answers each as if it were alone, whatever comes when", async () => {
  for (let seed = 1; seed <= LIVES; seed++) await live(seed, OPERATIONS, () => new FakePagedKv());
});

test("a seed is one life", async () => {
  const [first, again, another] = [await live(7, OPERATIONS, () => new FakePagedKv()), await live(7, OPERATIONS, () => new FakePagedKv()), await live(8, OPERATIONS, () => new FakePagedKv())];
  assert.deepEqual(again, first);
  assert.notEqual(another.trace, first.trace);
});
