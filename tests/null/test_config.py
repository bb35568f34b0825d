"""Options: every problem at once, each with value, expectation and a way out."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.compile import target
from webllm_build.compile.toolchain import TOOLCHAINS as LINKERS
from webllm_build.config import KINDS, QUANTIZATIONS, TOOLCHAINS, VARIANTS, BuildRequest, Kind, context_within, resolve
from webllm_build.errors import ConfigError, ModelNotFound
from webllm_build.quantize import LINEAR_SCHEMES
from webllm_build.source import open_checkpoint


def test_defaults_resolve() -> None:
    build = resolve(BuildRequest(kind="site"))
    assert (build.model, build.quantization, build.prefill_chunk, build.weights) == ("smollm2-135m", "auto", 512, "bundle")
    assert build.variants == VARIANTS
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
        weights="ftp://x",
    )
    with pytest.raises(ConfigError) as caught:
        resolve(request)
    assert [problem.option for problem in caught.value.problems] == [
        "quantization",
        "kv",
        "toolchain",
        "prefill-chunk",
        "variant",
        "context-length",
        "weights",
    ]
    text = str(caught.value)
    assert "7 options" in text
    assert "'q4b'" in text
    assert "Did you mean q4" in text
    assert "Did you mean ziglang" in text


@pytest.mark.parametrize(
    ("weights", "resolved"),
    [
        ("bundle", "bundle"),
        ("url:https://example.org/models/tiny", "https://example.org/models/tiny"),
        ("url:http://localhost:8000/w/", "http://localhost:8000/w/"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_weights_lie_in_the_result_or_at_an_address(kind: Kind, weights: str, resolved: str) -> None:
    assert resolve(BuildRequest(kind=kind, weights=weights)).weights == resolved


def test_by_default_a_site_holds_its_weights_and_a_package_does_not() -> None:
    assert resolve(BuildRequest(kind="site")).weights == "bundle"
    assert resolve(BuildRequest(kind="npm")).weights is None


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
    ],
)
def test_addresses_that_cannot_serve_weights_are_refused(weights: str) -> None:
    with pytest.raises(ConfigError, match="weights"):
        resolve(BuildRequest(kind="site", weights=weights))


def test_variants_keep_the_order_of_preference() -> None:
    assert resolve(BuildRequest(kind="site", variants=("f32", "f16-sg"))).variants == ("f16-sg", "f32")
    with pytest.raises(ConfigError, match="at least one"):
        resolve(BuildRequest(kind="site", variants=()))


def test_texts_are_read(tmp_path: Path) -> None:
    template, text = tmp_path / "chat.jinja", tmp_path / "page.txt"
    template.write_text("{{ messages }}")
    text.write_text("Grüße", "utf-8")
    resolved = resolve(BuildRequest(kind="site", chat_template=template, calibrate=text))
    assert (resolved.chat_template, resolved.calibrate) == ("{{ messages }}", "Grüße")


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"x" * 2_000_000])
def test_texts_that_cannot_be_read_are_problems(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "chat.jinja"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"(?s)chat-template.*calibrate"):
        resolve(BuildRequest(kind="site", chat_template=path, calibrate=path))


def test_the_context_is_the_models_own_or_shorter() -> None:
    assert context_within(None, 8192) == 8192
    assert context_within(4096, 8192) == 4096
    with pytest.raises(ConfigError, match="at most 8192"):
        context_within(8193, 8192)


def test_choices_are_those_that_the_parts_know() -> None:
    assert VARIANTS == tuple(variant.name for variant in target.VARIANTS)
    assert set(QUANTIZATIONS) == {"auto", *(scheme.name for scheme in LINEAR_SCHEMES)}
    assert set(TOOLCHAINS) == set(LINKERS)


def test_every_option_is_documented() -> None:
    hints: dict[str, Any] = get_type_hints(BuildRequest, include_extras=True)
    for item in fields(BuildRequest):
        if item.name != "kind":
            _, text = get_args(hints[item.name])
            assert text.endswith(".")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("smolm2-135m", "Did you mean smollm2-135m?"),
        ("Llama-3.2-3", "Did you mean llama-3.2-3b?"),
        ("zzzzzz", "Known names: smollm2-135m"),
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


def test_catalog_names_are_unique_and_found_in_any_case() -> None:
    names = [name for entry in CATALOG.entries for name in (entry.name, *entry.aliases)]
    assert len(set(names)) == len(names)
    assert all(CATALOG.find(name.upper()) is not None for name in names)
