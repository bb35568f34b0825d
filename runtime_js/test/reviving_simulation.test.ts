// A few lives of tabs that share an engine; `npm run simulate -- tabs` has as many as one likes.

import { test } from "node:test";
import { live } from "./simulate/campaign.ts";
import { TabsLife } from "./simulate/tabs.ts";

const OPERATIONS = 300;
const LIVES = 3;

test("each answer comes whole and once, whoever dies when, and no model is kept that nobody has", async () => {
  for (let seed = 1; seed <= LIVES; seed++) await live(seed, OPERATIONS, (world) => new TabsLife(world));
});
