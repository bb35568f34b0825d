/** What an answer must look like where a request wants a call of a tool, or calls whose arguments are as the tools' schemas say. */

import type { ChatFormat } from "../formats/format.ts";
import { RequestValidationError } from "../support/errors.ts";
import type { AnswerRequest } from "./answer.ts";
import { toolSchemas } from "./output.ts";
import type { Structure } from "./structure/structure.ts";

/** Which tools an answer calls: those that the model wants, at least one, or this one. */
export type ToolChoice = { readonly kind: "auto" } | { readonly kind: "required" } | { readonly kind: "named"; readonly name: string };

/**
 * The structure of an answer with calls; undefined where it is the model's to say. A schema holds for a tool that is strict, or where a call is
 * wanted. Raises RequestValidationError.
 */
export function toolStructure(request: AnswerRequest, { tools: format, thinking, skipped }: ChatFormat, isThinking: boolean): Structure | undefined {
  const { prompt, toolChoice = { kind: "auto" }, strictTools = [], parallelToolCalls = true } = request;
  if (prompt.kind !== "chat" || format === undefined || (toolChoice.kind === "auto" && strictTools.length === 0)) return undefined;
  if (request.structure !== undefined) {
    throw new RequestValidationError("response_format and calls of a certain form exclude each other: leave out one of them.", { param: "response_format" });
  }
  if (format.syntax.kind === "elements" && strictTools.length > 0) {
    throw new RequestValidationError(
      `This model writes arguments in a form (${format.name}) that cannot be held to a schema: leave out \`strict\`.`, { param: "tools" });
  }
  const tools = [...toolSchemas(prompt.conversation)].filter(([name]) => toolChoice.kind !== "named" || toolChoice.name === name);
  const isOne = toolChoice.kind === "named" || !parallelToolCalls || (format.syntax.kind === "json" && (format.syntax.isList || format.bare));
  const calls = { format, skipped, tools, strictTools, isWanted: toolChoice.kind !== "auto", isOne };
  return { kind: "calls", calls, isStrict: strictTools.length > 0, param: "tools", thoughtEnd: isThinking ? thinking?.end : undefined };
}

/** A structure for what comes behind the thought that the prompt has opened. */
export function structureBehindThought(structure: Structure, { thinking }: ChatFormat, isThinking: boolean): Structure {
  return isThinking ? { ...structure, thoughtEnd: thinking?.end } : structure;
}
