// node stored_rows_in_node.mjs dist/node.js model tokens.json logits.npy

import { readFile, readdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { check, outlive } from "./stored_rows.js";

const [runtime, folder, texts, npy] = process.argv.slice(2);
const { Engine } = await import(pathToFileURL(runtime).href);
const { tokens } = JSON.parse(await readFile(texts, "utf8"));
const bytes = await readFile(npy);
const logits = new Float32Array(Uint8Array.from(bytes.subarray(10 + bytes.readUInt16LE(8))).buffer);
const engine = new Engine({ device: "cpu", variant: "cpu-f32", logLevel: "ERROR" });
await engine.reload(folder);
await check(engine, tokens, logits);
const shard = join(folder, (await readdir(folder)).find((name) => name.endsWith(".bin")));
const whole = await readFile(shard);
await outlive(engine, () => truncate(shard, 100), () => writeFile(shard, whole));
await engine.unload();
console.log("PASS");
