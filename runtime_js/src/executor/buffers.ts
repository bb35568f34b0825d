/** All GPU buffers of a loaded model, by the plan's numbering: weights, states, io, workspace. */

import { MAX_SLOTS, MIN_SLOTS, SLOT_BYTES } from "./abi.generated.ts";
import { allocating } from "./device.ts";
import { BufferUsage } from "./gpu_flags.ts";
import { placesInTurn } from "./rehearsal.ts";
import { laterBuffers, windowsOf, type Plan, type PlanHead, type VariantPlan } from "./plan.ts";

/** WebGPU's largest minStorageBufferOffsetAlignment. */
const OFFSET_ALIGNMENT = 256;
/** WebGPU's smallest maxBufferSize. */
const WEIGHT_BUFFER_BYTES = 1 << 28;

/** New KV buffers that are made at a time: each time is a way to the GPU's process and back, while an answer waits. */
const GROWTH_BYTES = 1 << 26;

/** Where a buffer of the plan lies: in all of a GPU buffer or in a range of one. */
export type Binding = Required<GPUBufferBinding>;

type Make = (label: string, size: number) => GPUBuffer;

function maker(device: GPUDevice): Make {
  const usage = BufferUsage.STORAGE | BufferUsage.COPY_DST | BufferUsage.COPY_SRC;
  return (label, size) => device.createBuffer({ label, size, usage });
}

function bytesOf(buffers: readonly { readonly bytes: number }[]): number {
  return buffers.reduce((sum, { bytes }) => sum + bytes, 0);
}

function whole(buffer: GPUBuffer): Binding {
  return { buffer, offset: 0, size: buffer.size };
}

/**
 * Lays weights end to end in few large GPU buffers, because memory is given out in steps: a buffer of 1.1 MB may take 2. A weight
 * that is larger than WEIGHT_BUFFER_BYTES has a buffer of its own.
 */
export function packWeights(weights: Plan["weights"], make: Make): Binding[] {
  const bindings: Binding[] = [];
  for (let first = 0, next = 0; first < weights.length; first = next) {
    const offsets: number[] = [];
    let size = 0;
    for (; next < weights.length; next++) {
      const offset = Math.ceil(size / OFFSET_ALIGNMENT) * OFFSET_ALIGNMENT;
      const end = offset + (weights[next]?.bytes ?? 0);
      if (next > first && end > WEIGHT_BUFFER_BYTES) break;
      offsets.push(offset);
      size = end;
    }
    const buffer = make(`weights ${first}`, size);
    offsets.forEach((offset, i) => bindings.push({ buffer, offset, size: weights[first + i]?.bytes ?? 0 }));
  }
  return bindings;
}

/** Room for the weights, which all variants of a model read. Raises OutOfMemoryError. */
export function allocateWeights(device: GPUDevice, plan: Plan): Promise<readonly Binding[]> {
  return allocating(device, "the model's weights", bytesOf(plan.weights), () => packWeights(plan.weights, maker(device)));
}

/** The weights in one buffer of `room` bytes or little more, which they share. Raises OutOfMemoryError. */
export function shareWeights(device: GPUDevice, { weights }: Plan, room: number): Promise<readonly Binding[]> {
  const { places, end } = placesInTurn(weights.map(({ bytes }) => bytes), Math.min(room, WEIGHT_BUFFER_BYTES), OFFSET_ALIGNMENT);
  return allocating(device, "a part of the model's weights", end, () => {
    const buffer = maker(device)("weights", end);
    return weights.map(({ bytes }, i) => ({ buffer, offset: places[i] ?? 0, size: bytes }));
  });
}

/** How many slots each of the model's states in slots gets; 0 where there is none. The builder's plan.py counts the same. */
export function slotCount(plan: Pick<PlanHead, "states">, { stateBytes }: Pick<VariantPlan, "stateBytes">): number {
  const bytes = stateBytes.reduce((sum, size, i) => sum + (plan.states[i]?.kind === "slots" ? size : 0), 0);
  return bytes === 0 ? 0 : Math.max(MIN_SLOTS, Math.min(MAX_SLOTS, Math.floor(SLOT_BYTES / bytes)));
}

/** The number of the group that each state is of; -1 of one in slots. */
function groupNumbers({ states }: Pick<Plan, "states">): number[] {
  const windows = windowsOf(states);
  return states.map(({ kind, window }) => (kind === "pages" ? windows.indexOf(window) : -1));
}

/** Bytes of each state's buffer. */
function stateSizes(plan: Plan, variant: VariantPlan, pages: readonly number[]): number[] {
  const slots = slotCount(plan, variant);
  return groupNumbers(plan).map((group, i) => (variant.stateBytes[i] ?? 0) * (pages[group] ?? slots));
}

export class BufferTable {
  readonly #device: GPUDevice;
  /** Of buffers that only some requests need, undefined until one does. */
  readonly #bindings: (Binding | undefined)[];
  readonly #plan: Plan;
  readonly #variant: VariantPlan;
  /** Holds a page while it is copied: WebGPU copies only between two buffers. */
  readonly #spare: GPUBuffer;
  /** By group: pages that each of its layers has room for. */
  readonly #pages: number[];

  private constructor(
    device: GPUDevice, plan: Plan, variant: VariantPlan, pages: readonly number[], bindings: (Binding | undefined)[], spare: GPUBuffer,
  ) {
    this.#device = device;
    this.#plan = plan;
    this.#variant = variant;
    this.#pages = [...pages];
    this.#bindings = bindings;
    this.#spare = spare;
  }

  /** Allocates all but the weights and what only some requests need, with a KV cache of `pages` pages of each group. Raises OutOfMemoryError. */
  static async create(
    device: GPUDevice, plan: Plan, variant: VariantPlan, pages: readonly number[], weights: readonly Binding[],
  ): Promise<BufferTable> {
    const make = maker(device);
    const states = stateSizes(plan, variant, pages);
    const later = laterBuffers(plan, variant);
    const firstIo = plan.weights.length + plan.states.length;
    const io = plan.io.map((buffer, i) => (later.has(firstIo + i) ? undefined : buffer));
    const total = bytesOf(io.flatMap((buffer) => buffer ?? [])) + [...variant.workspace, ...states].reduce((sum, bytes) => sum + bytes, 0);
    return allocating(device, "a conversation", total, () => {
      const others = [
        ...states.map((size, i) => make(`state ${plan.states[i]?.name}`, size)),
        ...io.map((buffer) => buffer && make(buffer.name, buffer.bytes)),
        ...variant.workspace.map((bytes, i) => make(`workspace ${i}`, bytes)),
      ];
      const bindings = [...weights, ...others.map((buffer) => buffer && whole(buffer))];
      return new BufferTable(device, plan, variant, pages, bindings, make("spare page", Math.max(4, variant.kvPageBytes)));
    });
  }

  /** Frees all but the weights. */
  destroy(): void {
    for (const binding of this.#bindings.slice(this.#firstState)) binding?.buffer.destroy();
    this.#spare.destroy();
  }

  /** Pages that every layer of a group has room for. */
  pages(group: number): number {
    return this.#pages[group] ?? 0;
  }

  /** Slots that every state in slots has room for; 0 where there is none. */
  get slots(): number {
    return slotCount(this.#plan, this.#variant);
  }

  /** Makes those of the io buffers that are not there yet. Raises OutOfMemoryError. */
  async add(ids: readonly number[]): Promise<void> {
    const firstIo = this.#firstState + this.#plan.states.length;
    const missing = [...new Set(ids)].flatMap((id) => {
      const buffer = this.#plan.io[id - firstIo];
      return buffer === undefined || this.#bindings[id] !== undefined ? [] : { ...buffer, id };
    });
    const make = maker(this.#device);
    const made = await allocating(this.#device, "what a request asks for", bytesOf(missing), () => missing.map(({ name, bytes }) => make(name, bytes)));
    missing.forEach(({ id }, i) => {
      const buffer = made[i];
      if (buffer !== undefined) this.#bindings[id] = whole(buffer);
    });
  }

  binding(id: number): Binding {
    const binding = this.#bindings[id];
    if (binding === undefined) throw new RangeError(`no buffer ${id}`);
    return binding;
  }

  /** Raises RangeError where the plan has no such buffer. */
  io(name: string): GPUBuffer {
    const index = this.#plan.io.findIndex((buffer) => buffer.name === name);
    if (index < 0) throw new RangeError(`no io buffer ${name}`);
    return this.binding(this.#firstState + this.#plan.states.length + index).buffer;
  }

  get #firstState(): number {
    return this.#plan.weights.length;
  }

  /** Whether it is a buffer of pages. */
  isKv(id: number): boolean {
    return this.#plan.states[id - this.#firstState]?.kind === "pages";
  }

  /** Ids of a group's buffers of pages, and bytes of a page. */
  #paged(group: number): { readonly id: number; readonly pageBytes: number }[] {
    const groups = groupNumbers(this.#plan);
    return this.#variant.stateBytes.map((pageBytes, i) => ({ id: this.#firstState + i, pageBytes })).filter((_, i) => groups[i] === group);
  }

  /**
   * Gives every layer of a group room for `pages` pages and keeps what is there. A few layers at a time, so that the peak is GROWTH_BYTES or
   * one layer's buffer above the new size. Raises OutOfMemoryError; the cache then works on with the room it had.
   */
  async growKv(group: number, pages: number): Promise<void> {
    const small = this.#paged(group).map(({ id, pageBytes }) => ({ id, size: pages * pageBytes }))
      .filter(({ id, size }) => this.binding(id).size < size); // others grew before a growth failed
    for (let first = 0, next = 0; first < small.length; first = next) {
      let bytes = 0;
      for (; next < small.length && (next === first || bytes + (small[next]?.size ?? 0) <= GROWTH_BYTES); next++) bytes += small[next]?.size ?? 0;
      await this.#enlarge(small.slice(first, next), bytesOf(this.#paged(group).map(({ pageBytes }) => ({ bytes: pages * pageBytes }))));
    }
    this.#pages[group] = pages;
  }

  /** `total`: bytes of all that grow. */
  async #enlarge(buffers: readonly { readonly id: number; readonly size: number }[], total: number): Promise<void> {
    const moves: { readonly id: number; readonly old: GPUBuffer; readonly larger: GPUBuffer }[] = [];
    try {
      await allocating(this.#device, "a longer conversation", total, () => {
        for (const { id, size } of buffers) {
          const old = this.binding(id).buffer;
          moves.push({ id, old, larger: this.#device.createBuffer({ label: old.label, size, usage: old.usage }) });
        }
      });
    } catch (error) {
      for (const { larger } of moves) larger.destroy();
      throw error;
    }
    const encoder = this.#device.createCommandEncoder();
    for (const { old, larger } of moves) encoder.copyBufferToBuffer(old, 0, larger, 0, old.size);
    this.#device.queue.submit([encoder.finish()]);
    for (const { id, old, larger } of moves) {
      this.#bindings[id] = whole(larger);
      old.destroy();
    }
  }

  /** Records copies of whole pages, in every layer of their group. `copies` holds (group, source, destination). */
  copyPages(encoder: GPUCommandEncoder, copies: Int32Array): void {
    for (let i = 0; i + 2 < copies.length; i += 3) {
      for (const { id, pageBytes } of this.#paged(copies[i] ?? 0)) {
        const cache = this.binding(id).buffer;
        encoder.copyBufferToBuffer(cache, (copies[i + 1] ?? 0) * pageBytes, this.#spare, 0, pageBytes);
        encoder.copyBufferToBuffer(this.#spare, 0, cache, (copies[i + 2] ?? 0) * pageBytes, pageBytes);
      }
    }
  }
}
