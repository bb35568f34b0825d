/** A script that the build bundles to one classic script and puts here as text. */
declare module "inline:*" {
  const script: string;
  export default script;
}

/** A WebAssembly module in text, which the build assembles and puts here as bytes. */
declare module "wat:*" {
  const module: Uint8Array<ArrayBuffer>;
  export default module;
}
