import { IntegrityError } from "../support/errors.ts";

/** Lower-case hex. Raises IntegrityError where the page's address is not secure. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (typeof crypto === "undefined" || crypto.subtle === undefined) {
    throw new IntegrityError("Files cannot be verified here: open the page over https:// or on localhost.");
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
