/** Grammars of JSON Schema's formats, more narrow than these where that keeps them simple: no date is a day that its month may not have. */

import { patternGrammar } from "./pattern.ts";

const DATE = "[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
const TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-2]):[0-5][0-9])";
const BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const LABEL = "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?";
/** A name in an address, where nobody asks how long it is: counting costs a state of the grammar for each character. */
const NAME = "[a-z0-9]+(-+[a-z0-9]+)*";
const WORD = "[a-zA-Z0-9_+-]+";

const FORMATS: Readonly<Record<string, string>> = {
  "date": DATE,
  "time": TIME,
  "date-time": `${DATE}T${TIME}`,
  "email": `${WORD}(\\.${WORD})*@${NAME}(\\.${NAME})+`,
  "hostname": `${LABEL}(\\.${LABEL}){0,4}`,
  "ipv4": `${BYTE}(\\.${BYTE}){3}`,
  "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
  "uri": `https?://${NAME}(\\.${NAME})*(/[a-zA-Z0-9._~-]*)*`,
};

/** What is between the quotes; undefined for a format that is not known here, which says nothing then, as in JSON Schema. */
export function formatGrammar(format: string): string | undefined {
  const pattern = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  return pattern === undefined ? undefined : patternGrammar(`^${pattern}$`);
}
