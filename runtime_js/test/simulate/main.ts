/** npm run simulate -- [loop|tabs] [--seed N] [--operations M] [--life L]: lives of L operations each, of seed N and those behind it, until M operations were done. */

import { parseArgs } from "node:util";
import { FakePagedKv } from "../fakes/paged_kv.ts";
import { supportLibrary } from "../fakes/support_library.ts";
import { live, type Life } from "./campaign.ts";
import { StepLoopLife } from "./step_loop.ts";
import { TabsLife } from "./tabs.ts";
import type { World } from "./world.ts";

const { values, positionals: [kind = "loop"] } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string", default: "1" }, operations: { type: "string", default: "100000" }, life: { type: "string", default: "400" } },
});
const most = Number(values.operations);
const life = Number(values.life);
const makeReal = kind === "loop" ? await supportLibrary() : () => new FakePagedKv();
// Every second step loop has the sequence manager that a model's library has.
const make = (world: World): Life => (kind === "tabs" ? new TabsLife(world) : new StepLoopLife(world, () => (world.seed % 2 === 0 ? new FakePagedKv() : makeReal())));
const begun = performance.now();
let [seed, done] = [Number(values.seed), 0];
while (done < most) {
  done += (await live(seed, life, make)).operations;
  seed++;
}
const seconds = (performance.now() - begun) / 1000;
console.log(`${done} operations in ${seed - Number(values.seed)} lives, seeds ${values.seed} to ${seed - 1}: no fault; ${Math.round(done / seconds)} a second`);
