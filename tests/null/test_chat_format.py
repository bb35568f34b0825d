"""Formats of thoughts and calls are recognised by what a template writes, and read by the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from webllm_build.package.chat_format import NAMES, ROWS, Thinking, deepseek, recognise

TURNS = json.loads((Path(__file__).parents[1] / "golden" / "reference" / "tool_turns.json").read_text("utf-8"))
HERMES = "{% if tools %}<tool_call>\n{{ call | tojson }}\n</tool_call>{% endif %}"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        (HERMES, "hermes"),
        ("{{ tools }}[TOOL_CALLS][{{ calls }}]", "mistral-list"),
        ("{{ tools }}[TOOL_CALLS]{{ name }}[ARGS]{{ arguments }}", "mistral"),
        ('{{ tools }}respond in the format {"name": function name, "parameters": dictionary}', "llama"),
        (f"{{{{ tools }}}}{deepseek('call▁begin')}function{deepseek('sep')}f\n```json\n", "deepseek-r1"),
        (f"{{{{ tools }}}}{deepseek('call▁begin')}f{deepseek('sep')}", "deepseek"),
        ("{{ tools }}<tool_call><function=f><parameter=k>", "qwen-coder"),
        ("{{ tools }}<tool_call>f<arg_key>k</arg_key>", "glm"),
        ("{{ tools }}<|tool_call_start|>[f()]<|tool_call_end|>", "lfm2"),
        ("{{ tools }}<start_function_call>call:f{}<end_function_call>", "function-gemma"),
        ('{{ tools }}Action:\n```json "tool_name" <|START_ACTION|>', "command"),
        ("{{ tools }} functools[{{ calls }}]", "firefunction"),
        ("{{ message.tool_calls }}" + deepseek("call▁begin"), "deepseek"),
        ("{{ messages }}<tool_call>", None),
        ("{{ tools }}", None),
        (None, None),
    ],
)
def test_recognised_from_the_template(template: str | None, name: str | None) -> None:
    tools = recognise({"chat_template": template}).tools
    assert (tools and tools.name) == name


@pytest.mark.parametrize("name", TURNS)
def test_recognised_among_the_marks_of_real_templates(name: str) -> None:
    """What the page's tests read (runtime_js/test/tool_turns.test.ts) is what the builder writes today."""
    assert recognise({"chat_template": "\n".join(["tools", *TURNS[name]["marks"]])}).to_json() == TURNS[name]["chat"]


def test_every_format_of_a_real_template_is_read() -> None:
    read = {turn["chat"]["tools"]["name"] for turn in TURNS.values() if turn["turns"]}
    # Not there: the first template; templates that write no calls; and two that fail on tools as OpenAI has them.
    assert set(NAMES) - read == {"function-gemma", "granite", "phi", "firefunction", "command-r-plus"}


def test_one_of_several_templates() -> None:
    found = recognise({"chat_template": "{{ messages }}", "tool_template": HERMES})
    assert found.tools is not None
    assert found.tools.name == "hermes"


def test_thoughts_and_tags_that_say_nothing() -> None:
    assert recognise({"chat_template": "{{ content.split('</think>')[-1] }}"}).thinking == Thinking("<think>", "</think>")
    assert recognise({"chat_template": "{{ message }}<|end|>"}).thinking is None
    harmony = recognise({"chat_template": "{{ tools }}<|channel|>analysis<|message|><|channel|>commentary to=functions."})
    assert harmony.thinking == Thinking("<|channel|>analysis<|message|>", "<|end|>")
    assert "<|channel|>final<|message|>" in harmony.skipped
    assert recognise({"chat_template": "{{ messages }}"}).to_json() == {"skipped": []}


def test_asked_for() -> None:
    assert recognise({"chat_template": HERMES}, "none").tools is None
    asked = recognise({"chat_template": "{{ messages }}"}, "llama").tools
    assert asked is not None
    assert asked.bare
    assert {row.tools.name for row in ROWS} == set(NAMES)
