/** Where the models compute, as the page's address says: `?device=cpu` for both, `?embedder=cpu` leaves the GPU, and its memory, to the one that writes. */

type Device = "auto" | "cpu";

export interface Devices {
  readonly writer: Device;
  readonly embedder: Device;
}

export function devicesOf(address: string): Devices {
  const query = new URL(address).searchParams;
  const writer = query.get("device") === "cpu" ? "cpu" : "auto";
  return { writer, embedder: query.get("embedder") === "cpu" ? "cpu" : writer };
}
