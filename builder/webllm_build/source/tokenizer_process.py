"""Runs what a model's author wrote for the tokenizer and the template libraries in child processes, with limits of time and memory."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from webllm_build.disk import disk_errors
from webllm_build.errors import UnsupportedTokenizer
from webllm_build.interpreter import python
from webllm_build.source.checkpoint import Tokenizer

CHILD, PATTERN_CHILD = (Path(__file__).with_name(f"{name}_child.py") for name in ("tokenizer", "pattern"))
PATIENCE = 10  # times as long as it computes a program may take: a busy machine lets it wait
# Runs a program that ends itself after so many seconds of computing. Whose limit is lower keeps it.
WITHIN = """
import contextlib, os, resource, sys
with contextlib.suppress(ValueError):
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), resource.getrlimit(resource.RLIMIT_CPU)[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""
MAX_ANSWER = 16 << 20
TOKENIZER, TEMPLATE = "the tokenizer", "the chat template"
SECONDS = {TOKENIZER: 60, TEMPLATE: 20}  # of what takes a second
FIX_TEMPLATE = "Mend it in a copy and give that: --chat-template FILE."
HINT = "Save the tokenizer again with a current transformers library, or take the model from where it was first published."


def run_template(
    template: str, constants: Mapping[str, object], conversations: Sequence[Sequence[Mapping[str, str]]]
) -> Mapping[str, object]:
    """What tokenizer_child.run_template says, which renders as transformers does. Raises UnsupportedTokenizer."""
    request = {"template": template, "constants": dict(constants), "conversations": list(conversations)}
    answer = run_child(python(CHILD), request, what=TEMPLATE)["template"]
    assert isinstance(answer, dict)  # the program is ours
    return answer


def encode(tokenizer: Tokenizer, texts: Sequence[str], *, add_special_tokens: bool) -> list[list[int]]:
    """Token ids of each text, by the tokenizers library. Raises UnsupportedTokenizer."""
    document = tokenizer.tokenizer_json.decode("utf-8", "replace")
    request = {"tokenizer": document, "texts": list(texts), "add_special_tokens": add_special_tokens}
    answer = run_child(python(CHILD), request)
    ids: list[list[int]] = answer["ids"]  # type: ignore[assignment]  # the program is ours
    return ids


def endless(expressions: Sequence[str]) -> list[str]:
    """Those that some text keeps busy for ever. Raises UnsupportedTokenizer."""
    if not expressions:
        return []
    answer = run_child(python(PATTERN_CHILD), {"expressions": list(expressions)})
    found: list[str] = answer["endless"]  # type: ignore[assignment]  # the program is ours
    return found


def run_child(
    command: Sequence[str], request: Mapping[str, object], seconds: int | None = None, what: str = TOKENIZER
) -> dict[str, object]:
    """JSON to a program and back. Raises UnsupportedTokenizer where it fails, or takes more than `seconds`, its memory or MAX_ANSWER.

    seconds: of computing, where the system counts them, else those of SECONDS. what: is tried.
    """
    hint, seconds = FIX_TEMPLATE if what == TEMPLATE else HINT, SECONDS[what] if seconds is None else seconds
    late = threading.Event()

    def stop() -> None:
        late.set()
        child.kill()

    where = Path(tempfile.gettempdir())
    with disk_errors(where, "TMPDIR"), tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as complaints:
        asked.write(json.dumps(request).encode())
        asked.seek(0)
        with subprocess.Popen(_within(seconds, command), stdin=asked, stdout=subprocess.PIPE, stderr=complaints) as child:
            timer = threading.Timer(PATIENCE * seconds, stop)
            timer.start()
            try:
                assert child.stdout is not None
                answer = child.stdout.read(MAX_ANSWER + 1)
                too_long = len(answer) > MAX_ANSWER
                status = None if too_long else child.wait()
            finally:
                timer.cancel()
                child.kill()
        complaints.seek(0)
        said = complaints.read(MAX_ANSWER).decode("utf-8", "replace")
    if late.is_set():
        raise UnsupportedTokenizer(f"{what} takes more than {PATIENCE * seconds:g} seconds", hint)
    if sys.platform != "win32" and status == -signal.SIGXCPU:
        raise UnsupportedTokenizer(f"{what} takes more than {seconds} seconds of computing", hint)
    if too_long:
        raise UnsupportedTokenizer(f"tokenizer or chat template make more than {MAX_ANSWER >> 20} MiB of a short text", hint)
    if status != 0:
        raise UnsupportedTokenizer(f"{what} cannot be used: {_last_line(said)}", hint)
    result: dict[str, object] = json.loads(answer)
    return result


def _within(seconds: int, command: Sequence[str]) -> list[str]:
    return [*command] if sys.platform == "win32" else [sys.executable, "-I", "-S", "-c", WITHIN, str(seconds), *command]


def _last_line(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.strip()]
    text = lines[-1] if lines else "the program was ended, probably for want of memory"
    return "".join(character if character.isprintable() else "?" for character in text)[:300]
