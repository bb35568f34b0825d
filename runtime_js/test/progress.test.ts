import assert from "node:assert/strict";
import { test } from "node:test";
import { LoadProgress, waitingToBegin, type InitProgressReport } from "../src/engine/progress.ts";

const FILE = { file: "w", bytes: 100, sha256: "00".repeat(32) };

test("while nothing comes, reports say why; progress stays within its bounds when a file comes again", () => {
  const reports: InitProgressReport[] = [];
  const progress = new LoadProgress((report) => reports.push(report));
  const last = (): InitProgressReport | undefined => reports.at(-1);
  progress.waiting({ kind: "network", text: "Waiting for the network" });
  assert.deepEqual([last()?.waitingKind, last()?.waiting, last()?.text, last()?.phase], ["network", "Waiting for the network", "Waiting for the network", "config"]);
  progress.weightsBegin(100);
  progress.received(FILE, 60);
  assert.equal(last()?.waiting, undefined);
  progress.waiting({ kind: "retry", text: "Trying again" });
  progress.compiled(1, 2);
  assert.deepEqual([last()?.waiting, last()?.phase], ["Trying again", "weights"], "kernels that are ready do not hide it");
  progress.received(FILE, 100);
  progress.compiled(2, 2);
  progress.received(FILE, 0);
  assert.equal(last()?.phase, "weights");
  progress.received(FILE, 100);
  progress.ready("Ready", { device: "cpu", vendor: "", threads: 2 });
  assert.ok(reports.every((report) => report.progress <= 1 && report.progress >= 0 && report.bytesDone <= report.bytesTotal));
  assert.equal(last()?.progress, 1);
  assert.deepEqual(last()?.computer, { device: "cpu", vendor: "", threads: 2 });
  progress.close();
});

test("a load that waits for its turn is one that has not begun", () => {
  const { phase, progress, waitingKind, waiting } = waitingToBegin({ kind: "network", text: "Waiting for the network" });
  assert.deepEqual([phase, progress, waitingKind, waiting], ["config", 0, "network", "Waiting for the network"]);
});
