"""Writes tests/fixtures/saved_configs.json: of each recipe in tests/golden/tiny_models, the config.json that transformers saves of a model
that it has read, as after a fine-tune, but for what it says of pictures and sounds.

Run by hand when a recipe is added, in an environment with transformers 5:

    python tests/golden/make_saved_configs.py
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import transformers

HERE = Path(__file__).parent
SAVED = HERE.parent / "fixtures" / "saved_configs.json"


def saved(config: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        transformers.AutoConfig.for_model(**config).save_pretrained(folder)
        found: dict[str, Any] = json.loads(Path(folder, "config.json").read_text("utf-8"))
    return {**found, **{part: {} for part in ("vision_config", "audio_config") if found.get(part)}}


def main() -> None:
    recipes = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((HERE / "tiny_models").glob("*.json"))}
    lines = [f"{json.dumps(family)}: {json.dumps(saved(recipe['config']))}" for family, recipe in recipes.items()]
    SAVED.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
