/** The package's entry for Node, Deno and Bun. */

import "./node/platform.ts";

export * from "./index.ts";
export { startEngine } from "./node/threads.ts";
