/** Grammars of JSON Schema's formats, more narrow than these where that keeps them simple: no date is a day that its month may not have. */

const DATE = "[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
const TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-2]):[0-5][0-9])";
const BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const LABEL = "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?";
/** A name in an address, where nobody asks how long it is: counting costs a state of the grammar for each character. */
const NAME = "[a-z0-9]+(-+[a-z0-9]+)*";
const WORD = "[a-zA-Z0-9_+-]+";
const PATH = "(/[a-zA-Z0-9._~-]*)*";
const POINTER = "(/([^/~]|~[01])*)*";
const COUNT = "[0-9]{1,4}";
const DAYS = `(${COUNT}Y(${COUNT}M(${COUNT}D)?)?|${COUNT}M(${COUNT}D)?|${COUNT}D)`;
const HOURS = `T(${COUNT}H(${COUNT}M(${COUNT}S)?)?|${COUNT}M(${COUNT}S)?|${COUNT}S)`;
const GROUP = "[0-9a-fA-F]{1,4}";
/** In place of a row of zeros, two colons, with so many groups before them and the rest of seven, or fewer, behind. */
const SHORTENED = [1, 2, 3, 4, 5, 6].map((before) => `(${GROUP}:){${before}}(:${GROUP}){1,${7 - before}}`);

const FORMATS: Readonly<Record<string, string>> = {
  "date": DATE,
  "time": TIME,
  "date-time": `${DATE}T${TIME}`,
  "email": `${WORD}(\\.${WORD})*@${NAME}(\\.${NAME})+`,
  "hostname": `${LABEL}(\\.${LABEL}){0,4}`,
  "ipv4": `${BYTE}(\\.${BYTE}){3}`,
  "ipv6": [`(${GROUP}:){7}${GROUP}`, ...SHORTENED, `(${GROUP}:){1,7}:`, `:(:${GROUP}){1,7}`, "::"].join("|"),
  "duration": `P(${DAYS}(${HOURS})?|${HOURS}|${COUNT}W)`,
  "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
  "uri": `https?://${NAME}(\\.${NAME})*${PATH}`,
  "uri-reference": `(https?://${NAME}(\\.${NAME})*)?${PATH}`,
  "uri-template": "(/([a-zA-Z0-9._~-]|\\{[a-zA-Z_][a-zA-Z0-9_]*\\})+)+",
  "json-pointer": POINTER,
  "relative-json-pointer": `(0|[1-9][0-9]{0,4})(#|${POINTER})`,
};

/** A pattern of what fits; undefined for a format that is not known here, which says nothing then, as in JSON Schema. */
export function formatPattern(format: string | undefined): string | undefined {
  return format !== undefined && Object.hasOwn(FORMATS, format) ? `^(?:${FORMATS[format]})$` : undefined;
}
