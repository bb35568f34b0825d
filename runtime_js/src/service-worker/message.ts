/** What a page sends to a waiting service worker to let the new build take over. */
export const ACTIVATE = "webllm-build:activate";
