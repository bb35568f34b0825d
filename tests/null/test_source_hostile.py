"""Model folders that were made to hurt: links, README files, names, JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from webllm_build.compile.toolchain import linker
from webllm_build.errors import MalformedFile, SourceError, UnsupportedArchitecture, WebllmBuildError
from webllm_build.interpreter import python
from webllm_build.source.local import open_folder
from webllm_build.source.names import license_id, one_line
from webllm_build.source.tokenizer_process import encode, endless, run_template

TINY = Path(__file__).resolve().parents[1] / "fixtures" / "tiny-llama"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "model"))


@pytest.mark.parametrize("name", ["chat_template.jinja", "config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes((folder / name).read_bytes() if (folder / name).exists() else b"my key")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret)
    with pytest.raises(SourceError, match="link that leads out"):
        open_folder(folder, "tiny")


def test_links_within_the_folder_and_a_linked_folder_are_fine(folder: Path, tmp_path: Path) -> None:
    (folder / "blob").write_bytes((folder / "config.json").read_bytes())
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("blob")
    (tmp_path / "alias").symlink_to(folder)
    assert open_folder(tmp_path / "alias", "tiny").config["model_type"] == "llama"


def test_the_hubs_cache_links_to_its_own_blobs_only(folder: Path, tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--org--tiny"
    snapshot, blobs = repository / "snapshots" / "0123", repository / "blobs"
    for path in (snapshot, blobs):
        path.mkdir(parents=True)
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(blobs / str(number))
        (snapshot / path.name).symlink_to(f"../../blobs/{number}")
    assert open_folder(snapshot, "tiny").config["model_type"] == "llama"
    other = tmp_path / "hub" / "models--org--other" / "blobs" / "0"
    other.parent.mkdir(parents=True)
    other.write_text("private")
    (snapshot / "chat_template.jinja").symlink_to(other)
    with pytest.raises(SourceError, match="link that leads out"):
        open_folder(snapshot, "tiny")


@pytest.mark.parametrize(
    ("readme", "expected"),
    [
        ("---" + "\n" * 100000, None),
        ("---\n" + "x" * 1000000, None),
        ("---\nlicense: apache-2.0\n---\n", "apache-2.0"),
        ('---\nlanguage: en\nlicense: "MIT"\n---\n', "MIT"),
        ("---\nlicense: mit OR apache-2.0\n---\n", "mit OR apache-2.0"),
        ("---\nlicense: <img src=x>\n---\n", "other"),
        ("---\n---\nlicense: mit\n", None),
        ("# Tiny\n---\nlicense: mit\n---\n", None),
        ("", None),
    ],
)
def test_a_model_card_is_read_in_time_that_does_not_grow(folder: Path, readme: str, expected: str | None) -> None:
    (folder / "README.md").write_text(readme)
    assert open_folder(folder, "tiny").license == expected


def test_names_are_one_printable_line() -> None:
    assert one_line("\x1b[31mT\x1b]0;pwn\x07\r\nLicense: MIT\u202e\u2028x", "?") == "[31mT]0;pwn License: MIT x"
    assert one_line("\x00\u200b\n", "model") == "model"
    assert one_line("Größe 模型 👍", "?") == "Größe 模型 👍"
    assert len(one_line("a" * 10000, "?")) == 200
    assert license_id("mit\n\nI give you everything") == "other"
    assert license_id("a" * 100000) == "other"
    assert license_id("Apache-2.0 WITH LLVM-exception") == "Apache-2.0 WITH LLVM-exception"


def test_errors_do_not_steer_the_terminal() -> None:
    error = WebllmBuildError("tensor \x1b]0;pwn\x07 is\nwrong", "mend\u202e it")
    assert error.message == "tensor \\x1b]0;pwn\\x07 is\nwrong"
    assert error.hint == "mend\\u202e it"
    endless = WebllmBuildError("x" * 1_000_000 + " is wrong\nlast", "\x1b" * 1_000_000)
    assert len(endless.message) < 5000 and endless.message.endswith(" is wrong\nlast") and len(endless.hint) < 5000


@pytest.mark.parametrize(
    ("name", "bytes_", "word"),
    [
        ("config.json", 2 << 20, "expected of such a file"),
        ("generation_config.json", 2 << 20, "expected of such a file"),
        ("tokenizer_config.json", 17 << 20, "expected of such a file"),
        ("tokenizer.json", 65 << 20, "expected of such a file"),
    ],
)
def test_json_is_as_large_as_real_files_at_most(folder: Path, name: str, bytes_: int, word: str) -> None:
    with (folder / name).open("ab") as file:
        file.truncate(bytes_)
    with pytest.raises(MalformedFile, match=word):
        open_folder(folder, "tiny")


@pytest.mark.parametrize("name", ["model.x\nAll is well.", "\x1b[2J", "", "x" * 1001])
def test_the_name_of_a_tensor_is_one_printable_line(folder: Path, name: str) -> None:
    save_file({name: np.zeros(2, np.float32)}, folder / "model.safetensors")
    with pytest.raises(MalformedFile, match="printable line"):
        open_folder(folder, "tiny")


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "Git LFS"),
        (b"\n<!DOCTYPE html><title>Log in</title>", "web page"),
        (b"<html><title>Log in</title></html>", "web page"),
    ],
)
def test_what_stands_in_for_a_file_is_told_from_a_broken_one(folder: Path, name: str, content: bytes, words: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        open_folder(folder, "tiny")
    assert name in caught.value.message and caught.value.hint


@pytest.mark.parametrize("opening", ['{"a":', "["])
@pytest.mark.parametrize("depth", [80, 900, 100000])
def test_json_is_not_deep(folder: Path, opening: str, depth: int) -> None:
    closing = "}" if opening.startswith("{") else "]"
    (folder / "generation_config.json").write_text('{"a": ' + opening * depth + "0" + closing * depth + "}")
    with pytest.raises(MalformedFile, match=r"nested|JSON"):
        open_folder(folder, "tiny")


def test_no_module_of_the_folder_that_one_is_in_runs(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be the model's, or a repository that somebody cloned."""
    for name in ("runpy", "json", "re", "struct", "subprocess", "tokenizers", "jinja2", "pip", "ziglang"):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write(__name__ + ' ')")
    monkeypatch.chdir(folder)
    checkpoint = open_folder(Path(), "tiny")
    assert encode(checkpoint.tokenizer, ["a"], add_special_tokens=False) != [[]]
    assert run_template("{{ messages[0].content }}", {}, [[{"role": "user", "content": "a"}]]) == {"renders": [{"text": "a"}]}
    assert endless(["a+"]) == []
    for command in ([*linker("ziglang"), "--version"], python("pip", "--version")):
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    assert not (tmp_path / "ran").exists()


def test_an_adapter_says_of_which_model(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base\x1b[31m"}))
    with pytest.raises(UnsupportedArchitecture, match=r"adapter .* org/base\[31m"):
        open_folder(folder, "tiny")
