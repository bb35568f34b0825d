/** Errors of a chat, in the words of the response's request that it was made of. */

import { asEngineError, fromWire } from "../../../support/errors.ts";

/** What fields of a chat are called in a response's request. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^messages\b.*/, "input"], [/^response_format([.]json_schema)?/, "text.format"], [/^(tools\[\d+\])[.]function/, "$1"],
  [/^tool_choice[.](?:function|allowed_tools)([.]tools\[\d+\])?([.]function)?/, "tool_choice$1"], [/^max_completion_tokens/, "max_output_tokens"], [/^reasoning_effort/, "reasoning.effort"],
];

export function renamed(thrown: unknown): unknown {
  const { code, message, details, param } = asEngineError(thrown);
  if (param === null) return thrown;
  const name = NAMES.reduce((text, [from, to]) => text.replace(from, to), param);
  const said = message.replace("chat completion request", "response request").replaceAll(param, name)
    .replace('context_overflow: "drop_oldest"', 'truncation: "auto"').replace(/, or let [\w ]+ by context_overflow: "truncate_middle"/, "");
  return fromWire({ code, message: said, details: { ...details, param: name } });
}
