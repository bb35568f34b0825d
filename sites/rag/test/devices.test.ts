import assert from "node:assert/strict";
import { test } from "node:test";
import { devicesOf } from "../src/devices.ts";

const PAGE = "https://page.example/rag/";

test("the address says where the models compute, both or the embedder alone", () => {
  assert.deepEqual(devicesOf(PAGE), { writer: "auto", embedder: "auto" });
  assert.deepEqual(devicesOf(`${PAGE}?device=cpu`), { writer: "cpu", embedder: "cpu" });
  assert.deepEqual(devicesOf(`${PAGE}?embedder=cpu`), { writer: "auto", embedder: "cpu" });
  assert.deepEqual(devicesOf(`${PAGE}?device=gpu0&embedder=`), { writer: "auto", embedder: "auto" });
});
