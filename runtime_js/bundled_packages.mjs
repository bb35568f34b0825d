// Which packages of npm have code in which files of dist/: of esbuild's own account of what it put there, and of the lock file.

import { readFile } from "node:fs/promises";

const PACKAGE = /^(?:.*\/)?(node_modules\/(?:@[^/]+\/)?[^/]+)\//; // the innermost

/** What a package's lock entry says, for the bill of materials. sha512: of its archive, in hex. */
function described(path, { version, license, integrity }) {
  if (!version || !license || !integrity?.startsWith("sha512-")) throw new Error(`package-lock.json lacks version, license or integrity of ${path}`);
  return { version, license, sha512: Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex") };
}

/** The part of a path that is its package's key in the lock file. */
function packageOf(path) {
  const match = PACKAGE.exec(path);
  return match && path.slice(path.indexOf("node_modules/"), match.index + match[0].length - 1);
}

/**
 * {name: {version, license, sha512, files}}.
 *
 * @param metafiles esbuild's, of all builds into dist/
 * @param inlined inputs of a script that is a text in another, by its path
 * @param carried packages whose files were put there by hand: {package: file}
 */
export async function bundledPackages(metafiles, inlined, carried) {
  const lock = JSON.parse(await readFile("package-lock.json", "utf8")).packages;
  const files = new Map();
  const add = (path, file) => files.set(path, (files.get(path) ?? new Set()).add(file));
  for (const [name, file] of Object.entries(carried)) add(`node_modules/${name}`, file);
  for (const { outputs } of metafiles) {
    for (const [output, { inputs }] of Object.entries(outputs)) {
      const used = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
      for (const path of used.flatMap((each) => [each, ...(inlined.get(each.replace(/^inline:/, "")) ?? [])])) {
        const key = packageOf(path);
        if (key !== null) add(key, output.replace(/^dist\//, ""));
      }
    }
  }
  const entries = [...files].map(([key, names]) => [key.slice(key.lastIndexOf("node_modules/") + "node_modules/".length), { ...described(key, lock[key] ?? {}), files: [...names].sort() }]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
