import assert from "node:assert/strict";
import { test } from "node:test";
import { keptRows, rotaryTable, type Place } from "../src/executor/rope.ts";

const at = (position: number): Place => ({ position, isLong: false });

test("rotary angles are exact at far positions", () => {
  const table = rotaryTable({ invFreq: [1, 0.01], scale: 2, long: null }, [100_000, 100_001].map(at));
  assert.equal(table.length, 8);
  const expected = [100_001, 1000.01].flatMap((angle) => [2 * Math.cos(angle), 2 * Math.sin(angle)]);
  assert.deepEqual([...table.slice(4, 8)], expected.map(Math.fround));
});

test("what does not turn is not scaled, and a long sequence turns by its own frequencies", () => {
  const rope = { invFreq: [0.5, 0], scale: 2, long: { invFreq: [0.25, 0], beyond: 8 } };
  const expected = [2 * Math.cos(1.5), 2 * Math.sin(1.5), 1, 0, 2 * Math.cos(1), 2 * Math.sin(1), 1, 0];
  assert.deepEqual(rotaryTable(rope, [{ position: 3, isLong: false }, { position: 4, isLong: true }]), Float32Array.from(expected));
  assert.deepEqual(rotaryTable({ ...rope, long: null }, [{ position: 3, isLong: true }]), Float32Array.from(expected.slice(0, 4)));
});

test("rows of a rotary table that are kept are those that are computed, whatever was asked before", () => {
  const rope = { invFreq: [1, 0.01, 0], scale: 2, long: { invFreq: [0.25, 0.1, 0], beyond: 8 } };
  const far: Place[] = [8191, 8192, 600, 511, 512, 0].map(at);
  const turned = { position: 5, isLong: false, turns: Int32Array.of(5, 9) };
  const calls = [[3, 4].map(at), [{ position: 4, isLong: true }, at(4)], [turned, at(5)], [turned, turned], far, far, []];
  for (const each of [rope, { ...rope, axes: [0, 1, 0] }]) {
    const table = keptRows(each);
    for (const places of calls) assert.deepEqual(table(places), rotaryTable(each, places));
  }
});
