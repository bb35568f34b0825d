"""Random templates of names, blocks and macros, and what Jinja makes of them: runtime_js/test/golden/jinja_scopes.json.

    .venv/bin/python tests/golden/make_jinja_scopes.py [COUNT SEED OUT]

Jinja is set up as transformers does. Templates that it cannot run are null.
"""

from __future__ import annotations

import json
import random
import runpy
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "runtime_js" / "test" / "golden" / "jinja_scopes.json"
NAMES = ("a", "b", "x", "y", "m")
CONTEXT: dict[str, Any] = {
    "a": 1, "b": "two", "items": [3, 1, 2], "words": ["u", "v"], "none_here": None,
    "rows": [{"k": 1, "t": "p"}, {"k": 2, "t": "q"}, {"k": 3}],
    "tree": [{"n": 1, "c": [{"n": 2, "c": []}]}, {"n": 3, "c": []}],
}  # fmt: skip


class Writer:
    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.text = 0

    def name(self) -> str:
        return self.draw.choice(NAMES)

    def value(self, depth: int = 2) -> str:
        kinds = ["name", "name", "number", "text", "ns", "loop"] + (
            ["sum", "test", "default", "if", "list", "index", "join"] if depth else []
        )

        def inner() -> str:
            return self.value(depth - 1) if depth else "1"

        match self.draw.choice(kinds):
            case "name":
                return self.name()
            case "number":
                return str(self.draw.randint(0, 3))
            case "text":
                return self.draw.choice(["'s'", "''"])
            case "ns":
                return self.draw.choice(["ns.a", "ns.b"])
            case "loop":
                return self.draw.choice(
                    ["loop.index", "loop.first", "loop.last", "loop.length", "loop.previtem", "loop.nextitem", "loop.revindex0"]
                )
            case "sum":
                return f"({inner()} ~ {inner()})"
            case "test":
                return f"({self.name()} is {self.draw.choice(['defined', 'undefined', 'none', 'string', 'mapping', 'number', 'true'])})"
            case "default":
                return f"({inner()} | default({inner()}{self.draw.choice(['', ', true'])}))"
            case "if":
                return f"({inner()} if {inner()}{self.draw.choice(['', f' else {inner()}'])})"
            case "list":
                return f"[{inner()}, {inner()}]"
            case "index":
                return self.draw.choice(["items[0]", "items[-1]", "rows[1].t", "rows[2].t", "words[9]", "items[1:]", "rows[0]['k']"])
            case _:
                return f"({self.draw.choice(['items', 'words'])} | join('{self.draw.choice(['', '-'])}'))"

    def body(self, depth: int, inside: str = "") -> str:
        return "".join(self.statement(depth, inside) for _ in range(self.draw.randint(1, 3)))

    def statement(self, depth: int, inside: str) -> str:
        kinds = ["show", "show", "text", "set", "set", "ns"]
        kinds += (
            ["if", "ifelse", "for", "for", "forif", "with", "macro", "call", "block", "filter", "recursive", "elif", "forelse"]
            if depth
            else []
        )
        kinds += ["leave"] if inside == "loop" else ["caller"] if inside == "macro" else []

        def body(where: str = inside) -> str:
            return self.body(depth - 1, where)

        draw, name = self.draw.choice, self.name()
        match draw(kinds):
            case "show":
                return f"{{{{ {self.value()} }}}}"
            case "text":
                self.text += 1
                return f"{draw(['', ' ', chr(10)])}t{self.text}{draw(['', ';', chr(10), chr(10) + '  '])}"
            case "set":
                value = draw([self.value(), f"({self.value()}, {self.value()})"])
                return f"{draw(['{%', '{%-'])} set {draw([name, name, f'{name}, {self.name()}'])} = {value} %}}"
            case "ns":
                return f"{{% set ns.{draw('ab')} = {self.value()} %}}"
            case "if":
                return f"{{% if {self.value()} %}}{body()}{{% endif %}}"
            case "ifelse":
                return f"{{% if {self.value()} %}}{body()}{{% else %}}{body()}{{% endif %}}"
            case "elif":
                return f"{{% if {self.value()} %}}{body()}{{% elif {self.value()} %}}{body()}{{% else %}}{body()}{{% endif %}}"
            case "for":
                return f"{{% for {name} in {draw(['items', 'words', 'rows', '[1, 2]', 'range(2)'])} %}}{body('loop')}{{% endfor %}}"
            case "forif":
                return f"{{% for {name} in items if {self.value()} %}}{body('loop')}{{% endfor %}}"
            case "forelse":
                return f"{{% for {name} in {draw(['[]', 'words', self.value()])} %}}{body('loop')}{{% else %}}{body()}{{% endfor %}}"
            case "recursive":
                return f"{{% for {name} in tree recursive %}}{{{{ {name}.n }}}}{body('')}{{{{ loop({name}.c) }}}}{{% endfor %}}"
            case "with":
                return f"{{% with {name} = {self.value()}{draw(['', f', {self.name()} = {self.value()}'])} %}}{body()}{{% endwith %}}"
            case "macro":
                given = draw(["", self.name(), f"{self.name()}={self.value()}", "p, q=1"])
                call = f"{name}({draw(['', self.value(), 'p=2', '1, 2'])})"
                return f"{{% macro {name}({given}) %}}{body('macro')}{{% endmacro %}}{{{{ {call} }}}}"
            case "call":
                macro = f"{{% macro w({draw(['', 'p'])}) %}}<{{{{ caller({draw(['', '1'])}) }}}}>{{% endmacro %}}"
                return f"{macro}{{% call{draw(['', f'({name})'])} w({draw(['', '1'])}) %}}{body('')}{{% endcall %}}"
            case "block":
                return f"{{% set {name}{draw(['', ' | upper'])} %}}{body('')}{{% endset %}}"
            case "filter":
                return f"{{% filter {draw(['upper', 'trim', 'replace(1, 2)'])} %}}{body('')}{{% endfilter %}}"
            case "leave":
                return f"{{% if {self.value()} %}}{{% {draw(['break', 'continue'])} %}}{{% endif %}}"
            case _:
                return draw(["{{ varargs }}", "{{ kwargs }}", "{{ caller is defined }}", "{{ 'kwargs' }}"])


def rendered(jinja: Any, text: str, context: dict[str, Any]) -> str | None:
    try:
        return str(jinja.from_string(text).render(**context))
    except Exception:
        return None


def main() -> None:
    count, seed, out = (
        int(sys.argv[1]) if len(sys.argv) > 1 else 400,
        int(sys.argv[2]) if len(sys.argv) > 2 else 1,
        Path(sys.argv[3]) if len(sys.argv) > 3 else OUT,
    )
    jinja = runpy.run_path(str(ROOT / "builder" / "webllm_build" / "source" / "tokenizer_child.py"))["environment"]()
    writer = Writer(seed)
    cases: list[dict[str, object]] = []
    refused = 0
    while len(cases) < count:
        text = "{% set ns = namespace(a=0, b='n') %}" + writer.body(writer.draw.randint(1, 3))
        render = rendered(jinja, text, CONTEXT)
        refused += render is None
        if len(text) < 800 and (render is not None or refused % 8 == 0):  # most of those that fail do so early
            cases.append({"template": text, "render": render})
    out.write_text(json.dumps({"context": CONTEXT, "cases": cases}, indent=0) + "\n", "utf-8")


if __name__ == "__main__":
    main()
