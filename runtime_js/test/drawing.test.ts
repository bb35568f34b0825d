/** How long drawing may take in a frame, by a clock that stands still but for what is drawn. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Drawing } from "../src/view/drawing.ts";
import { SLICE_MS, type Slice } from "../src/view/slice.ts";

test("what is drawn as it comes counts in the frame that shows it", () => {
  let [clock, drawn] = [0, 0];
  const frames: (() => void)[] = [];
  mock.method(performance, "now", () => clock);
  Object.assign(globalThis, { requestAnimationFrame: (draw: () => void) => frames.push(draw), cancelAnimationFrame: () => undefined });
  const frame = (): number => {
    const before = drawn;
    frames.shift()?.();
    return drawn - before;
  };
  const drawing = new Drawing((draw) => draw(), () => undefined, () => false);
  const endless = {
    draw(slice: Slice): boolean {
      do [clock, drawn] = [clock + 0.5, drawn + 0.5]; while (!slice.isOver);
      return false;
    },
  };
  drawing.add(endless);
  assert.equal(drawn, SLICE_MS);
  assert.equal(frame(), 0.5); // the least that draws something
  assert.equal(frame(), SLICE_MS);
  drawing.drop(endless);
  frame();
  mock.restoreAll();
});
