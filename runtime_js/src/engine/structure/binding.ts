/**
 * Calls C++ that was compiled by Emscripten and tells its classes through embind: when the module starts, it registers each constructor and
 * method by name, with the function that calls it. Only what xgrammar's classes need is here. The module catches no C++ exceptions: one
 * unwinds to here and leaves its memory behind, so that a binding which has thrown is not to be used for anything new.
 */


/** What the module calls its imports (by that name, Emscripten's) and exports. */
export interface ModuleNames {
  readonly imports: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<"memory" | "table" | "start" | "malloc" | "free", string>>;
}

/** What C++ gave up with. */
export class CppException extends Error {}

/** A C++ object in the module's memory; its owner deletes it. */
export interface CppObject {
  readonly className: string;
  readonly pointer: number;
}

/** `{ optional }`: an argument of the type std::optional. Undefined is one without a value. */
export type Argument = number | boolean | string | Uint8Array | CppObject | { readonly optional: CppObject } | undefined;

type Native = (...args: number[]) => number;
/** What calls a constructor or method, and what is to be called. */
type Callable = { readonly invoker: number; readonly target: number };

const PAGE = 65536;
/** Embind's handle of undefined; its own handles are even numbers behind the reserved ones. */
const UNDEFINED = 2;
const FIRST_HANDLE = 10;
const MAX_MESSAGE = 2048;
const OUT_OF_MEMORY = "it takes too much memory";
const TOO_LONG = "it takes too long to compile";

export class Binding {
  readonly #memory: WebAssembly.Memory;
  readonly #table: WebAssembly.Table;
  readonly #malloc: Native;
  readonly #free: Native;
  readonly #callables = new Map<string, Callable>();
  readonly #destructors = new Map<string, number>();
  /** By C++ type id. */
  readonly #classNames = new Map<number, string>();
  /** Objects that the arguments of the call that runs refer to by handle. */
  readonly #handles = new Map<number, number>();
  readonly #mostBytes: number;
  /** What was logged last: before it aborts, a check that failed says why. */
  #logged = "";
  /** When to give up, as performance.now() has it. */
  deadline = Infinity;

  private constructor(instantiate: (imports: WebAssembly.Imports) => WebAssembly.Instance, names: ModuleNames, mostBytes: number) {
    this.#mostBytes = mostBytes;
    const { exports } = instantiate(this.#imports(names));
    const [memory, table] = [exports[names.exports.memory], exports[names.exports.table]];
    const fn = (name: string): Native => {
      const value = exports[name];
      if (typeof value !== "function") throw new TypeError(`the grammar engine has no function ${name}`);
      return (...args) => Number(value(...args));
    };
    if (!(memory instanceof WebAssembly.Memory) || !(table instanceof WebAssembly.Table)) throw new TypeError("the grammar engine has no memory");
    [this.#memory, this.#table] = [memory, table];
    [this.#malloc, this.#free] = [fn(names.exports.malloc), fn(names.exports.free)];
    fn(names.exports.start)();
  }

  /** mostBytes: memory that the module may take. */
  static start(module: WebAssembly.Module, names: ModuleNames, mostBytes: number): Binding {
    return new Binding((imports) => new WebAssembly.Instance(module, imports), names, mostBytes);
  }

  construct(className: string, ...args: readonly Argument[]): CppObject {
    return { className, pointer: this.#call(`${className}.constructor`, args) };
  }

  /** Calls a static method that gives an object of its class. */
  make(className: string, method: string, ...args: readonly Argument[]): CppObject {
    return { className, pointer: this.#call(`${className}.${method}`, args) };
  }

  /** A method that gives a number, a boolean (0 or 1) or nothing. */
  number(object: CppObject, method: string, ...args: readonly Argument[]): number {
    return this.#call(`${object.className}.${method}`, [object, ...args]);
  }

  /** A method that gives an object. */
  object(className: string, object: CppObject, method: string, ...args: readonly Argument[]): CppObject {
    return { className, pointer: this.number(object, method, ...args) };
  }

  /** A method that gives a std::string: its bytes. */
  bytes(object: CppObject, method: string, ...args: readonly Argument[]): Uint8Array<ArrayBuffer> {
    const pointer = this.number(object, method, ...args);
    const bytes = this.#bytes.slice(pointer + 4, pointer + 4 + this.#word(pointer));
    this.#free(pointer);
    return bytes;
  }

  /** The words of a std::vector<int32_t>: a view that is valid until the next call. */
  words(vector: CppObject): Uint32Array {
    const [begin, end] = [this.#word(vector.pointer), this.#word(vector.pointer + 4)];
    return new Uint32Array(this.#memory.buffer, begin, (end - begin) / 4);
  }

  delete({ className, pointer }: CppObject): void {
    this.#function(this.#destructors.get(className) ?? -1)(pointer);
  }

  #call(name: string, args: readonly Argument[]): number {
    const callable = this.#callables.get(name);
    if (callable === undefined) throw new TypeError(`the grammar engine has no ${name}`);
    const strings: number[] = [];
    const wired = args.map((arg) => {
      if (typeof arg !== "string" && !(arg instanceof Uint8Array)) return this.#wire(arg);
      strings.push(this.#string(arg));
      return strings.at(-1) ?? 0;
    });
    try {
      return this.#function(callable.invoker)(callable.target, ...wired);
    } finally {
      for (const pointer of strings) this.#free(pointer);
      this.#handles.clear();
    }
  }

  #wire(arg: Exclude<Argument, string | Uint8Array>): number {
    if (arg === undefined) return UNDEFINED;
    if (typeof arg !== "object") return Number(arg);
    if ("pointer" in arg) return arg.pointer;
    const handle = FIRST_HANDLE + 2 * this.#handles.size;
    this.#handles.set(handle, arg.optional.pointer);
    return handle;
  }

  /** A std::string on its way: its length, then its bytes. */
  #string(text: string | Uint8Array): number {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    const pointer = this.#malloc(4 + bytes.length);
    if (pointer === 0) throw new CppException(OUT_OF_MEMORY);
    new DataView(this.#memory.buffer).setUint32(pointer, bytes.length, true);
    this.#bytes.set(bytes, pointer + 4);
    return pointer;
  }

  #function(index: number): Native {
    const native: unknown = this.#table.get(index);
    if (typeof native !== "function") throw new TypeError(`the grammar engine has no function ${index}`);
    return (...args) => Number(native(...args));
  }

  get #bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#memory.buffer);
  }

  #word(pointer: number): number {
    return new DataView(this.#memory.buffer).getUint32(pointer, true);
  }

  /** A text in the module's memory that ends with a zero. */
  #text(pointer: number): string {
    const bytes = this.#bytes.subarray(pointer, pointer + MAX_MESSAGE);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** The message of a std::runtime_error, which is behind its table of functions. */
  #message(exception: number): string {
    const pointer = this.#word(exception + 4);
    return pointer > 0 && pointer < this.#memory.buffer.byteLength ? this.#text(pointer) : "";
  }

  #grow(bytes: number): number {
    const missing = Math.ceil((bytes - this.#memory.buffer.byteLength) / PAGE);
    const comfortable = Math.max(missing, Math.floor(this.#memory.buffer.byteLength / 4 / PAGE));
    for (const pages of [comfortable, missing]) {
      if (this.#memory.buffer.byteLength + pages * PAGE > this.#mostBytes) continue;
      try {
        this.#memory.grow(pages);
        return 1;
      } catch { // the device has no more
        continue;
      }
    }
    return 0;
  }

  #imports({ imports }: ModuleNames): WebAssembly.Imports {
    const functions: Readonly<Record<string, (...args: number[]) => number | void>> = {
      __cxa_throw: (exception = 0) => { throw new CppException(this.#message(exception)); },
      _embind_register_class: (type = 0, pointer = 0, constPointer = 0, _base, _s1, _f1, _s2, _f2, _s3, _f3, name = 0, _s4, destructor = 0) => {
        for (const id of [type, pointer, constPointer]) this.#classNames.set(id, this.#text(name));
        this.#destructors.set(this.#text(name), destructor);
      },
      _embind_register_class_constructor: (type = 0, _count, _types, _signature, invoker = 0, target = 0) => this.#register(type, "constructor", invoker, target),
      _embind_register_class_function: (type = 0, name = 0, _count, _types, _signature, invoker = 0, target = 0) => this.#register(type, this.#text(name), invoker, target),
      _embind_register_class_class_function: (type = 0, name = 0, _count, _types, _signature, invoker = 0, target = 0) => this.#register(type, this.#text(name), invoker, target),
      _emval_as: (handle = 0) => this.#handles.get(handle) ?? 0,
      abort: () => { throw new CppException(/\[FATAL\] [^ ]*: (.*)/s.exec(this.#logged)?.[1]?.trim() ?? OUT_OF_MEMORY); },
      emscripten_memcpy_js: (to = 0, from = 0, count = 0) => { // comes for every few states of a grammar that is compiled
        if (performance.now() > this.deadline) throw new CppException(TOO_LONG);
        this.#bytes.copyWithin(to, from, from + count);
      },
      emscripten_resize_heap: (bytes = 0) => this.#grow(bytes >>> 0),
      emscripten_date_now: () => Date.now(),
      emscripten_get_now: () => performance.now(),
      fd_write: (_file, parts = 0, count = 0, written = 0) => {
        const texts = Array.from({ length: count }, (_, i) => this.#bytes.slice(this.#word(parts + 8 * i)).subarray(0, this.#word(parts + 8 * i + 4)));
        this.#logged = (this.#logged + texts.map((text) => new TextDecoder().decode(text)).join("")).slice(-MAX_MESSAGE);
        new DataView(this.#memory.buffer).setUint32(written, texts.reduce((sum, { length }) => sum + length, 0), true);
        return 0;
      },
      environ_sizes_get: (count = 0, bytes = 0) => {
        for (const pointer of [count, bytes]) new DataView(this.#memory.buffer).setUint32(pointer, 0, true);
        return 0;
      },
    };
    const nothing = (): number => 0;
    return { a: Object.fromEntries(Object.entries(imports).map(([short, name]) => [short, functions[name] ?? nothing])) };
  }

  #register(type: number, name: string, invoker: number, target: number): void {
    this.#callables.set(`${this.#classNames.get(type) ?? type}.${name}`, { invoker, target });
  }
}
