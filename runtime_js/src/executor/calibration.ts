export const CALIBRATIONS = ["auto", "off"] as const;

/** "auto" measures on a model's first load, for half a second, which kernels are fast on this GPU, and remembers; "off" takes defaults. */
export type Calibration = (typeof CALIBRATIONS)[number];
