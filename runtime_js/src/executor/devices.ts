export const DEVICES = ["auto", "gpu", "cpu"] as const;

/** What computes a model: "auto" takes the GPU where it can and is faster, else the CPU. */
export type Device = (typeof DEVICES)[number];

/** What a loaded model runs on. */
export interface Computer {
  readonly device: Exclude<Device, "auto">;
  /** The GPU's vendor, as far as it is known; "" on a CPU. */
  readonly vendor: string;
  /** Of a CPU; 1 on a GPU. */
  readonly threads: number;
  /** Of a CPU: what one answer may be expected to get, by the time of the model's first layer. */
  readonly tokensPerSecond?: number | undefined;
}

/** "GPU (nvidia)", "CPU, 2 threads". */
export function describeComputer({ device, vendor, threads }: Computer): string {
  if (device === "gpu") return vendor === "" ? "GPU" : `GPU (${vendor})`;
  return `CPU, ${threads === 1 ? "1 thread" : `${threads} threads`}`;
}
