/** Offers the tools to other agents, where the browser has WebMCP (https://webmachinelearning.github.io/webmcp/). */

import { perform, type User } from "./agent.ts";
import type { Tool } from "./tools.ts";

interface ContextTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: object;
  readonly annotations: { readonly readOnlyHint: boolean };
  readonly execute: (input: unknown) => Promise<unknown>;
}

interface ModelContext {
  registerTool(tool: ContextTool): unknown;
}

declare global {
  interface Document {
    readonly modelContext?: ModelContext;
  }
  interface Navigator {
    /** Where browsers had it at first. */
    readonly modelContext?: ModelContext;
  }
}

/** Whether the browser has it. A write of another agent is confirmed as the model's own are. */
export function offerTools(tools: readonly Tool[], user: Pick<User, "confirm">, signal: AbortSignal): boolean {
  const context = document.modelContext ?? navigator.modelContext;
  if (context === undefined) return false;
  for (const { name, description, parameters, writes } of tools) {
    context.registerTool({
      name, description, inputSchema: parameters, annotations: { readOnlyHint: !writes },
      execute: async (input) => {
        const { result, isError } = await perform({ name, arguments: JSON.stringify(input ?? {}) }, tools, user, signal);
        return { content: [{ type: "text", text: result }], isError };
      },
    });
  }
  return true;
}
