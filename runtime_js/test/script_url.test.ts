/** Scripts of a page that enforces Trusted Types: its own ones alone. */

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { scriptUrl } from "../src/support/script_url.ts";

class TrustedUrl {
  readonly url: string;
  constructor(url: string) {
    this.url = url;
  }
}

const policies: string[] = [];

before(() => {
  Object.assign(globalThis, {
    self: { origin: "https://site.example", location: { href: "https://site.example/chat/" } },
    trustedTypes: {
      createPolicy(name: string, { createScriptURL }: { createScriptURL(url: string): string }) {
        policies.push(name);
        return { createScriptURL: (url: string) => new TrustedUrl(createScriptURL(url)) };
      },
    },
  });
});

after(() => Object.assign(globalThis, { self: undefined, trustedTypes: undefined }));

test("an own script and one that was made here become trusted, by one policy", () => {
  for (const url of ["assets/worker.js", "/sw.js", "https://site.example/x.js", "blob:https://site.example/6b1c2a4e"]) {
    assert.deepEqual(scriptUrl(url), new TrustedUrl(url));
  }
  assert.deepEqual(policies, ["webllm-build"]);
});

test("another origin's script does not", () => {
  for (const url of ["https://other.example/x.js", "//other.example/x.js", "data:text/javascript,1", "blob:https://other.example/6b1c2a4e", "javascript:1"]) {
    assert.throws(() => scriptUrl(url), TypeError, url);
  }
});
