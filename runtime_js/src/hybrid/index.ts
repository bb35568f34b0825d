/** The device and a server side by side. */

export { HybridEngine, createHybrid } from "./hybrid.ts";
export type * from "./types.ts";
