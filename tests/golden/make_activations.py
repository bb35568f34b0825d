"""Makes tests/golden/reference/activations.json: what each of transformers' activations that learns nothing makes of some numbers.

Run by hand, in an environment with transformers 5 and torch.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers.activations import ACT2CLS, ACT2FN

OUT = Path(__file__).parent / "reference" / "activations.json"


def main() -> None:
    x = torch.cat([torch.linspace(-12, 12, 97), torch.tensor([-90.0, -40.0, -1e-3, 1e-3, 40.0, 90.0, 1000.0])])
    functions = {name: ACT2FN[name] for name in sorted(ACT2CLS)}
    learning = {name for name, function in functions.items() if list(function.parameters())}
    values = {name: function(x.double()).tolist() for name, function in functions.items() if name not in learning}
    OUT.write_text(json.dumps({"x": x.tolist(), **values}) + "\n", "utf-8")


if __name__ == "__main__":
    main()
