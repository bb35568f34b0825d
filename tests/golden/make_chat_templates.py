"""Writes reference/chat_templates.json: what the transformers library makes of chat templates, and of small pieces of Jinja.

    python tests/golden/make_chat_templates.py [FOLDER OUT]

FOLDER holds *.jinja; default: tests/fixtures/templates. With the seventy of the sdist of llama-cpp-python on PyPI
(vendor/llama.cpp/models/templates), `CHAT_TEMPLATES=OUT npm test jinja` in runtime_js compares the page with all of them.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from transformers.utils.chat_template_utils import _compile_jinja_template, render_jinja_template

HERE = Path(__file__).parent


def tool(name: str, description: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


CITY = {"type": "string", "description": "The city"}
DAYS = {"type": "integer", "description": "How many days", "default": 1}
UNIT = {"type": "string", "enum": ["celsius", "fahrenheit"], "description": "Unit"}
VALUES = {"type": "array", "items": {"type": "number"}, "description": "Numbers"}
ROUND = {"type": "object", "description": "More", "properties": {"round": {"type": "boolean", "description": "Whether to round"}}}
TOOLS = [
    tool("get_weather", 'Weather of a place, e.g. "Köln" <b>', {"city": CITY, "days": DAYS, "unit": UNIT}, ["city"]),
    tool("add", "Adds numbers", {"values": VALUES, "options": ROUND}, ["values"]),
]


def call(number: int, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"call{number:05d}", "type": "function", "function": {"name": name, "arguments": arguments}}


def assistant(content: str, *calls: dict[str, Any], reasoning: str | None = None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = list(calls)
    return message if reasoning is None else {**message, "reasoning_content": reasoning}


SYSTEM = {"role": "system", "content": "Be brief."}
USER, NEXT = ({"role": "user", "content": text} for text in ("How is the weather in Köln?", "  And tomorrow? "))
ANSWER, THOUGHT = assistant("It is fine."), assistant("It is fine.", reasoning="Let me think.\nYes.")
LOOK = call(1, "get_weather", {"city": "Köln", "days": 2})
ONE, BESIDE = assistant("", LOOK), assistant("I look.", LOOK)
ADD = call(2, "add", {"values": [1, 2.5, -3], "options": {"round": True, "none": None}})
TWO = assistant("", call(1, "get_weather", {"city": 'Köln "x"'}), ADD)
THINKS = assistant("", LOOK, reasoning="I need a tool.")
SAID = {"role": "tool", "content": '{"sky": "blue"}', "tool_call_id": "call00001", "name": "get_weather"}
SUM = {"role": "tool", "content": "0.5", "tool_call_id": "call00002", "name": "add"}
OFF, ON = ({"enable_thinking": on, "thinking": on} for on in (False, True))

# name: messages, whether there are tools, what else the template is told
CONVERSATIONS: dict[str, tuple[list[dict[str, Any]], bool, dict[str, Any]]] = {
    "plain": ([USER], False, {}),
    "turns": ([USER, ANSWER, NEXT], False, {}),
    "system": ([SYSTEM, USER, ANSWER, NEXT], False, {}),
    "tools": ([USER], True, {}),
    "system and tools": ([SYSTEM, USER], True, {}),
    "one call": ([USER, ONE, SAID], True, {}),
    "a call beside text": ([SYSTEM, USER, BESIDE, SAID], True, {}),
    "two calls": ([USER, TWO, SAID, SUM], True, {}),
    "after a call": ([SYSTEM, USER, ONE, SAID, ANSWER, NEXT], True, {}),
    "after two calls": ([USER, TWO, SAID, SUM, ANSWER, NEXT], True, {}),
    "a thought": ([USER, THOUGHT, NEXT], False, {}),
    "a thought and a call": ([USER, THINKS, SAID], True, {}),
    "after thoughts": ([USER, THINKS, SAID, THOUGHT, NEXT], True, {}),
    "no thinking": ([USER], False, OFF),
    "thinking": ([USER], True, ON),
    "effort": ([SYSTEM, USER], True, {"reasoning_effort": "high"}),
}
VARIABLES = {
    "d": {"b": [1, 2.5, None, True], "a": "é<x>", "items": 5},
    "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "name": "n"}, {"role": "user", "content": "c"}],
}


def render(template: str, messages: list[dict[str, Any]], tools: bool, variables: dict[str, Any]) -> dict[str, str]:
    try:
        (text,), _ = render_jinja_template(
            [messages], TOOLS if tools else None, None, template, add_generation_prompt=True, bos_token="<s>", eos_token="</s>", **variables
        )
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"text": text}


def as_text(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    copy: list[dict[str, Any]] = json.loads(json.dumps(messages))
    for called in (called for message in copy for called in message.get("tool_calls", ())):
        called["function"]["arguments"] = json.dumps(called["function"]["arguments"], ensure_ascii=False)
    return copy


def renders(template: str) -> dict[str, dict[str, str]]:
    """Arguments are objects, as transformers' manual has them; a template that writes these as Python does, or cannot, wants texts."""
    probe = render(template, [USER, assistant("", call(1, "get_weather", {"probed": "value"})), SAID], True, {}).get("text", "")
    form = as_text if "'probed'" in probe or 'probed\\"' in probe or probe == "" else list
    return {name: render(template, form(messages), tools, more) for name, (messages, tools, more) in CONVERSATIONS.items()}


def snippet(template: str) -> dict[str, str]:
    try:
        return {"template": template, "text": _compile_jinja_template(template).render(**VARIABLES)}
    except Exception as error:
        return {"template": template, "error": f"{type(error).__name__}: {error}"}


def main() -> None:
    folder, out = map(Path, sys.argv[1:] or (HERE.parent / "fixtures" / "templates", HERE / "reference" / "chat_templates.json"))
    templates = {path.stem: path.read_text("utf-8") for path in sorted(folder.glob("*.jinja"))}
    snippets = (HERE / "jinja_snippets.txt").read_text("utf-8").splitlines()
    document = {
        "tools": TOOLS,
        "conversations": {
            name: {"messages": messages, "tools": tools, "variables": more} for name, (messages, tools, more) in CONVERSATIONS.items()
        },
        "date": date.today().isoformat(),  # some templates write it
        "templates": {name: {"template": text, "renders": renders(text)} for name, text in templates.items()},
        "variables": VARIABLES,
        "snippets": [snippet(line) for line in snippets],
    }
    out.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
