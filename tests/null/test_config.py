"""Options: every problem at once, each with value, expectation and a way out."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.config import QUANTIZATIONS, VARIANT_NAMES, BuildRequest, context_within, options, read_text, resolve
from webllm_build.errors import ConfigError, ModelNotFound
from webllm_build.find_weights import find_weights
from webllm_build.option import KINDS, Kind
from webllm_build.package.places import BUNDLED, Places
from webllm_build.progress import Silent
from webllm_build.quantize import LINEAR_SCHEMES
from webllm_build.source import open_checkpoint


def test_defaults_resolve() -> None:
    build = resolve(BuildRequest(kind="site"))
    assert (build.model, build.quantization, build.prefill_chunk, build.weights_at) == ("smollm2-135m", "auto", 512, ("bundle",))
    assert build.variants == VARIANT_NAMES
    assert build.cache_dir.is_absolute()


def test_all_problems_are_reported_together() -> None:
    request = BuildRequest(
        kind="site",
        quantization="q4b",
        kv="q16",
        toolchain="zig",
        prefill_chunk=100,
        variants=("f16", "f64"),
        context_length=5,
        weights=("bundle", "ftp://x"),
        package_name="Foo (8B)",
        package_version="one",
    )
    with pytest.raises(ConfigError) as caught:
        resolve(request)
    assert [problem.option for problem in caught.value.problems] == [
        "quantization",
        "kv",
        "context-length",
        "prefill-chunk",
        "weights",
        "package-name",
        "package-version",
        "variant",
        "toolchain",
    ]
    text = str(caught.value)
    assert "9 options" in text
    assert "'q4b'" in text
    assert "Did you mean q4" in text
    assert "Did you mean ziglang" in text


@pytest.mark.parametrize(
    ("weights", "urls", "folder"),
    [
        (("bundle",), ("",), "model"),
        (("url:https://example.org/models/tiny",), ("https://example.org/models/tiny/",), "weights"),
        (("url:http://localhost:8000/w/", "bundle"), ("http://localhost:8000/w/", ""), "model"),
        (("bundle", "bundle"), ("",), "model"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_weights_lie_in_the_result_or_at_addresses(kind: Kind, weights: tuple[str, ...], urls: tuple[str, ...], folder: str) -> None:
    assert find_weights(resolve(BuildRequest(kind=kind, weights=weights)), Silent()) == (Places(urls, folder), {})


def test_by_default_a_site_holds_its_weights_and_a_package_does_not() -> None:
    assert find_weights(BuildRequest(kind="site"), Silent())[0] == BUNDLED
    assert find_weights(BuildRequest(kind="npm"), Silent())[0] == Places((), "weights")


def test_a_site_has_threads_where_all_of_it_is_its_own() -> None:
    apart = BuildRequest(kind="site", weights=("url:https://weights.example.org/",))
    assert BuildRequest(kind="site").has_threads
    assert not apart.has_threads
    assert replace(apart, threads=True).has_threads
    assert not BuildRequest(kind="site", threads=False).has_threads


@pytest.mark.parametrize(
    "weights",
    [
        "",
        "bundled",
        "https://example.org/",
        "url:",
        "url:example.org",
        "url:http://example.org/",
        "url:javascript:alert(1)",
        "url:https://a.org/?x=1",
        "url:https://a.org/#x",
        "url:https://a.org/'; script-src *",
        "url:https://[::1",
        "hub:organization",
        "hub:a/b/c",
        "hub:a/b@",
        "hf:a/b",
    ],
)
def test_addresses_that_cannot_serve_weights_are_refused(weights: str) -> None:
    with pytest.raises(ConfigError, match="weights"):
        resolve(BuildRequest(kind="site", weights=("bundle", weights)))


def test_variants_keep_the_order_of_preference() -> None:
    assert resolve(BuildRequest(kind="site", variants=("f32", "f16-sg"))).variants == ("f16-sg", "f32")
    with pytest.raises(ConfigError, match="at least one"):
        resolve(BuildRequest(kind="site", variants=()))


@pytest.mark.parametrize("name", ["Upper", "with space", "../up", "", "a" * 215, "@/x", ".hidden"])
def test_names_that_npm_refuses(name: str) -> None:
    with pytest.raises(ConfigError, match="package-name"):
        resolve(BuildRequest(kind="npm", package_name=name))


@pytest.mark.parametrize("version", ["1", "1.0", "v1.0.0", "1.0.0\n", "\u0661.0.0"])
def test_versions_that_npm_refuses(version: str) -> None:
    with pytest.raises(ConfigError, match="package-version"):
        resolve(BuildRequest(kind="npm", package_version=version))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("out", Path("a\0b")),
        ("models", ("a\0b",)),
        ("title", "\0"),
        ("title", "a\x1b[31m"),
        ("title", "\udcff"),
        ("title", "a\nb"),
        ("out", Path("~no-such-user/x")),
        ("cache_dir", Path("~no-such-user")),
    ],
)
def test_what_no_file_system_knows_is_a_problem(option: str, value: object) -> None:
    changes: dict[str, Any] = {option: value}
    with pytest.raises(ConfigError, match=option.removesuffix("s").replace("_", "-")):
        resolve(BuildRequest(kind="site", **changes))


@pytest.mark.parametrize(
    ("remote", "model", "wrong"),
    [
        ("https://host/v1", None, "remote-model"),
        (None, "far", "remote"),
        ("http://host/v1", "far", "remote"),
        ("https://host/v1?key=1", "far", "remote"),
        ("https://host/v1; script-src *", "far", "remote"),
        ("https://host/v1", "", "remote-model"),
        ("https://host/v1", "a\nb", "remote-model"),
    ],
)
def test_a_remote_model_has_a_plain_address_and_a_name(remote: str | None, model: str | None, wrong: str) -> None:
    with pytest.raises(ConfigError) as raised:
        resolve(BuildRequest(kind="site", remote=remote, remote_model=model))
    assert [problem.option for problem in raised.value.problems] == [wrong]
    assert resolve(BuildRequest(kind="site", remote="http://localhost:8000/v1", remote_model="far")).remote_at is not None


def test_home_folders_are_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert resolve(BuildRequest(kind="site", out=Path("~/dist"), debug_dump=Path("~/ir"))).out == Path("/home/me/dist")


def test_texts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text("Grüße", "utf-8")
    assert read_text(str(path)) == "Grüße"


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"x" * 2_000_000])
def test_texts_that_cannot_be_read_are_problems(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "chat.jinja"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"chat\.jinja"):
        read_text(str(path))


@pytest.mark.parametrize("path", [".", "~no-such-user/x", "a\0b", "x" * 5000])
def test_names_of_no_file_are_problems(path: str) -> None:
    with pytest.raises(ValueError, match="readable"):
        read_text(path)


def test_the_context_is_the_models_own_or_shorter() -> None:
    assert context_within(None, 8192) == 8192
    assert context_within(4096, 8192) == 4096
    with pytest.raises(ConfigError, match="at most 8192"):
        context_within(8193, 8192)


def test_choices_are_those_that_the_parts_know() -> None:
    assert QUANTIZATIONS == ("auto", *(scheme.name for scheme in LINEAR_SCHEMES))


def test_every_option_is_documented() -> None:
    assert set(options()) == {item.name for item in fields(BuildRequest)} - {"kind", "own"}
    assert all(option.text.endswith(".") for _, option in options().values())


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("smolm2-135m", "Did you mean smollm2-135m?"),
        ("Llama-3.2-3", "Did you mean llama-3.2-3b?"),
        ("zzzzzz", "Known names: webllm-build models"),
        ("meta-llama/Llama-3.2-1B", "hf:meta-llama/Llama-3.2-1B"),
        ("./model", "path"),
        ("weights.gguf", "path"),
    ],
)
def test_unknown_models_get_a_suggestion(tmp_path: Path, reference: str, words: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        open_checkpoint(reference, CATALOG, Cache(tmp_path))
    assert reference in caught.value.message
    assert words in caught.value.hint


def test_what_is_about_one_model_is_refused_for_several() -> None:
    models = ("smollm2-135m", "all-minilm-l6")
    alone: dict[str, Any] = {
        "adapter": "a",
        "imatrix": Path("i.gguf"),
        "context_length": 512,
        "chat_template": "{{ messages }}",
        "tool_format": "none",
        "mmproj": Path("mmproj.gguf"),
        "debug_dump": Path("/ir"),
    }
    assert alone.keys() == {name for name, (_, option) in options().items() if option.alone}
    with pytest.raises(ConfigError) as caught:
        resolve(BuildRequest("npm", models, **alone))
    assert [problem.option for problem in caught.value.problems] == [name.replace("_", "-") for name in options() if name in alone]
    assert "expected one --model beside it, not 2" in str(caught.value)
    for name, value in alone.items():
        assert getattr(resolve(BuildRequest("npm", models[:1], **{name: value})), name) == value


def test_what_is_about_the_build_holds_for_all_of_several_models() -> None:
    asked = BuildRequest("npm", ("a", "b"), quantization="q8", kv="q8", calibrate="A text.", variants=("f32",), weights=("bundle",))
    request = resolve(asked)
    assert request.each == (replace(request, models=("a",)), replace(request, models=("b",)))
    assert [each.model for each in request.each] == ["a", "b"]


def test_a_site_has_several_models_but_what_is_about_one_of_them_wants_a_site_of_its_own() -> None:
    assert resolve(BuildRequest("site", ("a", "b"))).models == ("a", "b")
    with pytest.raises(ConfigError, match=r"into a site of its own\."):
        resolve(BuildRequest("site", ("a", "b"), tool_format="none"))


def test_each_of_several_models_is_looked_at() -> None:
    with pytest.raises(ConfigError, match="2 options"):
        resolve(BuildRequest("npm", ("a\0", "b", "~nobody-of-that-name/c")))
    with pytest.raises(ConfigError, match="at least one"):
        resolve(BuildRequest("npm", ()))
