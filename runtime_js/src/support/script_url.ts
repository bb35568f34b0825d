/** Addresses of scripts, as a page takes them that enforces Trusted Types (https://w3c.github.io/trusted-types). */

/** TypeScript's own types do not know it. What it gives stands for a text, and is taken where one is. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

declare const trustedTypes: TrustedTypes | undefined;

/** What a page's policy must name in `trusted-types`, with 'allow-duplicates' where several packages are in it. */
const POLICY = "webllm-build";

/** Only a script of this very origin, or one that was made here. Throws TypeError for others. */
function ownScript(url: string): string {
  if (new URL(url, self.location.href).origin === self.origin) return url;
  throw new TypeError(`${url} is not a script of ${self.origin}`);
}

/** Made with the first script: who starts none has none. A page that does not allow it has a policy of its own, or forbids the script. */
let policy: { createScriptURL(url: string): string } | undefined;

/** The address of a script of this origin, for `new Worker` or a service worker. */
export function scriptUrl(url: string): string {
  try {
    if (typeof trustedTypes !== "undefined") policy ??= trustedTypes.createPolicy(POLICY, { createScriptURL: ownScript });
  } catch {
    return url;
  }
  return policy?.createScriptURL(url) ?? url;
}
