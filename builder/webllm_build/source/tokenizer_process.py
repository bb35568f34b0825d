"""Runs what a model's author wrote for the tokenizer and the template libraries in child processes, with limits of time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from webllm_build.errors import UnsupportedTokenizer
from webllm_build.source.checkpoint import Tokenizer

CHILD = Path(__file__).with_name("tokenizer_child.py")
# Runs the file without its folder, whose modules have names that libraries use too, on the path of imports.
START = "import runpy, sys; sys.path[:] = filter(None, sys.path); runpy.run_path(sys.argv[1], run_name='__main__')"
SECONDS = 60
HINT = "Save the tokenizer again with a current transformers library, or take the model from where it was first published."


def run_template(
    template: str, constants: Mapping[str, object], conversations: Sequence[Sequence[Mapping[str, str]]]
) -> Mapping[str, object]:
    """What tokenizer_child.run_template says, which renders as transformers does. Raises UnsupportedTokenizer."""
    request = {"template": template, "constants": dict(constants), "conversations": list(conversations)}
    answer = run_child([sys.executable, "-c", START, str(CHILD)], request)["template"]
    assert isinstance(answer, dict)  # the program is ours
    return answer


def encode(tokenizer: Tokenizer, texts: Sequence[str], *, add_special_tokens: bool) -> list[list[int]]:
    """Token ids of each text, by the tokenizers library. Raises UnsupportedTokenizer."""
    document = tokenizer.tokenizer_json.decode("utf-8", "replace")
    request = {"tokenizer": document, "texts": list(texts), "add_special_tokens": add_special_tokens}
    answer = run_child([sys.executable, "-c", START, str(CHILD)], request)
    ids: list[list[int]] = answer["ids"]  # type: ignore[assignment]  # the program is ours
    return ids


def run_child(command: Sequence[str], request: Mapping[str, object], seconds: float = SECONDS) -> dict[str, object]:
    """JSON to a program and back. Raises UnsupportedTokenizer where it fails, or takes more than `seconds` or its memory."""
    try:
        done = subprocess.run(
            command, input=json.dumps(request), capture_output=True, encoding="utf-8", errors="replace", timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UnsupportedTokenizer(f"the tokenizer takes more than {seconds:g} seconds of computing", HINT) from error
    if done.returncode != 0:
        raise UnsupportedTokenizer(f"the tokenizer cannot be used: {_last_line(done.stderr)}", HINT)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def _last_line(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.strip()]
    text = lines[-1] if lines else "the program was ended, probably for want of memory"
    return "".join(character if character.isprintable() else "?" for character in text)[:300]
