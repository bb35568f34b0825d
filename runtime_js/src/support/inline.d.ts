/** A script that the build bundles to one classic script and puts here as text. */
declare module "inline:*" {
  const script: string;
  export default script;
}
