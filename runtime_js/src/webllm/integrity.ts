/** Digests in the notation of Subresource Integrity: an algorithm, "-", and base64. */

import { log } from "../support/log.ts";
import { IntegrityError } from "./errors.ts";

/** Bytes of their digests. */
const ALGORITHMS = new Map([["sha256", 32], ["sha384", 48], ["sha512", 64]]);

/** The name that the Web Cryptography API has for a digest's algorithm; undefined: it is no digest. */
function algorithmOf(sri: string): string | undefined {
  const [, name = "", base64 = ""] = /^(sha[0-9]{3})-([A-Za-z0-9+/]{43,86}={0,2})$/.exec(sri) ?? [];
  const isWhole = base64.length % 4 === 0 && base64.length / 4 * 3 - (/=*$/.exec(base64)?.[0].length ?? 0) === ALGORITHMS.get(name);
  return isWhole ? `SHA-${name.slice(3)}` : undefined;
}

export function isValidSRI(sri: string): boolean {
  return algorithmOf(sri) !== undefined;
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/**
 * Compares the digest of `data` with `expectedSRI`; `url` names it in the error.
 * Raises IntegrityError where it is another, or where `expectedSRI` is no digest; with "warn", a warning says so.
 */
export async function verifyIntegrity(
  data: ArrayBuffer, expectedSRI: string, url: string, onFailure: "error" | "warn" = "error",
): Promise<void> {
  const algorithm = algorithmOf(expectedSRI);
  const actual = algorithm === undefined ? "unknown, as that is no digest"
    : `${algorithm.replace("SHA-", "sha")}-${toBase64(new Uint8Array(await crypto.subtle.digest(algorithm, data)))}`;
  if (actual === expectedSRI) return;
  const error = new IntegrityError(url, expectedSRI, actual);
  if (onFailure === "error") throw error;
  log.warn(error.message);
}
