/** A tokenizer.json's `normalizer`: what is done to a text before it is cut, as the tokenizers library does it. */

import type { Fields } from "../../support/fields.ts";
import { spelledInBytes } from "./byte_level.ts";
import { charsmapOf } from "./charsmap.ts";
import { patternOf } from "./splits.ts";

export type Normalize = (text: string) => string;

const CONTROL = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}]|\0|\ufffd/gu;
const CHINESE = /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const SPACES = /\p{White_Space}/gu;
const [SPACES_LEFT, SPACES_RIGHT] = [/^\p{White_Space}+/u, /(?<!\p{White_Space})\p{White_Space}+$/u];
/** What Nmt leaves out, and what it takes for a space (https://github.com/google/sentencepiece/blob/master/src/builder.cc). */
const NMT_REMOVED = /[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]/g;
const NMT_SPACES = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;

/** Character by character, so that none changes for those around it, as a sigma does at the end of a word. */
function lowercase(text: string): string {
  return text.replace(/\p{Changes_When_Lowercased}/gu, (character) => character.toLowerCase());
}

function bert(config: Fields): Normalize {
  const isOn = (key: string): boolean => config.raw(key) !== false;
  const [cleans, parts, lowers] = [isOn("clean_text"), isOn("handle_chinese_chars"), isOn("lowercase")];
  const strips = config.has("strip_accents") ? config.raw("strip_accents") === true : lowers;
  return (given) => {
    let text = given;
    if (cleans) text = text.replace(CONTROL, "").replace(SPACES, " ");
    if (parts) text = text.replace(CHINESE, " $& ");
    if (strips) text = text.normalize("NFD").replace(/\p{Mn}/gu, "");
    return lowers ? lowercase(text) : text;
  };
}

function strip(config: Fields): Normalize {
  const [left, right] = [config.raw("strip_left") !== false, config.raw("strip_right") !== false];
  return (text) => {
    const begun = left ? text.replace(SPACES_LEFT, "") : text;
    return right ? begun.replace(SPACES_RIGHT, "") : begun;
  };
}

/** Raises Error for a kind that is not known. */
export function readNormalizer(config: Fields): Normalize {
  const type = config.raw("type");
  switch (type) {
    case "Sequence": {
      const all = config.objects("normalizers", 64, readNormalizer);
      return (text) => all.reduce((before, normalize) => normalize(before), text);
    }
    case "BertNormalizer":
      return bert(config);
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return (text) => text.normalize(type);
    case "Lowercase":
      return lowercase;
    case "StripAccents":
      return (text) => text.replace(/\p{M}/gu, "");
    case "Strip":
      return strip(config);
    case "Nmt":
      return (text) => text.replace(NMT_REMOVED, "").replace(NMT_SPACES, " ");
    case "Prepend": {
      const prefix = config.string("prepend", 256);
      return (text) => (text === "" ? "" : prefix + text);
    }
    case "Replace": {
      const [pattern, content] = [patternOf(config.raw("pattern")), config.string("content", 256)];
      return (text) => text.replace(pattern, () => content);
    }
    case "Precompiled":
      return charsmapOf(config.string("precompiled_charsmap", 1 << 24));
    case "ByteLevel":
      return spelledInBytes;
    default:
      throw new Error(`there is no normalizer ${String(type)}`);
  }
}
