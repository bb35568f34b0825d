// A handler that is there whenever the browser starts the worker, of the package's entry without import().
import { ServiceWorkerMLCEngineHandler } from "/package/static.js";

self.addEventListener("install", () => self.skipWaiting());
new ServiceWorkerMLCEngineHandler().serveEndpoint();
