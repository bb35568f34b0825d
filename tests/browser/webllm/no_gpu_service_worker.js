// As in browsers that have no WebGPU in service workers.
Object.defineProperty(navigator, "gpu", { value: undefined });
import "./static_service_worker.js";
