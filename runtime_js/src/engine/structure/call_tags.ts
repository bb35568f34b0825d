/** Structural tags of what an answer must look like where a request wants calls of tools, and of what comes behind a thought. */

import type { CallSyntax, ToolFormat } from "../../formats/format.ts";
import { filled, hasHole } from "../../formats/words.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../support/json.ts";
import { parameterContent } from "./parameter_content.ts";
import { SchemaError } from "./schema_fields.ts";
import type { CallableTool, Calls, Structure } from "./structure.ts";

/** A part with a form. */
interface Tag {
  readonly type: "tag";
  readonly begin: string;
  readonly content: object;
  readonly end: string;
}

const ANY_TEXT = { type: "any_text" };

/** One call, from its first letter to its last. Without `isHeld` its arguments are any text. */
function tagOf({ begin: [open = ""], end, bare, syntax }: ToolFormat, { name, schema, isStrict, param }: CallableTool, isHeld: boolean): Tag {
  const content = (more: object): object => (isHeld ? { type: "json_schema", json_schema: schema, strict: isStrict, param, ...more } : ANY_TEXT);
  const tag = (begin: string, close: string, more = {}): Tag => ({ type: "tag", begin, content: content(more), end: close });
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
        content: isHeld ? parametersOf(syntax, schema, isStrict, param) : ANY_TEXT, end: `${syntax.end}${syntax.end === "" ? "" : "\n"}${end}`,
      };
    case "elements":
      return { ...tag(`${open}${syntax.nameBegin}${name}${syntax.nameEnd}`, `${syntax.mark}</${syntax.end}${end}`), content: ANY_TEXT };
    case "python":
      return tag(`${open}[${name}(`, `)]${end}`, { type: "keywords" });
    case "fields":
      return tag(`${open}${syntax.prefix}${name}{`, `}${end}`, { type: "fields", quote: syntax.quote });
  }
}

function parametersOf(syntax: Extract<CallSyntax, { kind: "parameters" }>, schema: JsonObject, isStrict: boolean, param: string): object {
  try {
    return parameterContent(syntax, schema, isStrict, param);
  } catch (error) {
    throw error instanceof SchemaError ? error.within("#", param) : error;
  }
}

function trigger({ begin: [open = ""], bare, syntax }: ToolFormat): string {
  return bare && syntax.kind === "json" ? `{"${syntax.name}": ` : open;
}

function callTags({ format, skipped, tools, isWanted, isOne, instead }: Calls): object {
  const tags = tools.map((tool) => tagOf(format, tool, isWanted || instead !== undefined || tool.isStrict));
  if (instead !== undefined) return callOr(formatOf(instead), format.opened, tags, skipped);
  const more = { type: "triggered_tags", triggers: [trigger(format)], tags, at_least_one: false, stop_after_first: false };
  if (format.opened === "") return { ...more, at_least_one: isWanted, stop_after_first: isWanted && isOne };
  return goingOn(format.opened, tags, isWanted ? [] : skipped, isWanted && isOne ? undefined : more);
}

/** One call, or a form, behind what says that it is no call where the prompt has opened one. */
function callOr(form: unknown, opened: string, tags: readonly Tag[], [skipped = ""]: readonly string[]): object {
  const formed = opened === "" ? form : { type: "sequence", elements: [{ type: "const_string", value: skipped.slice(opened.length) }, form] };
  return { type: "or", elements: [formed, ...tags.map((tag) => ({ ...tag, begin: tag.begin.slice(opened.length) }))] };
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

function formatOf(structure: Structure): unknown {
  switch (structure.kind) {
    case "schema":
      return { type: "json_schema", json_schema: parseJson(structure.schema), strict: structure.isStrict, param: structure.param };
    case "calls":
      return callTags(structure.calls);
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

/** The structural tag of a structure, behind the thought that comes before it. Raises SchemaError. */
export function tagOfStructure(structure: Structure): unknown {
  const { thoughtEnd } = structure;
  const format = formatOf(structure);
  return thoughtEnd === undefined ? format : { type: "sequence", elements: [{ type: "tag", begin: "", content: ANY_TEXT, end: thoughtEnd }, format] };
}
