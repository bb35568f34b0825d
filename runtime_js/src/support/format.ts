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

/** "135 million", "3.2 billion". */
export function formatCount(count: number): string {
  if (count >= 999.5e6) return `${(count / 1e9).toFixed(1)} billion`;
  if (count >= 1e6) return `${Math.round(count / 1e6)} million`;
  return count.toLocaleString("en");
}

/** Rounded so that it does not flicker: "8 s", "1 min 20 s", "1 h 5 min". */
export function formatDuration(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) {
    const rest = Math.ceil((whole % 60) / 10) * 10;
    const minutes = Math.floor(whole / 60) + (rest === 60 ? 1 : 0);
    return rest === 0 || rest === 60 ? `${minutes} min` : `${minutes} min ${rest} s`;
  }
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
