"""A model that sees, in Node on the CPU: answers about pictures are transformers' own, token for token."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from families import REFERENCE
from runtimes import runtime_command
from small_kernels import floats_on_cpus, small_kernels
from tiny_vision import WRITERS
from webllm_build.build import build
from webllm_build.config import BuildRequest

RUNTIME = Path(__file__).resolve().parents[2] / "runtime_js" / "dist"

ASK = """
import { readFile } from "node:fs/promises";
import { WorkerEngine, startEngine } from "RUNTIME/node.js";
const [folder, reference, vision] = process.argv.slice(2);
const loads = [];
const engine = new WorkerEngine(startEngine(new URL("RUNTIME/node-worker.js", import.meta.url)), {
  variant: "cpu-f32", initProgressCallback: ({ progress, text }) => { if (progress === 1) loads.push(text); },
});
await engine.reload(folder, { vision });
const pixels = ([width, height, seed]) => {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++) data[at++] = 7 * x + 13 * y + 50 * c + 31 * seed + 9 * ((x * y) % 11);
  }
  return { width, height, data };
};
const shown = (picture) => ({ type: "image_url", image_url: { url: pixels(picture) } });
const wav = ([count, seed]) => {
  const data = new DataView(new ArrayBuffer(44 + 2 * count));
  [..."RIFF????WAVEfmt "].forEach((letter, i) => data.setUint8(i, letter.charCodeAt(0)));
  [[4, 36 + 2 * count], [16, 16], [24, 16000], [28, 32000], [40, 2 * count]].forEach(([at, value]) => data.setUint32(at, value, true));
  [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at, value]) => data.setUint16(at, value, true));
  [..."data"].forEach((letter, i) => data.setUint8(36 + i, letter.charCodeAt(0)));
  for (let i = 0; i < count; i++) data.setInt16(44 + 2 * i, ((((7 + seed) * i * i + 131 * i) % 2001) - 1000) * 16, true);
  return Buffer.from(data.buffer).toString("base64");
};
const played = (sound) => ({ type: "input_audio", input_audio: { data: wav(sound), format: "wav" } });
const part = ({ text, picture, sound }) => {
  if (text !== undefined) return { type: "text", text };
  return sound === undefined ? shown(picture) : played(sound);
};
const chats = Object.values(JSON.parse(await readFile(reference, "utf8")));
const before = loads.length;
const requests = chats.map(({ messages: asked, answer }) => {
  const messages = asked.map(({ role, content }) => ({ role, content: content.map(part) }));
  return { messages, temperature: 0, max_tokens: answer.length, ignore_eos: true };
});
const ask = (request) => engine.chat.completions.create(request);
const together = await Promise.all(requests.map(ask));
const told = [];
for (const [i, request] of requests.entries()) {
  const [prompt, expected, alone] = [await engine.tokenize(request.messages), await engine.detokenize(chats[i].answer), await ask(request)];
  const again = await ask(request); // with its conversation in the cache
  const said = [together[i], alone, again].map(({ choices: [{ message }] }) => message.content);
  told.push({ prompt, expected, said, cached: again.usage.prompt_tokens_details.cached_tokens });
}
console.log(JSON.stringify({ told, loads: [before, loads.length] }));
engine.terminate();
"""


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the site of a family's model, made once."""
    folder = tmp_path_factory.mktemp("seeing")

    def site(family: str) -> Path:
        out = folder / family / "site"
        if not out.exists():
            model = str(WRITERS[family](folder / family / "model"))
            # GPUs and codes are not what this is about; that a library with codes is built of what sees, SmolVLM shows.
            with small_kernels(), nullcontext() if family == "smolvlm" else floats_on_cpus():
                build(BuildRequest("site", (model,), out=out, cache_dir=folder / "cache", variants=("f32",), quantization="f16"))
        return out

    return site


@pytest.mark.parametrize(
    ("family", "vision", "loads"),
    [
        *(("smolvlm", "eager", [1, 1]), ("smolvlm", "lazy", [1, 2]), ("qwen3_vl", "lazy", [1, 2])),
        *(("llava", "lazy", [1, 2]), ("llava_next", "lazy", [1, 2]), ("lfm3_vl", "lazy", [1, 2]), ("gemma4", "lazy", [1, 2])),
        ("fast_vlm", "lazy", [1, 2]),
    ],
)
def test_answers_are_exact(sites: Callable[[str], Path], tmp_path: Path, family: str, vision: str, loads: list[int]) -> None:
    """With what sees loaded before, or when the first picture comes; all chats at once, and once more from the cache."""
    check_answers(sites(family), REFERENCE / f"tiny-vision-{family}-answers.json", tmp_path, vision, loads)


def test_answers_about_sounds_are_exact(sites: Callable[[str], Path], tmp_path: Path) -> None:
    """Also beside a picture. What hears is loaded with the first sound, what sees with the first picture."""
    check_answers(sites("gemma4"), REFERENCE / "tiny-audio-gemma4-answers.json", tmp_path, "lazy", [1, 3])


def check_answers(site: Path, reference: Path, tmp_path: Path, vision: str, loads: list[int]) -> None:
    script = tmp_path / "ask.mjs"
    script.write_text(ASK.replace("RUNTIME", RUNTIME.as_uri()))
    command = [*runtime_command("node"), str(script), str(site), str(reference), vision]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    chats = json.loads(reference.read_text("utf-8")).values()
    assert result["loads"] == loads
    for found, chat in zip(result["told"], chats, strict=True):
        assert found["prompt"] == chat["prompt"]
        assert found["said"] == [found["expected"]] * 3
        assert found["cached"] == len(chat["prompt"]) - 1
