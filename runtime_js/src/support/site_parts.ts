/**
 * A site's worker is one script from memory: what it loads later it imports from an address, which the page tells it by the worker's name. Such
 * a part is a script by itself, with its own copies of what it shares.
 */

export type SitePart = "structure" | "cpu" | "tokenizer" | "media";

/** What a page tells its worker. */
interface WorkerName {
  readonly parts: Readonly<Record<SitePart, string>>;
  /** What all workers have in common that share their models. */
  readonly group?: string | undefined;
  /** It is to measure before anything is loaded. */
  readonly isPreflight?: boolean | undefined;
}

/** The name of a worker that is to find these parts, and to share its models with those of its group. */
export function workerName(parts: WorkerName["parts"], group?: string): string {
  return JSON.stringify({ parts, group } satisfies WorkerName);
}

/** The name of a worker that is to measure, with these parts. */
export function preflightName(parts: WorkerName["parts"]): string {
  return JSON.stringify({ parts, isPreflight: true } satisfies WorkerName);
}

export function isPreflight(): boolean {
  return ownName().isPreflight === true;
}

function ownName(): WorkerName {
  const name: WorkerName = JSON.parse(self.name);
  return name;
}

/** The address of a part, in a worker that the page named so. */
export function addressOf(part: SitePart): string {
  return ownName().parts[part];
}

export function groupOfWorker(): string | undefined {
  return ownName().group;
}
