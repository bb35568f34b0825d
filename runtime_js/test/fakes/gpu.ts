/**
 * A GPU that computes nothing but remembers everything: what was created, written, copied and submitted, in order. Time passes on it
 * only as `costs` tells.
 * `Object.create` gives the fakes their WebGPU types; what the runtime does not use is absent and would throw.
 */

export interface Recorded {
  readonly created: string[];
  readonly commands: string[];
}

interface FakeBuffer extends GPUBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export class FakeOutOfMemoryError {
  readonly message = "no room";
}
Object.assign(globalThis, { GPUOutOfMemoryError: FakeOutOfMemoryError });

export class FakeGpu {
  readonly log: Recorded = { created: [], commands: [] };
  readonly buffers: FakeBuffer[] = [];
  readonly limits = { maxBufferSize: 1 << 20, maxStorageBufferBindingSize: 1 << 20 };
  readonly device: GPUDevice;
  /** Bytes of buffers that the GPU has room for. */
  capacity = Infinity;
  readonly features = new Set<string>();
  /** Milliseconds of a dispatch, by the pipeline's label; others take none. */
  readonly costs = new Map<string, number>();
  /** Milliseconds: the GPU's clock, and the CPU's, which sees work pass when it is submitted. */
  gpuTime = 0;
  cpuTime = 0;
  lose: (message: string) => void = () => undefined;
  #listeners: ((event: { error: object }) => void)[] = [];
  #scopes: { readonly filter: string; error: object | null }[] = [];
  /** Texts of shaders that do not compile. */
  readonly wrongShaders = new Set<string>();
  /** How many buffers it makes; the next one it has no room for. */
  roomFor = Infinity;

  constructor() {
    const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
      this.lose = (message) => resolve(Object.assign(Object.create(null), { reason: "unknown", message }));
    });
    const made = <T extends object>(kind: string, members: T): T => {
      this.log.created.push(kind);
      return members;
    };
    this.device = Object.assign(Object.create(null), {
      limits: this.limits, features: this.features, lost,
      queue: {
        writeBuffer: (buffer: FakeBuffer, offset: number, data: ArrayBufferView, from = 0, size?: number): void => {
          const unit = "BYTES_PER_ELEMENT" in data && typeof data.BYTES_PER_ELEMENT === "number" ? data.BYTES_PER_ELEMENT : 1;
          const length = size === undefined ? data.byteLength - from * unit : size * unit;
          const source = new Uint8Array(data.buffer, data.byteOffset + from * unit, length);
          buffer.bytes.set(source, offset);
          this.log.commands.push(`write ${buffer.label}`);
        },
        submit: (buffers: readonly { readonly used: ReadonlySet<FakeBuffer> }[]): void => {
          const gone = buffers.flatMap(({ used }) => [...used]).find((buffer) => !this.buffers.includes(buffer));
          if (gone !== undefined) this.#fail("validation", { message: `Buffer ${gone.label} used in submit while destroyed.` });
          this.log.commands.push(`submit ${buffers.length}`);
          this.cpuTime = Math.max(this.cpuTime, this.gpuTime);
        },
        onSubmittedWorkDone: async (): Promise<void> => undefined,
      },
      addEventListener: (_type: string, listener: (event: { error: object }) => void): void => { this.#listeners.push(listener); },
      pushErrorScope: (filter: string): void => { this.#scopes.push({ filter, error: null }); },
      popErrorScope: (): Promise<object | null> => Promise.resolve(this.#scopes.pop()?.error ?? null),
      createBuffer: (descriptor: GPUBufferDescriptor): FakeBuffer => made("buffer", this.#buffer(descriptor)),
      createQuerySet: (): object => made("querySet", { times: [0, 0], destroy: () => undefined }),
      createBindGroupLayout: (): object => made("bindGroupLayout", {}),
      createPipelineLayout: (): object => made("pipelineLayout", {}),
      createShaderModule: ({ code }: GPUShaderModuleDescriptor): object => {
        if (this.wrongShaders.has(code)) this.#fail("validation", { message: "no such builtin" });
        return made("shaderModule", {});
      },
      createComputePipelineAsync: async ({ label }: GPUComputePipelineDescriptor): Promise<object> => made("pipeline", { label }),
      createBindGroup: (descriptor: GPUBindGroupDescriptor): object => {
        const buffers = [...descriptor.entries].flatMap((entry) => ("buffer" in entry.resource ? [entry.resource.buffer] : []));
        return made("bindGroup", { buffers });
      },
      createCommandEncoder: (): object => made("encoder", this.#encoder()),
      destroy: (): void => undefined,
    });
  }

  /** To the innermost scope that takes such errors, else to the listeners. */
  #fail(filter: string, error: object): void {
    const scope = this.#scopes.findLast((candidate) => candidate.filter === filter);
    if (scope === undefined) this.raise(error);
    else scope.error ??= error;
  }

  raise(error: object): void {
    for (const listener of this.#listeners) listener({ error });
  }

  named(label: string): FakeBuffer {
    const found = this.buffers.find((buffer) => buffer.label === label && buffer.mapState === "unmapped");
    if (found === undefined) throw new Error(`no buffer ${label}`);
    return found;
  }

  #buffer({ label = "", size, usage }: GPUBufferDescriptor): FakeBuffer {
    this.capacity -= size;
    if (this.capacity < 0 || --this.roomFor === -1) this.#fail("out-of-memory", new FakeOutOfMemoryError());
    const bytes = new Uint8Array(size);
    const buffer: FakeBuffer = Object.assign(Object.create(null), {
      label, size, usage, bytes, mapState: "unmapped",
      destroy: (): void => {
        this.capacity += size;
        this.buffers.splice(this.buffers.indexOf(buffer), 1);
        this.log.commands.push(`destroy ${label}`);
      },
      mapAsync: async (): Promise<void> => { Object.assign(buffer, { mapState: "mapped" }); },
      getMappedRange: (): ArrayBuffer => bytes.buffer,
      unmap: (): void => { Object.assign(buffer, { mapState: "unmapped" }); },
    });
    this.buffers.push(buffer);
    return buffer;
  }

  #encoder(): object {
    const commands = this.log.commands;
    const used = new Set<FakeBuffer>();
    return {
      copyBufferToBuffer: (from: FakeBuffer, at: number, to: FakeBuffer, toAt: number, size: number): void => {
        if (from === to) throw new Error("WebGPU copies between two buffers only");
        to.bytes.set(from.bytes.subarray(at, at + size), toAt);
        commands.push(`copy ${from.label} ${at} > ${to.label} ${toAt}`);
      },
      resolveQuerySet: ({ times }: { times: readonly number[] }, _first: number, _count: number, to: FakeBuffer): void => {
        to.bytes.set(new Uint8Array(BigUint64Array.from(times, (time) => BigInt(Math.round(1e6 * time))).buffer));
      },
      beginComputePass: ({ timestampWrites }: { timestampWrites?: { querySet: { times: number[] } } } = {}): object => {
        commands.push("pass");
        const begin = this.gpuTime;
        let group: readonly FakeBuffer[] = [];
        let pipeline = "";
        return {
          setPipeline: (next: { label: string }): void => { pipeline = next.label; },
          setBindGroup: (_index: number, next: { buffers: readonly FakeBuffer[] }): void => { group = next.buffers; },
          dispatchWorkgroups: (...grid: number[]): void => {
            for (const buffer of group) used.add(buffer);
            commands.push(`${pipeline}(${group.map(({ label }) => label).join()}) ${grid.join("x")}`);
            this.gpuTime += this.costs.get(pipeline) ?? 0;
          },
          end: (): void => {
            commands.push("end");
            timestampWrites?.querySet.times.splice(0, 2, begin, this.gpuTime);
          },
        };
      },
      finish: (): object => ({ used }),
    };
  }
}
