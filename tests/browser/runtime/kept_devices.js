/** SwiftShader takes seconds to compile a model's kernels: engines get the devices of those before. What imports this has them do so. */

export let device = null;
/** Devices that engines have and did not destroy. */
export const alive = new Set();
// An engine gets the device of one that destroyed it, with all that was compiled on it, but where loads are given up (`keep.devices`), or the
// GPU is lost.
export const keep = { devices: true };
const idle = [];
const gone = new WeakSet();
const { requestDevice } = GPUAdapter.prototype;
const { destroy, createComputePipelineAsync, createShaderModule } = GPUDevice.prototype;
GPUAdapter.prototype.requestDevice = async function watched(descriptor) {
  const asked = JSON.stringify(descriptor);
  const place = keep.devices ? idle.findIndex((one) => one.asked === asked) : -1;
  device = place < 0 ? await requestDevice.call(this, descriptor) : idle.splice(place, 1)[0];
  device.asked ??= asked;
  alive.add(device);
  return device;
};
GPUDevice.prototype.destroy = function watched() {
  alive.delete(this);
  if (keep.devices && !gone.has(this)) idle.push(this);
  else destroy.call(this);
};
export function lose(one) {
  gone.add(one);
  one.destroy();
}

/** Entry points of the kernels that an engine asked for while it loaded. */
export const compiled = new Set();
const codes = new WeakMap();
GPUDevice.prototype.createShaderModule = function watched(descriptor) {
  const module = createShaderModule.call(this, descriptor);
  codes.set(module, descriptor.code);
  return module;
};
GPUDevice.prototype.createComputePipelineAsync = function watched(descriptor) {
  const { module, entryPoint } = descriptor.compute;
  compiled.add(entryPoint);
  const kernel = `${entryPoint} ${codes.get(module)}`;
  this.pipelines ??= new Map();
  if (!this.pipelines.has(kernel)) this.pipelines.set(kernel, createComputePipelineAsync.call(this, descriptor));
  return this.pipelines.get(kernel);
};
