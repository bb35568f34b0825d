/** On a GPU outside of browsers: Deno's own, or that of the npm package webgpu, as the package's README says. */

if (typeof Deno === "undefined") {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, "navigator", { value: { gpu: create([]) }, configurable: true });
}
const { createEngine } = await import(typeof Deno === "undefined" ? "tiny/static" : "tiny");
let device;
const engine = await createEngine({ device: "gpu", initProgressCallback: ({ computer }) => { device = computer?.device ?? device; } });
const { choices: [{ message }] } = await engine.chat.completions.create({
  messages: [{ role: "user", content: "Why is the sky blue?" }], temperature: 0, max_tokens: 8,
});
await engine.unload();
console.log(JSON.stringify([device, message.content]));
