// Changes one place of the runtime at a time, and tells which changes no test here notices.
//
//   node test/mutants.mjs engine tokenizer storage --mutants 50 --seed 1
//   node test/mutants.mjs storage --only src/storage/quota.ts:14:3 --tests storage --tests download    (of tests these)
//
// A mutant meets the tests whose files came to its line before, those that come to most of its file first, as many as take half a minute (with --only
// all of them). It is caught where one of them fails, or takes five times as long. Those that survive are for reading: each is a test that is missing, or a line that need not be.

import { build, transform } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundling } from "./bundling.mjs";

const runtime = fileURLToPath(new URL("..", import.meta.url));
const MOST_SECONDS = 30;
const OTHER_WORDS = [
  [" === ", " !== "], [" !== ", " === "], [" < ", " <= "], [" <= ", " < "], [" > ", " >= "], [" >= ", " > "], [" && ", " || "], [" || ", " && "], [" ?? ", " && "],
  [" + ", " - "], [" - ", " + "], [" * ", " / "], [" / ", " * "], [" % ", " * "], [" += ", " -= "], [" -= ", " += "], ["Math.min(", "Math.max("], ["Math.max(", "Math.min("],
  ["Math.floor(", "Math.ceil("], ["Math.ceil(", "Math.floor("], [".some(", ".every("], [".every(", ".some("], ["continue;", "break;"], ["break;", "continue;"],
];
const PATTERNS = [
  [/\btrue\b/g, () => "false"], [/\bfalse\b/g, () => "true"],
  [/(?<![\w.])\d+(?![\w.])/g, (number) => `(${number} + 1)`],
  [/(?<=[(\s])!(?=[\w(])/g, () => ""],
  [/\breturn [^;]+;$/g, () => "return undefined;"], [/\bthrow .*;$/g, () => ";"],
  [/(?<=^\s*)(await |void )?[\w.?![\]#]+\(.*\);$/g, () => ";"],
];

/** Where each of a file's lines might be otherwise. */
function mutantsOf(file, source) {
  const found = [];
  let at = 0;
  for (const [index, line] of source.split("\n").entries()) {
    const put = (start, length, text) => found.push({ file, line: index + 1, start: at + start, end: at + start + length, text });
    const code = /^\s*(\/\/|\/?\*|import\b|export \*)/.test(line) ? "" : line.replace(/"(\\.|[^"\\])*"/g, (text) => `"${"_".repeat(text.length - 2)}"`).replace(/ \/\/ .*$/, "");
    for (const [word, other] of OTHER_WORDS) {
      for (let start = code.indexOf(word); start >= 0; start = code.indexOf(word, start + 1)) put(start, word.length, other);
    }
    for (const [pattern, change] of PATTERNS) {
      for (const match of code.matchAll(pattern)) put(match.index, match[0].length, change(match[0]));
    }
    for (const match of code.matchAll(/\b(?:if|while) \(/g)) {
      const [start, end] = [match.index + match[0].length, closing(code, match.index + match[0].length)];
      if (end !== undefined) for (const fixed of ["true", "false"]) put(start, end - start, fixed);
    }
    if (!/Error\(|warn|words/.test(code)) for (const match of code.matchAll(/"_+"/g)) put(match.index, match[0].length, '"XX"');
    at += line.length + 1;
  }
  return found.map((mutant, number) => ({ ...mutant, name: `${file}:${mutant.line}:${number}` }));
}

function closing(code, from) {
  for (let [at, depth] = [from, 1]; at < code.length; at++) {
    depth += code[at] === "(" ? 1 : code[at] === ")" ? -1 : 0;
    if (depth === 0) return at;
  }
  return undefined;
}

const applied = (source, { start, end, text }) => source.slice(0, start) + text + source.slice(end);

/** A test's bundle, with another text in one file's place; the files that are in it. */
async function bundle(test, outfile, mutant, text) {
  const onLoad = ({ path }) => (mutant && relative(runtime, path) === mutant.file ? { contents: text, loader: "ts" } : undefined);
  const instead = { name: "mutant", setup: (building) => building.onLoad({ filter: /[.]ts$/ }, onLoad) };
  const { metafile } = await build({
    ...bundling, plugins: [instead, ...bundling.plugins], absWorkingDir: runtime, entryPoints: [join(runtime, "test", test)], outfile, metafile: true, logLevel: "silent",
  });
  return Object.keys(metafile.inputs);
}

/** Whether a bundle's tests pass within so many seconds of a processor, and how many they took. */
function run(file, most, environment = {}) {
  const command = `ulimit -t ${most}; "$0" --enable-source-maps --test-timeout=300000 "$1" > /dev/null 2>&1; code=$?; times; exit $code`;
  const { status, stdout } = spawnSync("sh", ["-c", command, process.execPath, file], {
    encoding: "utf8", cwd: runtime, env: { ...process.env, ...environment }, timeout: 30_000 * most,
  });
  const [minutes = 0, seconds = 0] = /(\d+)m([\d.]+)s \S+\s*$/.exec(stdout ?? "")?.slice(1).map(Number) ?? [];
  return { passes: status === 0, seconds: 60 * minutes + seconds };
}

/** The lines of the rooms' files that a run came to, by V8's counts and the bundle's map. */
async function linesOf(folder, outfile, files) {
  const lines = new Map();
  const code = await readFile(outfile, "utf8");
  const map = new SourceMap(JSON.parse(Buffer.from(code.slice(code.lastIndexOf("base64,") + 7).trim(), "base64").toString()));
  const counts = new Int32Array(code.length).fill(1);
  for (const name of await readdir(folder)) {
    const { result } = JSON.parse(await readFile(join(folder, name), "utf8"));
    const own = result.find(({ url }) => url.endsWith(`/${basename(outfile)}`));
    // Outer ranges come before inner ones.
    for (const { ranges } of own?.functions ?? []) for (const { startOffset, endOffset, count } of ranges) counts.fill(count, startOffset, endOffset);
  }
  let at = 0;
  for (const [index, text] of code.split("\n").entries()) {
    const column = text.search(/\S/);
    for (let place = Math.max(column, 0); column >= 0 && place < text.length; place += 8) {
      if (counts[at + place] === 0) continue;
      const { originalSource, originalLine } = map.findEntry(index, place);
      const file = originalSource && relative(runtime, resolve(dirname(outfile), originalSource));
      if (files.has(file)) lines.set(file, (lines.get(file) ?? new Set()).add(originalLine + 1));
    }
    at += text.length + 1;
  }
  return lines;
}

function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function campaign(room, sources, tests) {
  const every = [...sources].filter(([file]) => file.startsWith(`src/${room}/`)).flatMap(([file, source]) => mutantsOf(file, source));
  const [random, ends] = [randomFrom(Number(values.seed)), { caught: 0, survived: 0, unreached: 0 }];
  const left = every.filter(({ name }) => values.only === undefined || name === values.only);
  while (left.length > 0 && ends.caught + ends.survived + ends.unreached < Number(values.mutants)) {
    const [mutant] = left.splice(Math.floor(random() * left.length), 1);
    const source = sources.get(mutant.file);
    const text = applied(source, mutant);
    if (await same(source, text)) continue;
    const size = ({ lines }) => lines.get(mutant.file)?.size ?? 0; // every test comes to what is done when a module is loaded
    const met = tests.filter(({ lines }) => lines.get(mutant.file)?.has(mutant.line)).toSorted((a, b) => size(b) - size(a) || a.seconds - b.seconds);
    const end = met.length === 0 ? "unreached" : (await caughtBy(met, mutant, text)) === undefined ? "survived" : "caught";
    ends[end]++;
    if (end !== "caught") console.log(`\n${mutant.name} ${end}, ${met.length} files of tests, ${ends.caught} caught so far\n  - ${lineAt(source, mutant)}\n  + ${lineAt(text, mutant)}`);
  }
  const tried = ends.caught + ends.survived + ends.unreached;
  console.log(`${room}: ${tried} of ${every.length} mutants, ${JSON.stringify(ends)}, ${Math.round((100 * ends.caught) / tried)} % caught`);
}

/** Whether a change is none: of a type, or of what esbuild writes alike. */
async function same(source, text) {
  try {
    const [a, b] = await Promise.all([source, text].map((code) => transform(code, { loader: "ts", minify: true })));
    return a.code === b.code;
  } catch {
    return true;
  }
}

async function caughtBy(met, mutant, text) {
  let sum = 0;
  for (const { test, seconds } of met) {
    sum += seconds;
    if (sum > MOST_SECONDS && values.only === undefined) break;
    const outfile = join(out, test.replace(/[.]ts$/, ".mjs"));
    await bundle(test, outfile, mutant, text);
    if (!run(outfile, Math.ceil(15 + 5 * seconds)).passes) return test;
  }
  return undefined;
}

function lineAt(text, { line }) {
  return text.split("\n")[line - 1].trim();
}

const text = { type: "string" };
const options = { mutants: { ...text, default: "50" }, seed: { ...text, default: "1" }, only: text, tests: { ...text, multiple: true } };
const { values, positionals: rooms } = parseArgs({ allowPositionals: true, options });
const out = await mkdtemp(join(tmpdir(), "runtime-mutants-"));
try {
  const sources = new Map();
  for (const room of rooms) {
    for (const name of await readdir(join(runtime, "src", room), { recursive: true })) {
      if (name.endsWith(".ts")) sources.set(join("src", room, name), await readFile(join(runtime, "src", room, name), "utf8"));
    }
  }
  const tests = [];
  for (const test of (await readdir(join(runtime, "test"))).filter((name) => name.endsWith(".test.ts") && (values.tests ?? [""]).some((word) => name.includes(word)))) {
    const outfile = join(out, test.replace(/[.]ts$/, ".mjs"));
    const files = await bundle(test, outfile);
    if (!files.some((file) => sources.has(file))) continue;
    const folder = join(out, `${test}.counts`);
    const { passes, seconds } = run(outfile, 200, { NODE_V8_COVERAGE: folder });
    if (!passes) console.log(`left out, as it fails: ${test}`);
    else tests.push({ test, seconds, lines: await linesOf(folder, outfile, sources) });
    await rm(folder, { recursive: true, force: true });
  }
  console.log(`${tests.length} files of tests`);
  for (const room of rooms) await campaign(room, sources, tests);
} finally {
  await rm(out, { recursive: true, force: true });
}
