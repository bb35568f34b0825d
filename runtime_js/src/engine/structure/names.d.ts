/** Made by the build from npm's @mlc-ai/web-xgrammar: what its WebAssembly module calls things. */
declare module "web-xgrammar:names" {
  const names: {
    /** By the module's name of an import, Emscripten's. */
    readonly imports: Readonly<Record<string, string>>;
    readonly exports: Readonly<Record<"memory" | "table" | "start" | "malloc" | "free", string>>;
    /** Of the module, lower-case hex. */
    readonly sha256: string;
  };
  export default names;
}

/** For tests: the bytes of the module. */
declare module "web-xgrammar:module" {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
