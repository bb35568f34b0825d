/** Numbers as people of the visitor's language read them. */

import { formatLocalBytes } from "../../support/format.ts";
import { fill, type Plural } from "./fill.ts";
import { LOCALE } from "./words.ts";

function format(value: number, options: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(LOCALE, options).format(value);
}

/** With so many digits behind the point at most. */
export function formatNumber(value: number, digits = 0): string {
  return format(value, { maximumFractionDigits: digits });
}

/** A number's words: "1 token", "4,096 tokens". */
export function formatPlural(forms: Plural, count: number): string {
  return fill(forms[new Intl.PluralRules(LOCALE).select(count)] ?? forms.other, { count: formatNumber(count) });
}

/** share: 0 to 1. Never more than is done. */
export function formatPercent(share: number): string {
  return format(Math.floor(share * 100) / 100, { style: "percent" });
}

/** Decimal units, as download managers and hosts count them: "108 MB", "1.92 GB". */
export function formatBytes(bytes: number): string {
  return formatLocalBytes(bytes, LOCALE);
}

/** "3.2 MB/s". */
export function formatRate(bytesPerSecond: number): string {
  return formatLocalBytes(bytesPerSecond, LOCALE, "-per-second");
}

/** "135 million", "3.2 billion". */
export function formatCount(count: number): string {
  return format(count, { notation: "compact", compactDisplay: "long", maximumFractionDigits: count >= 999.5e6 ? 1 : 0 });
}

/** Rounded so that it does not flicker: "8 sec", "1 min 20 sec", "1 hr 5 min". */
export function formatDuration(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  const rounded = whole < 60 ? whole : whole < 3600 ? 10 * Math.ceil(whole / 10) : 60 * Math.floor(whole / 60);
  const parts = { hour: Math.floor(rounded / 3600), minute: Math.floor((rounded % 3600) / 60), second: rounded % 60 };
  const said = Object.entries(parts).filter(([, count]) => count > 0).map(([unit, count]) => format(count, { style: "unit", unit }));
  return new Intl.ListFormat(LOCALE, { type: "unit", style: "narrow" }).format(said);
}

/** As a clock counts: "0:05", "12:30". */
export function formatClock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${formatNumber(Math.floor(whole / 60))}:${format(whole % 60, { minimumIntegerDigits: 2 })}`;
}

/** Of a day, without the time: "Nov 26, 2026". */
export function formatDate(milliseconds: number): string {
  return new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium" }).format(milliseconds);
}
