"""A build stops at tokenizers and chat templates that the page cannot use, and knows every token that ends an answer."""

from __future__ import annotations

import dataclasses
import functools
import json
import operator
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from webllm_build import tokenizer_check
from webllm_build.errors import MalformedFile, MissingFile, ModelWarning, SourceError, UnsupportedTokenizer
from webllm_build.source import Checkpoint, Tokenizer
from webllm_build.source.gguf_pre_tokenizers import PRE_TOKENIZERS
from webllm_build.source.local import open_folder
from webllm_build.source.tokenizer_json import read_facts
from webllm_build.source.tokenizer_patterns import untranslated
from webllm_build.source.tokenizer_process import encode, endless, run_child
from webllm_build.tokenizer_check import check_tokenizer, find_node

TINY = open_folder(Path(__file__).resolve().parents[1] / "fixtures" / "tiny-llama", "tiny")
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
needs_node = pytest.mark.skipif(find_node() is None, reason="needs Node")


def changed(change: Callable[[dict[str, Any]], object] = lambda document: None, template: str | None = None, **fields: Any) -> Checkpoint:
    document = json.loads(TINY.tokenizer.tokenizer_json)
    change(document)
    config = dict(TINY.tokenizer.config)
    if template is not None:
        config["chat_template"] = template
    return dataclasses.replace(TINY, tokenizer=Tokenizer(json.dumps(document).encode(), config), **fields)


def add_token(content: str, index: int, *, special: bool = True) -> Callable[[dict[str, Any]], object]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": special}
    return lambda document: document["added_tokens"].append({"id": index, "content": content, **flags})


@pytest.fixture(params=["node", "no node"])
def with_and_without_node(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no node":
        monkeypatch.setattr(tokenizer_check, "find_node", lambda: None)
    elif find_node() is None:
        pytest.skip("needs Node")


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_check, "find_node", lambda: None)


GOLDEN = Path(__file__).resolve().parents[2] / "runtime_js" / "test" / "golden"
PATTERNS: dict[str, list[str]] = json.loads((GOLDEN / "patterns.json").read_text("utf-8"))


@pytest.mark.parametrize("place", ["pre_tokenizer", "normalizer", "decoder"])
def test_an_expression_that_the_page_cannot_run_stops_a_build(place: str) -> None:
    """Also where there is no Node to try it; the page's own code is tried with the same ones."""

    def facts(pattern: str) -> object:
        part: dict[str, object] = {"type": "Replace", "pattern": {"Regex": pattern}, "content": ""}
        if place == "pre_tokenizer":
            part = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        if place == "decoder":
            part = {"type": "Sequence", "decoders": [part, {"type": "Fuse"}]}
        return read_facts(changed(lambda document: document.update({place: part})).tokenizer)

    for pattern in PATTERNS["known"]:
        assert facts(pattern)
    for pattern in PATTERNS["unknown"]:
        with pytest.raises(UnsupportedTokenizer, match="a web page cannot run"):
            facts(pattern)


@pytest.mark.parametrize("place", ["normalizer", "pre_tokenizer"])
def test_an_expression_that_a_text_keeps_busy_for_ever_stops_a_build(place: str) -> None:
    split = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
    parts = {"normalizer": {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}, "pre_tokenizer": split}
    with pytest.raises(UnsupportedTokenizer, match=r"keep a page busy for ever by the tokenizer's expression '\(a\+\)\+\$'"):
        check_tokenizer(changed(lambda document: document.update({place: parts[place]})), 300)


def test_what_takes_for_ever_is_told_from_what_looks_like_it() -> None:
    """All expressions that GGUFs are given are good."""
    hostile = [
        r"(?:ab|a|b)+!", r"'s|(?:[\p{L}\p{M}]+|\p{L})*_|\s+", r"(?=(?:\w+\s?)+:)\w", r"(?!(?:a+)*!)a", r"(?:[^\s[:punct:]]+|x)+(?#never):",
        r"(?<word>\w|[a-f])+\$",
    ]  # fmt: skip
    good = [
        r"(?:\r?\n)+(?!\r?\n)", r"(?>a+)+b", r"(?:a++)+b", r"(?:\p{L}+[.-])*\p{L}+", r"(?<!ab)c+", r"(?i)a{2,}|b{,3}", r"(?:ab?){2,8}\b",
        *{pattern for each in PRE_TOKENIZERS.values() for pattern in each.patterns},
    ]  # fmt: skip
    assert len(good) > 30
    assert endless([*hostile, *good]) == hostile


def test_a_good_model_passes(with_and_without_node: None) -> None:
    assert check_tokenizer(TINY, 300) == TINY


@pytest.mark.parametrize(
    ("marker", "template"),
    [
        ("<|im_end|>", CHATML),
        ("<|eot_id|>", CHATML.replace("im_end", "eot_id")),
        ("<end_of_turn>", "{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}"),
        ("</done>", "{% for m in messages %}{{ m.role }}: {{ m.content }} </done>{% endfor %}"),
    ],
)
def test_what_the_template_writes_behind_an_answer_ends_one(marker: str, template: str, with_and_without_node: None) -> None:
    checkpoint = changed(add_token(marker, 299, special=marker != "</done>"), template, eos_token_ids=(2,))
    assert check_tokenizer(checkpoint, 300).eos_token_ids == (2, 299)
    known = () if marker == "<end_of_turn>" else (2,)  # Gemma's "</s>" is a tag of HTML
    assert check_tokenizer(dataclasses.replace(checkpoint, eos_token_ids=()), 300).eos_token_ids == (299, *known)


@pytest.mark.parametrize(
    "text",
    ["<|eot_id|>", "<|im_end|>", "<|end_of_text|>", "<|endoftext|>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "[e~[", "<|file_sep|>"],
)
def test_a_token_of_a_known_text_ends_an_answer_though_nothing_names_it(text: str, no_node: None) -> None:
    checkpoint = changed(add_token(text, 299), "{{ messages[0].content }}", eos_token_ids=(5,))
    assert check_tokenizer(checkpoint, 300).eos_token_ids == (5, 2, 299)


@pytest.mark.parametrize("text", ["<end_of_turn>", "<turn|>"])
def test_a_tag_of_html_ends_no_answer_of_gemma(text: str, no_node: None) -> None:
    """Its vocabulary has "</s>" among other tags."""
    checkpoint = changed(add_token(text, 299), "{{ messages[0].content }}", eos_token_ids=(5,))
    assert check_tokenizer(checkpoint, 300).eos_token_ids == (5, 299)


def test_a_thought_of_gpt_oss_does_not_end_the_answer(no_node: None) -> None:
    tokens = {"<|end|>": 297, "<|return|>": 298, "<|call|>": 299}

    def add(document: dict[str, Any]) -> None:
        for token, index in tokens.items():
            add_token(token, index)(document)

    template = "{% for m in messages %}{{ m.role }}{{ m.content }}<|end|>{% endfor %}"
    assert check_tokenizer(changed(add, template, eos_token_ids=(2,)), 300).eos_token_ids == (2, 298, 299)


def test_added_tokens_without_an_embedding_are_left_out() -> None:
    """Gemma's text models name an image token that they have no row of, and fine-tunes a padding token."""
    with pytest.warns(ModelWarning, match="<image>"):
        checked = check_tokenizer(changed(add_token("<image>", 300)), 300)
    assert encode(checked.tokenizer, ["<image>"], add_special_tokens=False) == encode(TINY.tokenizer, ["<image>"], add_special_tokens=False)
    with pytest.raises(MalformedFile, match="<turn>"):
        check_tokenizer(changed(add_token("<turn>", 300), CHATML.replace("<|im_start|>", "<turn>")), 300)


def test_end_tokens_are_in_the_vocabulary_and_few() -> None:
    with pytest.warns(ModelWarning, match="not in the vocabulary"):
        assert check_tokenizer(changed(eos_token_ids=(1000000, 2)), 300).eos_token_ids == (2,)
    with pytest.raises(MissingFile, match="ends an answer"):
        check_tokenizer(changed(template="{{ messages[0].content }}", eos_token_ids=(), change=no_end), 300)
    with pytest.raises(MalformedFile, match="end an answer"):
        check_tokenizer(changed(eos_token_ids=tuple(range(299))), 300)


def no_end(document: dict[str, Any]) -> None:
    document["added_tokens"] = [token for token in document["added_tokens"] if token["content"] != "</s>"]


@pytest.mark.parametrize(
    ("template", "line", "word"),
    [
        ("{{ bos_token }}\n{% for m in messages %}\n{{ m.content ", 3, "read"),
        ("a\n{% if true %}\nb", 3, "endif"),
        ("{# ok #}\n{% include 'x' %}", 2, "include"),
        ("{# ok #}\n{{ messages[0].content | wordwrap(20) }}", 2, "wordwrap"),
        ("{# ok #}\n\n{{ cycler('a').next() }}", 3, "cycler"),
        ("{{ messages[0].content.encode('utf-8') }}", 1, "encode"),
        ("{% set a = 1 %}\n\n{% include 'other' %}", 3, "include"),
        ("{%- import 'x' as y %}", 1, "import"),
        ("{{ messages[0].content }}\n{{ messages[9].content.nothing }}", 2, "one question"),
        ("x\n{{ raise_exception('never') }}", 2, "never"),
        ("{% if messages | length > 2 %}\n{{ raise_exception('one turn only') }}\n{% endif %}", 2, "several turns"),
        ("{{ 1 // 0 }}", 1, "one question"),
        ("{% if messages | length > 3 %}\n{{ messages[3].content.nothing.more }}{% endif %}", 2, "several turns behind a system"),
    ],
)
def test_a_bad_template_stops_and_names_the_line(template: str, line: int, word: str, with_and_without_node: None) -> None:
    with pytest.raises(UnsupportedTokenizer, match=word) as caught:
        check_tokenizer(changed(template=template), 300)
    assert f"line {line}:" in caught.value.message
    assert "--chat-template" in caught.value.hint


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in islice(items, 4) for place in places(item, (*path, key)))]


PLACES = [place for place in places(json.loads(TINY.tokenizer.tokenizer_json)) if place]
NUMBERS = st.integers() | st.floats(allow_nan=False)
ODD = st.none() | st.booleans() | NUMBERS | st.text(max_size=4) | st.sampled_from([[], {}, [{}], {"type": []}])


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD), min_size=1, max_size=3))
def test_an_odd_value_anywhere_is_an_answer_or_its_error(odd: list[tuple[tuple[str | int, ...], object]]) -> None:
    document = json.loads(TINY.tokenizer.tokenizer_json)
    for (*path, last), value in odd:
        with suppress(KeyError, IndexError, TypeError):  # what another has replaced
            functools.reduce(operator.getitem, path, document)[last] = value
    with suppress(SourceError):
        read_facts(Tokenizer(json.dumps(document).encode(), {}))


@pytest.mark.parametrize("says", ["v12.22.9", "", "v9.0"])
def test_an_old_node_is_not_asked(says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {says}\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_node() != str(node)
    node.write_text("#!/bin/sh\necho v20.1.0\n")
    assert find_node() == str(node)


@needs_node
def test_a_template_that_only_the_page_cannot_run_stops() -> None:
    with pytest.raises(UnsupportedTokenizer, match="in the page") as caught:
        check_tokenizer(changed(template="\n{{ messages | map(attribute='role') }}"), 300)  # Python writes where it lies in memory
    assert "line 2:" in caught.value.message


def test_a_template_may_refuse_system_messages_and_use_what_the_page_knows(with_and_without_node: None) -> None:
    template = (
        "{%- if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{%- macro turn(m) %}{{ m.content | trim }}{% endmacro %}"
        "{%- for m in messages %}{% generation %}{{ turn(m) }}{% endgeneration %}{% if loop.index > 9 %}{% break %}{% endif %}{% endfor %}"
        "{{ strftime_now('%Y') }} {{ messages | map(attribute='role') | list | tojson }}"
    )
    check_tokenizer(changed(template=template), 300)


def test_a_template_finds_what_transformers_gives_it(with_and_without_node: None) -> None:
    template = (
        "{% if tools is not none or documents is not none %}{{ raise_exception('there are none') }}{% endif %}"
        "{% if unk_token != '<unk>' or pad_token is defined %}{{ raise_exception('other tokens') }}{% endif %}{{ messages[0].content }}"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_tokenizer(changed(template=template), 300)


def with_tool_template(template: str) -> Checkpoint:
    checkpoint = changed()
    config = {**checkpoint.tokenizer.config, "tool_template": template}
    return dataclasses.replace(checkpoint, tokenizer=dataclasses.replace(checkpoint.tokenizer, config=config))


def test_a_template_for_tools_gets_a_tool_and_what_it_writes_behind_an_answer_ends_one(with_and_without_node: None) -> None:
    template = "{{ tools[0].function.name }}{% for m in messages %}{{ m.content }}<|user|>{% endfor %}"
    checked = check_tokenizer(with_tool_template(template), 300)
    assert checked.tokenizer.config["tool_template"] == template
    assert set(checked.eos_token_ids) == {2, 4}


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ tools[0].function.name.nothing.more }}", "fails for one question"),
        ("{% if messages | length > 1 %}{{ raise_exception('one turn') }}{% endif %}", "refuses several turns"),
        ("{{ messages | xmlattr }}", "the page has no filter xmlattr"),
        ("{% for m in messages %}", "cannot be read"),
    ],
)
def test_a_template_for_tools_that_cannot_be_used_is_left_out(template: str, words: str, with_and_without_node: None) -> None:
    with pytest.warns(ModelWarning, match=words) as caught:
        checked = check_tokenizer(with_tool_template(template), 300)
    assert "the chat template for tools" in str(caught[0].message)
    assert "tool_template" not in checked.tokenizer.config and checked.eos_token_ids == (2,)


@needs_node
def test_a_template_for_tools_that_only_the_page_cannot_run_is_left_out() -> None:
    with pytest.warns(ModelWarning, match="for tools fails in the page"):
        checked = check_tokenizer(with_tool_template("{{ messages | map(attribute='role') }}"), 300)
    assert "tool_template" not in checked.tokenizer.config


def test_a_template_cannot_take_the_builder_with_it() -> None:
    loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}"
    with pytest.raises(UnsupportedTokenizer, match="the chat template takes more than 2 seconds of computing") as caught:
        limited(check_tokenizer)(changed(template=loops), 300)
    assert "--chat-template" in caught.value.hint
    with pytest.raises(UnsupportedTokenizer, match="the chat template cannot be used: RecursionError"):
        check_tokenizer(changed(template="{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}"), 300)
    with pytest.raises(MalformedFile, match="KiB"):
        check_tokenizer(changed(template="a" * (1 << 20) + "b"), 300)


def test_the_line_of_an_error_is_found_in_bounded_work(no_node: None) -> None:
    """Whatever the template is made of, and however long what it says is: looked for in it are words that it does not have."""
    refusing = "{{ raise_exception(range(90000) | join(' word')) }}"
    with pytest.raises(UnsupportedTokenizer, match="refuses one question"):
        check_tokenizer(changed(template="{#" + "{{" * 400_000 + "#}" + refusing), 300)


def test_an_expression_of_a_megabyte_is_read_in_time_that_grows_as_it_does() -> None:
    assert untranslated("(?i)[" + "ab" * 250_000 + "]") is None


def test_a_template_cannot_write_without_end(no_node: None) -> None:
    with pytest.raises(UnsupportedTokenizer, match="more than 16 MiB"):
        check_tokenizer(changed(template="{% for i in range(9999) %}{{ 'a' * 5000 }}{% endfor %}"), 300)


@pytest.mark.parametrize("key", ["bos_token", "pad_token", "unk_token"])
def test_special_tokens_are_short(key: str) -> None:
    checkpoint = changed()
    config = {**checkpoint.tokenizer.config, key: "é" * 513}
    with pytest.raises(MalformedFile, match="longer than"):
        check_tokenizer(dataclasses.replace(checkpoint, tokenizer=dataclasses.replace(checkpoint.tokenizer, config=config)), 300)


def limited(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with a limit of two seconds for the programs that it starts."""

    def run(*arguments: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            bounded = functools.partial(run_child, seconds=2)
            patch.setattr("webllm_build.source.tokenizer_process.run_child", bounded)
            return function(*arguments)

    return run


def set_key(key: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.update({key: value})


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (set_key("decoder", None), "decoder"),
        (set_key("decoder", {"type": "BPEDecoder", "suffix": "</w>"}), "BPEDecoder"),
        (set_key("decoder", {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "CTC"}]}), "CTC"),
        (set_key("normalizer", {"type": "Unheard"}), "Unheard"),
        (set_key("normalizer", {"type": "Sequence", "normalizers": [{"type": "Metaspace"}]}), "Metaspace"),
        (set_key("pre_tokenizer", {"type": "UnicodeScripts"}), "UnicodeScripts"),
        (set_key("decoder", {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "ByteLevel"}]}), "ByteFallback ByteLevel"),
        (set_key("model", {}), "model"),
        (set_key("model", {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}), "WordLevel"),
        (set_key("model", {"type": "BPE", "vocab": {"a": "0"}, "merges": []}), "vocab"),
        (set_key("model", {"type": "BPE", "vocab": {"a": 0}, "merges": {}}), "merges"),
        (set_key("added_tokens", [{"content": [], "id": 1}]), "added token"),
        (set_key("model", {"type": [], "vocab": {"a": 0}}), "type"),
        (set_key("normalizer", {"type": {}}), "type"),
        (set_key("decoder", {"type": "Sequence", "decoders": [{"type": ["ByteLevel"]}]}), "type"),
        (lambda document: document["model"]["vocab"].update({"extra": 5000}), "5000"),
        # These make the tokenizers library panic.
        (set_key("normalizer", {"type": "Precompiled", "precompiled_charsmap": "AAAA"}), "cannot be used"),
        (set_key("model", {"type": "BPE", "vocab": {"a": 0}, "merges": ["b c"]}), "cannot be used"),
    ],
)
def test_a_tokenizer_that_the_page_cannot_run_stops(change: Callable[[dict[str, Any]], object], word: str) -> None:
    with pytest.raises(SourceError, match=word) as caught:
        check_tokenizer(changed(change), 300)
    assert caught.value.hint


def test_a_tokenizer_has_bounds_of_time_and_memory() -> None:
    doubling = {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"Regex": "."}, "content": "ab"}] * 40}
    with pytest.raises(UnsupportedTokenizer, match=r"seconds|used"):
        limited(encode_all)(changed(set_key("normalizer", doubling)).tokenizer)


def test_a_program_that_waits_is_not_one_that_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(seconds: float) -> dict[str, object]:
        return run_child([sys.executable, "-c", f"import time; time.sleep({seconds}); print('{{}}')"], {}, seconds=1)

    monkeypatch.setattr("webllm_build.source.tokenizer_process.PATIENCE", 900)
    assert wait(1.2) == {}
    monkeypatch.setattr("webllm_build.source.tokenizer_process.PATIENCE", 0.1)
    with pytest.raises(UnsupportedTokenizer, match=r"the tokenizer takes more than 0\.1 seconds"):
        wait(900)


def encode_all(tokenizer: Tokenizer) -> object:
    return encode(tokenizer, ["The tower"], add_special_tokens=False)


@needs_node
def test_a_tokenizer_that_the_page_understands_otherwise_stops() -> None:
    document = json.loads(changed(lambda document: None).tokenizer.tokenizer_json)
    model = {**document["model"], "dropout": 1.0}  # joins no tokens
    with pytest.raises(UnsupportedTokenizer, match="other tokens"):
        check_tokenizer(changed(set_key("model", model)), 300)


SEEING = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}{% for part in message['content'] %}{% if part['type'] == 'text' %}"
    "{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>{% endfor %}{% if add_generation_prompt %}assistant{% endif %}"
)


def test_a_template_that_reads_parts_gets_what_is_said(with_and_without_node: None) -> None:
    """As those of models that see, which lose a text. The answer's end is found behind what the assistant said."""
    checked = check_tokenizer(changed(add_token("<|im_end|>", 300), SEEING), 512)
    assert 300 in checked.eos_token_ids


@pytest.mark.parametrize("template", ["{{ bos_token }}Hello", "{% for message in messages %}{{ message['text'] }}{% endfor %}"])
def test_a_template_that_loses_the_question_is_told(template: str, no_node: None) -> None:
    with pytest.warns(ModelWarning, match="does not write what a user says"):
        check_tokenizer(changed(template=template), 300)
