/** The code that computes on the CPU: it is loaded where a model runs there. */

export type CpuPart = typeof import("./backend.ts");

export function importPart(): Promise<CpuPart> {
  return import("./backend.ts");
}
