/** Numbers as people read them. */

const UNITS = ["B", "kB", "MB", "GB"] as const;

/** Decimal units, as download managers and hosts count them: "108 MB", "1.92 GB". */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}\u00a0${UNITS[unit] ?? "GB"}`;
}

const NAMES = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** The same as people of a language write it. locale: a tag of BCP 47; per: of a rate. */
export function formatLocalBytes(bytes: number, locale: string, per: "" | "-per-second" = ""): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < NAMES.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = value >= 999.5 ? {} : { maximumSignificantDigits: 3 };
  const unitDisplay = unit === 0 ? "long" : "short"; // the short form of some languages has no plural: "13 byte"
  return new Intl.NumberFormat(locale, { style: "unit", unit: `${NAMES[unit] ?? "gigabyte"}${per}`, unitDisplay, maximumFractionDigits: 0, ...digits }).format(value).replaceAll(" ", "\u00a0");
}
