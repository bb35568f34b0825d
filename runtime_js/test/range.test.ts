import assert from "node:assert/strict";
import { test } from "node:test";
import { fileResponse } from "../src/service-worker/range.ts";

const FILE = new Blob([Uint8Array.from({ length: 10 }, (_, i) => i)]);

const CASES: readonly (readonly [string, number, string | null, readonly number[]])[] = [
  ["bytes=2-4", 206, "bytes 2-4/10", [2, 3, 4]],
  ["bytes=8-", 206, "bytes 8-9/10", [8, 9]],
  ["bytes=8-400", 206, "bytes 8-9/10", [8, 9]],
  ["bytes=-3", 206, "bytes 7-9/10", [7, 8, 9]],
  ["bytes=-30", 206, "bytes 0-9/10", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ["bytes=10-", 416, "bytes */10", []],
  ["bytes=-0", 416, "bytes */10", []],
  ["bytes=4-2", 200, null, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ["bytes=0-1,3-4", 200, null, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ["bytes=-", 200, null, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ["items=0-1", 200, null, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
];

for (const [range, status, contentRange, bytes] of CASES) {
  test(`a stored file answers ${range} with ${status}`, async () => {
    const response = fileResponse(FILE, new Headers({ range }));
    assert.equal(response.status, status);
    assert.equal(response.headers.get("content-range"), contentRange);
    assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], bytes);
  });
}

test("a condition on another version gets the whole file", () => {
  assert.equal(fileResponse(FILE, new Headers({ "range": "bytes=2-4", "if-range": '"x"' })).status, 200);
});
