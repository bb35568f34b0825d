/** Loads, and GPUs that are lost, measured or wrong. */

import { DebugEngine } from "/runtime/debug.js";
import { Engine } from "/runtime/whole.js";
import { NEVER_ENDS, QUESTION, alive, check, compiled, device, engine, equal, fresh, ids, keep, lose, measuredTiles, overwrite, record, rejects, sitePlan, soon, storedFiles } from "./common.js";

export default {
  async "loads that are given up free the GPU before unload resolves, and wait for no kernel that compiles"() {
    keep.devices = false;
    const before = alive.size;
    const other = new Engine({ appConfig: { model_list: [record] }, variant: "f32", calibrate: "off" });
    for (const wait of [0, 5, 40, 120]) {
      const loading = other.reload("tiny").then(() => "loaded", (error) => error.code);
      await new Promise((resolve) => { setTimeout(resolve, wait); });
      await soon(other.unload(), "unload");
      equal(alive.size, before, `devices after ${wait} ms`);
      check(["loaded", "Abort"].includes(await loading), await loading);
    }
    const compile = GPUDevice.prototype.createComputePipelineAsync;
    try {
      const compiling = new Promise((resolve) => {
        GPUDevice.prototype.createComputePipelineAsync = function never() {
          if (alive.has(this)) resolve(); // not for a load that was given up just before
          return new Promise(() => undefined);
        };
      });
      const loading = rejects(other.reload("tiny"), "Abort");
      await compiling;
      equal(alive.size, before + 1);
      await soon(other.unload(), "unload while kernels compile");
      equal(alive.size, before);
      await loading;
    } finally {
      GPUDevice.prototype.createComputePipelineAsync = compile;
    }
    const overtaken = rejects(other.reload("tiny"), "Abort");
    await other.reload("tiny");
    await overtaken;
    equal(alive.size, before + 1);
    await other.unload();
    equal(alive.size, before);
    keep.devices = true;
  },

  async "a variant that the GPU lacks and a window that is too large are refused"() {
    const error = await rejects(new Engine({ variant: "f16" }).reload(record.manifest), "FeatureSupport");
    check(error.message.includes("shader-f16"), error.message);
    await rejects(new Engine({ device: "gpu" }).reload(record.manifest, { context_window_size: 4096 }), "RequestValidation");
    await rejects(new Engine().chat.completions.create({ messages: QUESTION }), "ModelNotLoaded");
  },

  async "a lost GPU costs a pause once, and is an error then that stays until reload; a spoilt copy in storage is replaced"() {
    const expected = await fresh(QUESTION);
    await engine.reload("tiny", { context_window_size: 128 });
    const told = new Promise((resolve) => engine.setDeviceLostCallback(resolve));
    lose(device);
    equal(await ids(QUESTION), expected, "the model is loaded again");
    lose(device);
    equal((await soon(told, "the event of a lost device")).code, "DeviceLost");
    await rejects(engine.chat.completions.create({ messages: QUESTION }), "DeviceLost");
    await rejects(engine.chat.completions.create({ messages: QUESTION }), "DeviceLost");
    const [{ name, handle }] = await storedFiles("weights");
    await overwrite(handle, new Uint8Array((await handle.getFile()).size));
    await engine.reload("tiny");
    equal(await fresh(QUESTION), expected);
    const replaced = await (await storedFiles("weights"))[0].handle.getFile();
    check(new Uint8Array(await replaced.arrayBuffer()).some((byte) => byte !== 0), `the spoilt copy of ${name} is still there`);
  },

  async "tiles of kernels are measured once, and all answer as the defaults do"() {
    const expected = await fresh(QUESTION);
    await engine.unload();
    equal((await measuredTiles()).length, 0, "a CPU was measured");
    Object.defineProperty(GPUAdapterInfo.prototype, "isFallbackAdapter", { get: () => false });
    const measured = new DebugEngine({ appConfig: { model_list: [record] }, variant: "f32" });
    const load = async () => {
      compiled.clear();
      await measured.reload("tiny");
      equal((await measured.debugTokenIds({ messages: QUESTION, ...NEVER_ENDS })).ids, expected);
      return [...compiled].sort();
    };
    const { kernels, functions } = (await sitePlan()).variants.find(({ name }) => name === "f32");
    // What else there is, is compiled when a request asks for it.
    const needed = new Set(["prefill", "logits", "decode", "sample"].flatMap((name) => functions[name].kernels));
    const each = (tilesOf) => kernels.flatMap((kernel, i) => (needed.has(i) ? tilesOf(kernel, i) : [])).sort();
    const entries = (tiles) => each((kernel, i) => kernel.tiles[tiles[i]].entry);
    equal(await load(), each(({ tiles }) => tiles.map(({ entry }) => entry)), "the first load");
    const [{ handle }] = await measuredTiles();
    equal(await load(), entries(JSON.parse(await (await handle.getFile()).text())), "what was measured");
    const last = kernels.map(({ tiles }) => tiles.length - 1);
    check(last.filter((tile) => tile > 0).length >= 5, `last tiles: ${last}`);
    await overwrite(handle, new TextEncoder().encode(JSON.stringify(last)));
    equal(await load(), entries(last), "the last tiles");
    await measured.unload();
  },

  async "a GPU that computes wrong numbers gets the next variant, and at last an error"() {
    const createShaderModule = GPUDevice.prototype.createShaderModule;
    const warn = console.warn;
    const warnings = [];
    console.warn = (text) => warnings.push(text);
    const compileWrongly = (wrong) => {
      GPUDevice.prototype.createShaderModule = function other({ label, code }) {
        const opposite = wrong(label, code) ? code.replace(/^(out_ptr\[.*?\]) = (.*);$/gm, "$1 = -($2);") : code;
        return createShaderModule.call(this, { label, code: opposite });
      };
    };
    try {
      // What is not taken for a CPU computes with integers first.
      const load = async () => {
        const reports = [];
        const checked = new Engine({ appConfig: { model_list: [record] }, device: "gpu", calibrate: "off", initProgressCallback: (report) => reports.push(report) });
        await checked.reload("tiny").finally(() => checked.unload());
        return reports.at(-1).text;
      };
      compileWrongly((label) => label.startsWith("gemv_codes"));
      const text = await load();
      check(text.includes("(f32)"), text);
      compileWrongly((label) => label.startsWith(warnings.length === 1 ? "gemm_codes" : "attention_prefill"));
      const error = await rejects(load(), "FeatureSupport");
      check(/f32-int8: it computes wrong numbers \(prefill.*f32: it computes wrong numbers \(prefill/.test(error.message), error.message);
    } finally {
      GPUDevice.prototype.createShaderModule = createShaderModule;
      console.warn = warn;
    }
    equal(warnings.map((text) => text.split(" ")[2]), ["f32-int8", "f32-int8", "f32"]);
  },
};
