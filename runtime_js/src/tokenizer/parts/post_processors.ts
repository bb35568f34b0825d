/** A tokenizer.json's `post_processor`: the special tokens that stand around a text. */

import { isRecord, type Fields } from "../../support/fields.ts";

export interface Around {
  readonly before: readonly number[];
  readonly behind: readonly number[];
}

const NOTHING: Around = { before: [], behind: [] };

function idOf(config: Fields, key: string): number {
  const pair: unknown = config.raw(key);
  const [, id]: unknown[] = Array.isArray(pair) ? pair : [];
  if (typeof id !== "number") throw new Error(`a post-processor's ${key} has no id`);
  return id;
}

/** Of one text: tokens before and behind `{Sequence: ...}`. */
function template(config: Fields): Around {
  const special = config.has("special_tokens") ? config.object("special_tokens") : undefined;
  const parts = config.objects("single", 64, (part) => {
    const token: unknown = part.raw("SpecialToken");
    if (!isRecord(token)) return undefined;
    if (special === undefined) throw new Error("a post-processor names a token that it has no ids of");
    return special.object(String(token["id"])).integers("ids", 64, 0, 2 ** 31);
  });
  const at = parts.indexOf(undefined);
  if (at < 0 || parts.lastIndexOf(undefined) !== at) throw new Error("a post-processor does not have the text once");
  return { before: parts.slice(0, at).flatMap((ids) => ids ?? []), behind: parts.slice(at + 1).flatMap((ids) => ids ?? []) };
}

/** Raises Error for a kind that is not known. */
export function readPostProcessor(config: Fields): Around {
  const type = config.raw("type");
  switch (type) {
    case "Sequence": {
      const [one = NOTHING, another] = config.objects("processors", 64, readPostProcessor).filter((around) => around !== NOTHING);
      if (another !== undefined) throw new Error("two post-processors put tokens around a text");
      return one;
    }
    case "TemplateProcessing":
      return template(config);
    case "BertProcessing":
    case "RobertaProcessing":
      return { before: [idOf(config, "cls")], behind: [idOf(config, "sep")] };
    case "ByteLevel":
      return NOTHING;
    default:
      throw new Error(`there is no post-processor ${String(type)}`);
  }
}
