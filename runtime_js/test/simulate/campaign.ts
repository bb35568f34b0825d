/** Lives of a seed each, in virtual time. */

import { setMaxListeners } from "node:events";
import { World } from "./world.ts";

setMaxListeners(0); // many wait for one signal

export interface Life {
  prepare(): Promise<void>;
  /** `asks`: how likely it is that somebody does something new. */
  operate(asks: number): Promise<void>;
  /** Nobody does anything new any more. */
  end(): Promise<void>;
}

export interface Result {
  readonly operations: number;
  readonly trace: number;
}

/** One life; what goes wrong is told with its seed, and what happened last. */
export async function live(seed: number, operations: number, make: (world: World) => Life): Promise<Result> {
  const world = new World(seed);
  const { now } = performance;
  performance.now = () => world.now;
  try {
    const life = make(world);
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
