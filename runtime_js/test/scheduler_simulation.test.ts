// A few lives of the step loop; `npm run simulate` has as many as one likes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FakePagedKv } from "./fakes/paged_kv.ts";
import { live } from "./simulate/campaign.ts";
import { StepLoopLife } from "./simulate/step_loop.ts";
import type { World } from "./simulate/world.ts";

const OPERATIONS = 300;
const LIVES = 5;

const make = (world: World): StepLoopLife => new StepLoopLife(world, () => new FakePagedKv());

test("a step loop answers each as if it were alone, whatever comes when", async () => {
  for (let seed = 1; seed <= LIVES; seed++) await live(seed, OPERATIONS, make);
});

test("a seed is one life", async () => {
  const [first, again, another] = [await live(7, OPERATIONS, make), await live(7, OPERATIONS, make), await live(8, OPERATIONS, make)];
  assert.deepEqual(again, first);
  assert.notEqual(another.trace, first.trace);
});
