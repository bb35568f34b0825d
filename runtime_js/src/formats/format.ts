/** How a model writes its thoughts and its calls of tools: data of the manifest, which the builder finds in the chat template. */

import { type Fields } from "../support/fields.ts";

export interface ThinkingFormat {
  readonly begin: string;
  readonly end: string;
}

/** What a call looks like between the tags around it. */
export type CallSyntax =
  /** An object: `{"name": ..., "arguments": {...}}`; where `isList` says so, in a list. */
  | { readonly kind: "json"; readonly name: string; readonly arguments: string; readonly isList: boolean }
  /** The name behind a prefix, then the JSON of the arguments behind a separator. */
  | { readonly kind: "named"; readonly prefix: string; readonly separator: string }
  /** The name, then each argument's key and its value as it is, all between tags. */
  | {
    readonly kind: "parameters"; readonly nameBegin: string; readonly nameEnd: string; readonly keyBegin: string; readonly keyEnd: string;
    readonly valueBegin: string; readonly valueEnd: string; readonly end: string;
  }
  /** Python's calls, or a list of them: `[name(key="value")]`. */
  | { readonly kind: "python" }
  /** `name{key:value}` behind a prefix; texts stand between two `quote`. */
  | { readonly kind: "fields"; readonly prefix: string; readonly quote: string };

export interface ToolFormat {
  readonly name: string;
  /** Any of these opens a call, or a list of calls. The first is what templates write. */
  readonly begin: readonly string[];
  /** Closes it. Empty: it is closed by what comes next. */
  readonly end: string;
  /** Whether an answer may also begin with a call at once, without a tag. */
  readonly bare: boolean;
  readonly syntax: CallSyntax;
}

export interface ChatFormat {
  readonly thinking: ThinkingFormat | undefined;
  readonly tools: ToolFormat | undefined;
  /** Tags that say nothing. */
  readonly skipped: readonly string[];
}

export const NO_FORMAT: ChatFormat = { thinking: undefined, tools: undefined, skipped: [] };

const MAX_TAG = 256;
const MAX_TAGS = 16;

function tags(fields: Fields, key: string): string[] {
  return fields.array(key, MAX_TAGS, (tag, path) => {
    if (typeof tag === "string" && tag !== "" && tag.length <= MAX_TAG) return tag;
    throw fields.fail(`${path} must be a string of 1 to ${MAX_TAG} characters`, path);
  });
}

function filled(fields: Fields, key: string): string {
  const text = fields.string(key, MAX_TAG);
  if (text === "") throw fields.wrong(key, "a text that is not empty");
  return text;
}

function parseSyntax(syntax: Fields): CallSyntax {
  const kind = syntax.oneOf("kind", ["json", "named", "parameters", "python", "fields"]);
  const tag = (key: string): string => syntax.string(key, MAX_TAG);
  switch (kind) {
    case "json":
      return { kind, name: filled(syntax, "name"), arguments: filled(syntax, "arguments"), isList: syntax.boolean("is_list") };
    case "named":
      return { kind, prefix: tag("prefix"), separator: filled(syntax, "separator") };
    case "parameters":
      return {
        kind, nameBegin: tag("name_begin"), nameEnd: tag("name_end"), keyBegin: filled(syntax, "key_begin"), keyEnd: filled(syntax,
          "key_end"),
        valueBegin: tag("value_begin"), valueEnd: filled(syntax, "value_end"), end: tag("end"),
      };
    case "python":
      return { kind };
    case "fields":
      return { kind, prefix: tag("prefix"), quote: filled(syntax, "quote") };
  }
}

function parseTools(tools: Fields): ToolFormat {
  return {
    name: tools.string("name", MAX_TAG), begin: tags(tools, "begin"), end: tools.string("end", MAX_TAG), bare: tools.boolean("bare"),
    syntax: parseSyntax(tools.object("syntax")),
  };
}

/** Reads a manifest's `chat`. */
export function parseChatFormat(chat: Fields): ChatFormat {
  return {
    thinking: chat.optional("thinking", (key) => {
      const thinking = chat.object(key);
      return { begin: filled(thinking, "begin"), end: filled(thinking, "end") };
    }),
    tools: chat.optional("tools", (key) => parseTools(chat.object(key))),
    skipped: tags(chat, "skipped"),
  };
}

/** All tags of a format. */
export function tagsOf({ thinking, tools, skipped }: ChatFormat): string[] {
  const around = tools === undefined ? [] : [...tools.begin, tools.end, ...Object.values(tools.syntax).map(String)];
  return [...(thinking === undefined ? [] : [thinking.begin, thinking.end]), ...around, ...skipped];
}
