"""Templates get every value they need and no other, and no value can leave its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jinja2 import Environment

from webllm_build.errors import TemplateError
from webllm_build.package import render as module
from webllm_build.package.assets import templates_folder
from webllm_build.package.render import render

HOSTILE = "</script><script>alert(1)</script>\u2028'\"`${x}\\"


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "templates_folder", lambda: tmp_path)
    monkeypatch.setattr(module, "_environment", module._environment.__wrapped__)
    return tmp_path


def test_a_missing_variable_is_an_error(templates: Path) -> None:
    (templates / "a.js.j2").write_text("x({{ value | tojson }});")
    with pytest.raises(TemplateError, match="value must be"):
        render("a.js.j2")


def test_an_unused_variable_is_an_error(templates: Path) -> None:
    (templates / "a.js.j2").write_text("x({{ value | tojson }});")
    with pytest.raises(TemplateError, match="other must be"):
        render("a.js.j2", value=1, other=2)


def test_a_template_that_does_not_parse_is_an_error(templates: Path) -> None:
    (templates / "a.txt.j2").write_text("{{ value")
    with pytest.raises(TemplateError, match=r"a\.txt\.j2"):
        render("a.txt.j2", value=1)


def test_a_value_stays_a_json_string_in_a_script(templates: Path) -> None:
    (templates / "a.js.j2").write_text("x({{ value | tojson }});")
    text = render("a.js.j2", value=HOSTILE)
    assert "<" not in text
    assert json.loads(text[2:-2]) == HOSTILE


def test_a_value_is_escaped_in_html(templates: Path) -> None:
    (templates / "a.html.j2").write_text('<p title="{{ value }}">{{ value }}</p>')
    text = render("a.html.j2", value=HOSTILE)
    assert text.count("<") == 2
    assert text.count('"') == 2


def test_templates_only_wire() -> None:
    """Scripts are short, and every value in them goes through tojson."""
    scripts = sorted(templates_folder().rglob("*.js.j2"))
    assert scripts
    environment = Environment()
    for path in scripts:
        source = path.read_text()
        assert len(source.splitlines()) <= 30, path.name
        tokens = [(kind, value) for _, kind, value in environment.lex(source) if kind != "whitespace"]
        ends = [index for index, (kind, _) in enumerate(tokens) if kind == "variable_end"]
        assert ends, path.name
        for end in ends:
            assert tokens[end - 2 : end] == [("operator", "|"), ("name", "tojson")], path.name
