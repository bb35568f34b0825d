/** What an answer must look like where a request wants a call of a tool, or calls whose arguments are as the tools' schemas say. */

import type { ChatFormat } from "../formats/format.ts";
import { RequestValidationError } from "../support/errors.ts";
import { isJsonObject, type JsonObject } from "../support/json.ts";
import type { AnswerRequest } from "./answer.ts";
import { toolSchemas } from "./output.ts";
import type { CallableTool, Structure } from "./structure/structure.ts";

/** Keywords beside which a grammar holds no type. */
const ALONE = ["$ref", "anyOf", "oneOf", "allOf"];

/** Of an object at any rate; one that names no property has none, as where a tool has no parameters. */
function argumentsSchema(schema: JsonObject): JsonObject {
  const { properties = null, additionalProperties } = schema;
  const isEmpty = Object.keys(schema).length === 0 || (isJsonObject(properties) && Object.keys(properties).length === 0 && additionalProperties === undefined);
  if (isEmpty) return { ...schema, type: "object", properties: {}, additionalProperties: false };
  return ALONE.some((key) => Object.hasOwn(schema, key)) ? schema : { type: "object", ...schema };
}

/**
 * The structure of an answer that may call; undefined where calls are the model's to say. A schema holds for a tool that is strict, where a call
 * is wanted, and where an answer without one has a form. Raises RequestValidationError.
 */
export function toolStructure(request: AnswerRequest, { tools: format, thinking, skipped }: ChatFormat, isThinking: boolean): Structure | undefined {
  const { prompt, toolChoice = { kind: "auto" }, strictTools = [], parallelToolCalls = true, structure } = request;
  const isWanted = toolChoice.kind !== "auto";
  if (prompt.kind !== "chat" || format === undefined || (!isWanted && strictTools.length === 0 && structure === undefined)) return undefined;
  const tools = [...toolSchemas(prompt.conversation)].map(([name, schema], i): CallableTool => (
    { name, schema: argumentsSchema(schema), isStrict: strictTools.includes(name), param: `tools[${i}].function.parameters` }));
  if (tools.length === 0) return undefined;
  if (structure?.kind === "tags") {
    if (!isWanted && strictTools.length === 0) return undefined;
    throw new RequestValidationError("A structural tag and calls of a certain form exclude each other: leave out one of them.", { param: "response_format" });
  }
  if (format.syntax.kind === "elements" && strictTools.length > 0) {
    throw new RequestValidationError(
      `This model writes arguments in a form (${format.name}) that cannot be held to a schema: leave out \`strict\`.`, { param: "tools" });
  }
  const called = tools.filter(({ name }) => toolChoice.kind !== "named" || toolChoice.name === name);
  const instead = isWanted ? undefined : structure;
  const isOne = toolChoice.kind === "named" || !parallelToolCalls || (format.syntax.kind === "json" && (format.syntax.isList || format.bare));
  const calls = { format, skipped, tools: called, isWanted, isOne, instead };
  return { kind: "calls", calls, param: instead?.param ?? "tools", thoughtEnd: isThinking ? thinking?.end : undefined };
}

/** A structure for what comes behind the thought that the prompt has opened. */
export function structureBehindThought(structure: Structure, { thinking }: ChatFormat, isThinking: boolean): Structure {
  return isThinking ? { ...structure, thoughtEnd: thinking?.end } : structure;
}
