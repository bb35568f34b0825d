/** Who hears how far a model's download is: what `create` gives to its `monitor`. */

/** Progress is told in steps of this. */
const STEP = 1 / 0x10000;

/** Where there are no ProgressEvents, as outside of browsers, an event with the same facts. */
function progressEvent(loaded: number): Event {
  const facts = { loaded, total: 1, lengthComputable: true };
  return typeof ProgressEvent === "function" ? new ProgressEvent("downloadprogress", facts) : Object.assign(new Event("downloadprogress"), facts);
}

function isProgress(event: Event): event is ProgressEvent {
  return "loaded" in event;
}

export interface CreateMonitor {
  addEventListener(type: "downloadprogress", listener: (event: ProgressEvent) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
}

export class CreateMonitor extends EventTarget {
  ondownloadprogress: ((event: ProgressEvent) => unknown) | null = null;
  #most = -1;

  constructor() {
    super();
    EventTarget.prototype.addEventListener.call(this, "downloadprogress", (event: Event) => { if (isProgress(event)) this.ondownloadprogress?.(event); });
  }

  /** @internal loaded: from 0 to 1; what is no step further is not told. */
  tell(told: number): void {
    const loaded = Math.floor(told / STEP) * STEP;
    if (loaded <= this.#most) return;
    this.#most = loaded;
    this.dispatchEvent(progressEvent(loaded));
  }
}
