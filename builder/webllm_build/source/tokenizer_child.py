"""A program, run as a child process with limits: what tokenizer.json and chat template of a stranger do. tokenizer_process.py starts it.

Both can take any time and memory, and the tokenizers library panics on some files. It imports nothing of this package, to start quickly.
"""

from __future__ import annotations

import json
import struct
import sys
import traceback
from contextlib import suppress
from datetime import datetime
from typing import Any, NoReturn

MEMORY_BYTES = 4 << 30
EXTENDED_LIMITS, LIMIT_PROCESS_MEMORY = 9, 0x100  # of job objects on Windows
TEMPLATE_NAME = "<template>"
QUESTION = "probed question"
# Statements that the page's templates have, with their ends. Python's Jinja knows more, also of filters and functions.
STATEMENTS = frozenset(
    {"set", "endset", "if", "elif", "else", "endif", "for", "endfor", "macro", "endmacro", "call", "endcall", "with", "endwith"}
    | {"filter", "endfilter", "break", "continue", "generation", "endgeneration"}
)
NO_FILTERS = frozenset({"filesizeformat", "pprint", "random", "urlize", "wordwrap", "xmlattr"})
NO_FUNCTIONS = frozenset({"cycler", "joiner", "lipsum"})
NO_METHODS = frozenset({"encode", "format_map", "maketrans", "translate"})


class Refused(Exception):
    """The template's own raise_exception."""


def encode(document: str, texts: list[str], add_special_tokens: bool) -> list[list[int]]:
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_str(document)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return [tokenizer.encode(text, add_special_tokens=add_special_tokens).ids for text in texts]


def environment() -> Any:
    """Jinja as transformers sets it up (utils/chat_template_utils.py)."""
    from jinja2 import nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True))

    def refuse(message: object) -> NoReturn:
        raise Refused(str(message))

    def tojson(value: object, ensure_ascii: bool = False, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, **options)

    result = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    result.filters["tojson"] = tojson
    result.globals.update(raise_exception=refuse, strftime_now=lambda form: datetime.now().strftime(form))
    return result


def unknown_part(jinja: Any, template: str) -> dict[str, object] | None:
    """The first statement, filter, function or method that the page does not know."""
    from jinja2 import nodes

    begun = False
    for line, kind, text in jinja.lex(template):
        if begun and kind == "name" and text not in STATEMENTS:
            return {"line": line, "error": f"the page does not know {{% {text} %}}"}
        begun = kind == "block_begin" or (begun and kind == "whitespace")
    tree = jinja.parse(template)
    for node in tree.find_all((nodes.Filter, nodes.Name, nodes.Call)):
        method = node.node.attr if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) else None
        if isinstance(node, nodes.Filter) and node.name in NO_FILTERS:
            return {"line": node.lineno, "error": f"the page has no filter {node.name}"}
        if (isinstance(node, nodes.Name) and node.name in NO_FUNCTIONS) or method in NO_METHODS:
            return {"line": node.lineno, "error": f"the page has no function {method or node.name}"}
    return None


def render(template: Any, context: dict[str, object]) -> dict[str, object]:
    try:
        return {"text": template.render(**context)}
    except Refused as error:
        return {"refused": str(error)}
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == TEMPLATE_NAME]
        return {"error": f"{type(error).__name__}: {error}", "line": lines[-1] if lines else None}


def run_template(request: dict[str, Any]) -> dict[str, object]:
    """{error, line} where the template cannot be parsed, else {renders: [{text}, {refused} or {error, line}]}."""
    from jinja2 import TemplateSyntaxError

    jinja = environment()
    try:
        unknown = unknown_part(jinja, request["template"])
        template = jinja.from_string(request["template"])
    except TemplateSyntaxError as error:
        return {"error": error.message, "line": error.lineno}
    if unknown is not None:
        return unknown

    def rendered(messages: list[dict[str, str]], *, in_parts: bool) -> dict[str, object]:
        said = [message | {"content": [{"type": "text", "text": message["content"]}]} for message in messages]
        context = {"messages": said if in_parts else messages, "add_generation_prompt": True}
        return render(template, {"tools": None, "documents": None, **request["constants"], **context})

    def keeps_question(*, in_parts: bool) -> bool:
        return QUESTION in str(rendered([{"role": "user", "content": QUESTION}], in_parts=in_parts).get("text"))

    in_parts = not keeps_question(in_parts=False) and keeps_question(in_parts=True)  # as the page does
    return {"renders": [rendered(messages, in_parts=in_parts) for messages in request["conversations"]]}


def limit_memory(most: int) -> None:
    """Ends this process where it wants more. Raises ImportError, ValueError or OSError where that cannot be."""
    if sys.platform == "win32":
        limit_job(most)
    else:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def limit_job(most: int) -> None:
    """Puts this process into a job object with a limit of memory. learn.microsoft.com/windows/win32/procthread/job-objects"""
    import ctypes

    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
    kernel.CreateJobObjectW.restype = kernel.GetCurrentProcess.restype = ctypes.c_void_p
    limits = job_limits(most)
    job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
    if not kernel.SetInformationJobObject(job, EXTENDED_LIMITS, limits, len(limits)):
        raise OSError("the limits of a job cannot be set")
    if not kernel.AssignProcessToJobObject(job, ctypes.c_void_p(kernel.GetCurrentProcess())):
        raise OSError("the process cannot be put into a job")


def job_limits(most: int) -> bytes:
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION of 64-bit Windows with a limit of memory: two times, flags, two sizes of working sets, a count
    of processes, affinity, two classes, six counters of transfers, and the memory of a process, of all, and the peaks of both."""
    return struct.pack("<qqI4xQQI4xQII6Q4Q", 0, 0, LIMIT_PROCESS_MEMORY, 0, 0, 0, 0, 0, 0, *(0,) * 6, most, 0, 0, 0)


def main() -> None:
    with suppress(ImportError, ValueError, OSError):  # where the system does not limit address space
        limit_memory(MEMORY_BYTES)
    request = json.load(sys.stdin)
    answer: dict[str, object] = {}
    if "texts" in request:
        answer["ids"] = encode(request["tokenizer"], request["texts"], request["add_special_tokens"])
    if "template" in request:
        answer["template"] = run_template(request)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
