/** Languages by the names that models give code blocks. All are read line by line, in time that grows as a line does. */

import type { StreamParser } from "@codemirror/streamparser";
import { c, clike, cpp, csharp, dart, java, kotlin, scala } from "@codemirror/legacy-modes/mode/clike";
import { cmake } from "@codemirror/legacy-modes/mode/cmake";
import { css, less, sCSS } from "@codemirror/legacy-modes/mode/css";
import { diff } from "@codemirror/legacy-modes/mode/diff";
import { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
import { go } from "@codemirror/legacy-modes/mode/go";
import { haskell } from "@codemirror/legacy-modes/mode/haskell";
import { javascript, json, typescript } from "@codemirror/legacy-modes/mode/javascript";
import { julia } from "@codemirror/legacy-modes/mode/julia";
import { lua } from "@codemirror/legacy-modes/mode/lua";
import { perl } from "@codemirror/legacy-modes/mode/perl";
import { powerShell } from "@codemirror/legacy-modes/mode/powershell";
import { properties } from "@codemirror/legacy-modes/mode/properties";
import { python } from "@codemirror/legacy-modes/mode/python";
import { r } from "@codemirror/legacy-modes/mode/r";
import { ruby } from "@codemirror/legacy-modes/mode/ruby";
import { rust } from "@codemirror/legacy-modes/mode/rust";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { standardSQL } from "@codemirror/legacy-modes/mode/sql";
import { stex } from "@codemirror/legacy-modes/mode/stex";
import { swift } from "@codemirror/legacy-modes/mode/swift";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { html, xml } from "@codemirror/legacy-modes/mode/xml";
import { yaml } from "@codemirror/legacy-modes/mode/yaml";

const words = (text: string): Record<string, true> => Object.fromEntries(text.split(" ").map((word) => [word, true]));

const php = clike({
  name: "php",
  keywords: words("abstract and array as break callable case catch class clone const continue declare default do echo else elseif enddeclare endfor endforeach endif " +
    "endswitch endwhile enum extends final finally fn for foreach function global goto if implements include include_once instanceof insteadof interface isset list match " +
    "namespace new or print private protected public readonly require require_once return static switch throw trait try unset use var while xor yield"),
  types: words("bool float int iterable mixed never object string void"),
  atoms: words("true false null TRUE FALSE NULL"),
  multiLineStrings: true,
  hooks: {
    "$": (stream: { eatWhile(match: RegExp): boolean }) => (stream.eatWhile(/\w/) ? "variableName" : "operator"),
    "#": (stream: { skipToEnd(): void }) => {
      stream.skipToEnd();
      return "comment";
    },
  },
});

const NAMES: readonly (readonly [StreamParser<unknown>, string])[] = [
  [javascript, "javascript js jsx mjs cjs node"], [typescript, "typescript ts tsx"], [json, "json jsonc json5 jsonl"], [python, "python py python3 pycon"],
  [c, "c h"], [cpp, "cpp c++ cc cxx hpp arduino cuda wgsl glsl"], [csharp, "csharp c# cs"], [java, "java"], [kotlin, "kotlin kt"], [scala, "scala"], [dart, "dart"], [php, "php"],
  [go, "go golang"], [rust, "rust rs"], [ruby, "ruby rb"], [swift, "swift"], [lua, "lua"], [r, "r"], [perl, "perl pl"], [haskell, "haskell hs"], [julia, "julia jl"],
  [shell, "shell sh bash zsh console shellsession shell-session"], [powerShell, "powershell ps1 pwsh"], [dockerFile, "dockerfile docker"], [cmake, "cmake"], [diff, "diff patch"],
  [standardSQL, "sql mysql postgresql postgres sqlite plsql"], [yaml, "yaml yml"], [toml, "toml"], [properties, "ini properties dotenv env conf"],
  [css, "css"], [sCSS, "scss sass"], [less, "less"], [html, "html htm vue svelte"], [xml, "xml svg xhtml rss plist"], [stex, "latex tex"],
];

const BY_NAME: ReadonlyMap<string, StreamParser<unknown>> = new Map(NAMES.flatMap(([parser, names]) => names.split(" ").map((name) => [name, parser] as const)));

/** Undefined where nobody knows the language. */
export function findLanguage(name: string): StreamParser<unknown> | undefined {
  return BY_NAME.get(name.toLowerCase());
}
