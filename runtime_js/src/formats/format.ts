/**
 * How a model writes its thoughts and its calls of tools: data of the manifest, which the builder finds in the chat template. In texts around
 * names and keys, `{}` is anything short.
 */

import { type Fields } from "../support/fields.ts";

export interface ThinkingFormat {
  readonly begin: string;
  readonly end: string;
}

/** What a call looks like between the tags around it. */
export type CallSyntax =
  /** An object: `{"name": ..., "arguments": {...}}`, or `{name: {...}}` where these are empty; where `isList` says so, in a list. */
  | { readonly kind: "json"; readonly name: string; readonly arguments: string; readonly isList: boolean }
  /** The name behind a prefix, then the JSON of the arguments behind a separator. */
  | { readonly kind: "named"; readonly prefix: string; readonly separator: string }
  /** The name, then each argument's key and its value as it is, all between tags; perhaps it says before a value whether it is a text or JSON. */
  | {
    readonly kind: "parameters"; readonly nameBegin: string; readonly nameEnd: string; readonly keyBegin: string; readonly keyEnd: string;
    readonly valueBegin: string; readonly valueEnd: string; readonly end: string; readonly textKind: string; readonly jsonKind: string;
  }
  /** The name, then the arguments as elements in elements, with a mark before each tag. */
  | {
    readonly kind: "elements"; readonly nameBegin: string; readonly nameEnd: string; readonly mark: string; readonly item: string;
    readonly end: string;
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
  /** What prompts end with, so that an answer goes on with it. */
  readonly opened: string;
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
  const kind = syntax.oneOf("kind", ["json", "named", "parameters", "elements", "python", "fields"]);
  const tag = (key: string): string => syntax.string(key, MAX_TAG);
  switch (kind) {
    case "json":
      return { kind, name: tag("name"), arguments: tag("arguments"), isList: syntax.boolean("is_list") };
    case "named":
      return { kind, prefix: tag("prefix"), separator: filled(syntax, "separator") };
    case "parameters":
      return {
        kind, nameBegin: tag("name_begin"), nameEnd: tag("name_end"), keyBegin: filled(syntax, "key_begin"), keyEnd: filled(syntax, "key_end"),
        valueBegin: tag("value_begin"), valueEnd: filled(syntax, "value_end"), end: tag("end"), textKind: tag("text_kind"), jsonKind: tag("json_kind"),
      };
    case "elements":
      return {
        kind, nameBegin: filled(syntax, "name_begin"), nameEnd: filled(syntax, "name_end"), mark: tag("mark"), item: filled(syntax, "item"),
        end: filled(syntax, "end"),
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
    opened: tools.string("opened", MAX_TAG),
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
  const around = tools === undefined ? [] : [...tools.begin, tools.end, tools.opened, ...Object.values(tools.syntax).map(String)];
  return [...(thinking === undefined ? [] : [thinking.begin, thinking.end]), ...around, ...skipped];
}
