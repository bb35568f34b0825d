/** Lives of a seed each, in virtual time. */

import type { WasmAbi } from "../../src/executor/abi.generated.ts";
import { StepLoopLife } from "./step_loop.ts";
import { World } from "./world.ts";

export interface Result {
  readonly operations: number;
  readonly trace: number;
}

/** One life; what goes wrong is told with its seed, and what happened last. */
export async function live(seed: number, operations: number, makeKv: (seed: number) => WasmAbi): Promise<Result> {
  const world = new World(seed);
  const { now } = performance;
  performance.now = () => world.now;
  try {
    const life = new StepLoopLife(world, () => makeKv(seed));
    await life.prepare();
    const asks = world.pick([0.02, 0.1, 0.3, 0.7]);
    while (world.operations < operations) await life.operate(asks);
    await life.end();
    return { operations: world.operations, trace: world.trace };
  } catch (error) {
    throw new Error(`seed ${seed}, operation ${world.operations}, behind: ${world.latest.join(", ")}`, { cause: error });
  } finally {
    performance.now = now;
  }
}
