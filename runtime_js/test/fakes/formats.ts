/** Formats as manifests have them. */

import { NO_FORMAT, type ChatFormat, type ToolFormat } from "../../src/formats/format.ts";

const TAGGED: ToolFormat = {
  name: "hermes", begin: ["<tool_call>"], end: "</tool_call>", bare: false,
  syntax: { kind: "json", name: "name", arguments: "arguments" },
};

const calling = (tools: Partial<ToolFormat>): ChatFormat => ({ ...NO_FORMAT, tools: { ...TAGGED, ...tools } });

export const HERMES = calling({});
export const LLAMA = calling({ begin: ["<|python_tag|>"], end: "", bare: true, syntax: { kind: "json", name: "name", arguments: "parameters" } });
export const MISTRAL = calling({ begin: ["[TOOL_CALLS]"], end: "" });
export const MISTRAL_NAMED = calling({ begin: ["[TOOL_CALLS]"], end: "", syntax: { kind: "named", prefix: "", separator: "[ARGS]" } });
export const THINK: ChatFormat = { ...NO_FORMAT, thinking: { begin: "<think>", end: "</think>" } };
