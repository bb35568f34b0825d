"""Writes into each tests/fixtures/configs/*.json how many parameters the model of its config has, by transformers.

Run by hand when a config is added, in an environment with transformers 5 and torch; no weight is made:

    python tests/golden/count_parameters.py [NAME...]

A file is {"config": config.json of a published model, as its makers trimmed it or with what says nothing about mathematics left out,
"parameters": the count}. Of a model of more than text, its text's are counted. And into tests/fixtures/default_parameters.json of each kind
of model that it names how many one has whose config says nothing but its kind.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers

CONFIGS = Path(__file__).parents[1] / "fixtures" / "configs"
DEFAULTS = CONFIGS.parent / "default_parameters.json"


def count(config: dict[str, Any]) -> int:
    with torch.device("meta"):
        model = getattr(transformers, config["architectures"][0])(transformers.AutoConfig.for_model(**config))
    names = ("language_model", "text_model")
    text = next((getattr(model.base_model, name) for name in names if hasattr(model.base_model, name)), model.base_model)
    parameters = {id(parameter): parameter.numel() for part in (text, getattr(model, "lm_head", text)) for parameter in part.parameters()}
    return sum(parameters.values())


def main() -> None:
    for path in sorted(CONFIGS.glob("*.json")):
        if len(sys.argv) == 1 or path.stem in sys.argv[1:]:
            config = json.loads(path.read_text("utf-8"))["config"]
            found = {"parameters": count(config), "config": config}
            path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
            print(f"{path.stem}: {found['parameters']:,}")
    if len(sys.argv) == 1:
        auto = transformers.models.auto.modeling_auto
        classes = {**auto.MODEL_MAPPING_NAMES, **auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES}
        kinds = json.loads(DEFAULTS.read_text("utf-8"))
        found = {kind: count({"model_type": kind, "architectures": [classes[kind]]}) for kind in kinds}
        DEFAULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
