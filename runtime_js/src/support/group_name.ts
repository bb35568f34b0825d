/** How a page tells a package's worker to share its models: by its name, as nothing else is there before its first message. */

const PREFIX = "webllm-build shared ";

/** key: what all workers have in common that share their models. */
export function sharedWorkerName(key: string): string {
  return PREFIX + key;
}

/** The key of this worker; undefined where its models are its own. */
export function groupOfWorker(): string | undefined {
  return self.name.startsWith(PREFIX) ? self.name.slice(PREFIX.length) : undefined;
}
