/** Digests in the notation of Subresource Integrity: an algorithm, "-", and base64. */

import { log } from "../support/log.ts";
import { IntegrityError, NamedError } from "./errors.ts";

/** Bytes of their digests. */
const ALGORITHMS = new Map([["sha256", 32], ["sha384", 48], ["sha512", 64]]);

/** The name that the Web Cryptography API has for a digest's algorithm; undefined: it is no digest. */
function algorithmOf(sri: string): string | undefined {
  const [, name = "", base64 = "", padding = ""] = /^(sha[0-9]{3})-([A-Za-z0-9+/]{43,86})(={0,2})$/.exec(sri) ?? [];
  const isWhole = padding === "" || (base64.length + padding.length) % 4 === 0; // WebLLM knows digests without padding, which fit no bytes
  return isWhole && Math.floor(base64.length * 3 / 4) === ALGORITHMS.get(name) ? `SHA-${name.slice(3)}` : undefined;
}

export function isValidSRI(sri: string): boolean {
  return algorithmOf(sri) !== undefined;
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/**
 * Compares the digest of `data` with `expectedSRI`; `url` names it in the error.
 * Raises IntegrityError where it is another; with "warn", a warning says so. Raises an Error where `expectedSRI` is no digest.
 */
export async function verifyIntegrity(
  data: ArrayBuffer, expectedSRI: string, url: string, onFailure: "error" | "warn" = "error",
): Promise<void> {
  const algorithm = algorithmOf(expectedSRI);
  if (algorithm === undefined) {
    throw new NamedError("Error", `Invalid SRI hash format: "${expectedSRI}". It is "sha256-", "sha384-" or "sha512-" and base64.`);
  }
  const actual = `${algorithm.replace("SHA-", "sha")}-${toBase64(new Uint8Array(await crypto.subtle.digest(algorithm, data)))}`;
  if (actual === expectedSRI) return;
  const error = new IntegrityError(url, expectedSRI, actual);
  if (onFailure === "error") throw error;
  log.warn(error.message);
}
