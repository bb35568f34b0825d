"""Writes reference/tool_turns.json: how models' own chat templates write what an assistant says with calls of tools.

    python tests/golden/make_tool_turns.py FOLDER

FOLDER holds *.jinja, as vendor/llama.cpp/models/templates of the sdist of llama-cpp-python on PyPI does. The transformers library renders
each conversation with the turn and without it; what is more of the one is what the model says. `chat` is what the builder takes for the
format, and `marks` what it sees in the template, whose text is not kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from make_chat_templates import BESIDE, HERE, SAID, THINKS, TOOLS, TWO, USER, as_text, assistant, call
from transformers.utils.chat_template_utils import render_jinja_template

from webllm_build.package.chat_format import ROWS, THOUGHTS, Thinking, recognise

TURNS = {"two calls": TWO, "a call beside text": BESIDE, "a thought and a call": THINKS}
MARKS = sorted(
    {mark for row in ROWS for mark in row.marks}
    | {edge for thought in THOUGHTS for edge in (thought.begin, thought.end)}
    | {"tools", "tool_calls"}
)


def render(template: str, messages: list[dict[str, Any]], prompts: bool) -> str | None:
    try:
        (text,), _ = render_jinja_template(
            [messages], TOOLS, None, template, add_generation_prompt=prompts, bos_token="<s>", eos_token="</s>"
        )
    except Exception:
        return None
    return str(text)


def said(template: str, turn: dict[str, Any], thinking: Thinking | None) -> dict[str, str] | None:
    """What follows on the prompt, or, where a turn is written otherwise than its prompt, on the question; and the end of that."""
    whole = render(template, [USER, turn], False)
    prompts = [text for text in (render(template, [USER], True), render(template, [USER], False)) if text is not None]
    for prompt in prompts:
        answer = whole.removeprefix(prompt) if whole is not None else ""
        text = prompt[-40:] + answer
        is_open = thinking is not None and text.rfind(thinking.begin.rstrip()) > text.rfind(thinking.end)  # as no model leaves it
        if answer != whole and "get_weather" in answer and not is_open:
            return {"behind": prompt[-40:], "said": answer}
    return None


def main() -> None:
    document = {}
    for path in sorted(Path(sys.argv[1]).glob("*.jinja")):
        template = path.read_text("utf-8")
        chat = recognise({"chat_template": template})
        if chat.tools is None:
            continue
        probe = render(template, [USER, assistant("", call(1, "get_weather", {"probed": "value"})), SAID], False) or ""
        form = as_text if "'probed'" in probe or 'probed\\"' in probe or probe == "" else list
        turns = {name: said(template, form([turn])[0], chat.thinking) for name, turn in TURNS.items()}
        document[path.stem] = {
            "marks": [mark for mark in MARKS if mark in template],
            "chat": chat.to_json(),
            "turns": {name: text for name, text in turns.items() if text is not None},
        }
    (HERE / "reference" / "tool_turns.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
