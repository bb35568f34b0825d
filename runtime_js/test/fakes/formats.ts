/** Formats as manifests have them. */

import { NO_FORMAT, type CallSyntax, type ChatFormat, type ToolFormat } from "../../src/formats/format.ts";

const TAGGED: ToolFormat = {
  name: "hermes", begin: ["<tool_call>"], end: "</tool_call>", bare: false, opened: "",
  syntax: { kind: "json", name: "name", arguments: "arguments", isList: false },
};

const calling = (tools: Partial<ToolFormat>): ChatFormat => ({ ...NO_FORMAT, tools: { ...TAGGED, ...tools } });

export const HERMES = calling({});
export const LLAMA = calling({ begin: ["<|python_tag|>"], end: "", bare: true, syntax: { kind: "json", name: "name",
  arguments: "parameters", isList: false } });
const MISTRAL_LIST: CallSyntax = { kind: "json", name: "name", arguments: "arguments", isList: true };
export const MISTRAL = calling({ begin: ["[TOOL_CALLS]"], end: "", syntax: MISTRAL_LIST });
export const MISTRAL_NAMED = calling({ begin: ["[TOOL_CALLS]"], end: "", syntax: { kind: "named", prefix: "", separator: "[ARGS]" } });
const XML: CallSyntax = {
  kind: "parameters", nameBegin: "<function=", nameEnd: ">", keyBegin: "<parameter=", keyEnd: ">", valueBegin: "", valueEnd: "</parameter>",
  end: "</function>", textKind: "", jsonKind: "",
};
export const QWEN_CODER = calling({ syntax: XML });
export const GLM = calling({
  syntax: {
    kind: "parameters", nameBegin: "", nameEnd: "", keyBegin: "<arg_key>", keyEnd: "</arg_key>", valueBegin: "<arg_value>",
    valueEnd: "</arg_value>",
    end: "", textKind: "", jsonKind: "",
  },
});
export const LFM2 = calling({ begin: ["<|tool_call_start|>"], end: "<|tool_call_end|>", syntax: { kind: "python" } });
export const FUNCTION_GEMMA = calling({
  begin: ["<start_function_call>"], end: "<end_function_call>", syntax: { kind: "fields", prefix: "call:", quote: "<escape>" },
});
export const DEEPSEEK: ChatFormat = {
  ...calling({ begin: ["<CALL>"], end: "</CALL>", syntax: { kind: "named", prefix: "", separator: "<SEP>" } }), skipped: ["<CALLS>",
    "</CALLS>"],
};
export const HARMONY: ChatFormat = {
  ...calling({
    begin: ["<|channel|>commentary to=functions.", "to=functions."], end: "<|call|>", syntax: { kind: "named", prefix: "",
    separator: "<|message|>" },
  }),
  thinking: { begin: "<|channel|>analysis<|message|>", end: "<|end|>" },
  skipped: ["<|channel|>final<|message|>", "<|channel|>commentary<|message|>", "<|start|>assistant", "<|end|>", "<|return|>", "<|call|>"],
};
export const FIREFUNCTION = calling({ begin: ["functools"], end: "", syntax: MISTRAL_LIST });
export const COMMAND_R_PLUS = calling({
  begin: ["Action:\n```json", "Action: ```json"], end: "```", syntax: { kind: "json", name: "tool_name", arguments: "parameters", isList: true },
});
export const THINK: ChatFormat = { ...NO_FORMAT, thinking: { begin: "<think>", end: "</think>" } };
