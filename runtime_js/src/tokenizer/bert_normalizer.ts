/** BERT's normalizer as the tokenizers library has it: character by character, so that no character changes for those around it. */

import type { Fields } from "../support/fields.ts";

const CONTROL = /[^\P{C}\t\n\r]|\0|\ufffd/gu;
const CHINESE = /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

export function bertNormalizer(config: Fields): (text: string) => string {
  const isOn = (key: string): boolean => config.raw(key) !== false;
  const [cleans, parts, lowers] = [isOn("clean_text"), isOn("handle_chinese_chars"), isOn("lowercase")];
  const strips = config.has("strip_accents") ? config.raw("strip_accents") === true : lowers;
  return (given) => {
    let text = given;
    if (cleans) text = text.replace(CONTROL, "").replace(/\p{White_Space}/gu, " ");
    if (parts) text = text.replace(CHINESE, " $& ");
    if (strips) text = text.normalize("NFD").replace(/\p{Mn}/gu, "");
    return lowers ? text.replace(/\p{Changes_When_Lowercased}/gu, (character) => character.toLowerCase()) : text;
  };
}
