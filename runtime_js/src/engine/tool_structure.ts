/** What an answer must look like where a request wants a call of a tool, or calls whose arguments are as the tools' schemas say. */

import type { ChatFormat, ThinkingFormat, ToolFormat } from "../formats/format.ts";
import { RequestValidationError } from "../support/errors.ts";
import { isJsonObject, parseJson, type JsonObject } from "../support/json.ts";
import type { AnswerRequest } from "./answer.ts";
import { filled, hasHole } from "../formats/words.ts";
import { toolSchemas } from "./output.ts";
import { parameterContent } from "./parameter_content.ts";
import type { Structure } from "./structure/structure.ts";

/** Which tools an answer calls: those that the model wants, at least one, or this one. */
export type ToolChoice = { readonly kind: "auto" } | { readonly kind: "required" } | { readonly kind: "named"; readonly name: string };

interface Tag {
  readonly type: "tag";
  readonly begin: string;
  readonly content: object;
  readonly end: string;
}

const ANY_TEXT = { type: "any_text" };

/** One call, from its first letter to its last. Without `schema` its arguments are any text. */
function tagOf({ begin: [open = ""], end, bare, syntax }: ToolFormat, name: string, schema: JsonObject | undefined, isStrict: boolean): Tag {
  const tag = (begin: string, close: string): Tag => (
    { type: "tag", begin, content: schema === undefined ? ANY_TEXT : { type: "json_schema", json_schema: schema }, end: close });
  switch (syntax.kind) {
    case "json": {
      const [before, after] = syntax.isList ? ["[", "]"] : end === "" ? ["", ""] : ["\n", "\n"];
      const call = syntax.name === "" ? `{${JSON.stringify(name)}: ` : `{"${syntax.name}": ${JSON.stringify(name)}, "${syntax.arguments}": `;
      return tag(`${bare ? "" : open}${before}${call}`, `}${after}${end}`);
    }
    case "named":
      return tag(`${open}${filled(syntax.prefix, "call_1")}${name}${syntax.separator}`, end);
    case "parameters":
      return {
        type: "tag", begin: `${open}${syntax.nameBegin === "" || hasHole(syntax.nameBegin) ? "" : "\n"}${filled(syntax.nameBegin, name)}${name}${filled(syntax.nameEnd, "1")}\n`,
        content: schema === undefined ? ANY_TEXT : parameterContent(syntax, schema, isStrict), end: `${syntax.end}${syntax.end === "" ? "" : "\n"}${end}`,
      };
    case "elements":
      return { ...tag(`${open}${syntax.nameBegin}${name}${syntax.nameEnd}`, `${syntax.mark}</${syntax.end}${end}`), content: ANY_TEXT };
    case "python":
      return { ...tag(`${open}[${name}(`, `)]${end}`), ...(schema !== undefined && { content: { type: "keywords", json_schema: schema } }) };
    case "fields":
      return {
        ...tag(`${open}${syntax.prefix}${name}{`, `}${end}`),
        ...(schema !== undefined && { content: { type: "fields", json_schema: schema, quote: syntax.quote } }),
      };
  }
}

/** Behind a thought that the prompt has opened. */
function behindThought(format: unknown, thinking: ThinkingFormat | undefined): unknown {
  if (thinking === undefined) return format;
  return { type: "sequence", elements: [{ type: "tag", begin: "", content: ANY_TEXT, end: thinking.end }, format] };
}

function trigger({ begin: [open = ""], bare, syntax }: ToolFormat): string {
  return bare && syntax.kind === "json" ? `{"${syntax.name}": ` : open;
}

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
  const hasSchemas = format.syntax.kind !== "elements";
  if (!hasSchemas && strictTools.length > 0) {
    throw new RequestValidationError(
      `This model writes arguments in a form (${format.name}) that cannot be held to a schema: leave out \`strict\`.`, { param: "tools" });
  }
  const isWanted = toolChoice.kind !== "auto";
  const schemas = [...toolSchemas(prompt.conversation)].filter(([name]) => toolChoice.kind !== "named" || toolChoice.name === name);
  const tags = schemas.map(([name, schema]) => tagOf(format, name, hasSchemas && (isWanted || strictTools.includes(name)) ? schema : undefined,
    strictTools.includes(name)));
  const isOne = toolChoice.kind === "named" || !parallelToolCalls || (format.syntax.kind === "json" && (format.syntax.isList || format.bare));
  const more = { type: "triggered_tags", triggers: [trigger(format)], tags, at_least_one: false, stop_after_first: false };
  const calls = format.opened === "" ? { ...more, at_least_one: isWanted, stop_after_first: isWanted && isOne }
    : goingOn(format.opened, tags, isWanted ? [] : skipped, isWanted && isOne ? undefined : more);
  return {
    kind: "tags", tags: JSON.stringify(behindThought(calls, isThinking ? thinking : undefined)), isStrict: strictTools.length > 0, param: "tools",
  };
}

/** An answer whose first call, or what says that it is none, the prompt has opened. */
function goingOn(opened: string, tags: readonly Tag[], others: readonly string[], more: object | undefined): object {
  const first = [
    ...tags.map((tag) => ({ ...tag, begin: tag.begin.slice(opened.length) })),
    ...others.map((tag) => ({ type: "const_string", value: tag.slice(opened.length) })),
  ];
  const choice = first.length === 1 ? first[0] : { type: "or", elements: first };
  return more === undefined ? { type: "sequence", elements: [choice] } : { type: "sequence", elements: [choice, more] };
}

/** A structure for what comes behind the thought that the prompt has opened. */
export function structureBehindThought(structure: Structure, { thinking }: ChatFormat, isThinking: boolean): Structure {
  if (!isThinking || thinking === undefined) return structure;
  return { kind: "tags", tags: JSON.stringify(behindThought(tagFormat(structure), thinking)), isStrict: isStrict(structure), param: structure.param };
}

function isStrict(structure: Structure): boolean {
  return "isStrict" in structure && structure.isStrict;
}

function tagFormat(structure: Structure): unknown {
  switch (structure.kind) {
    case "schema":
      return { type: "json_schema", json_schema: parseJson(structure.schema) };
    case "grammar":
      return { type: "grammar", grammar: structure.grammar };
    case "regex":
      return { type: "regex", pattern: structure.pattern };
    case "tags": {
      const tag = parseJson(structure.tags) ?? null;
      return isJsonObject(tag) ? tag["format"] ?? tag : tag;
    }
  }
}
