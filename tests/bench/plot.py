"""README's plot of speeds: speeds.json → speeds.svg.

    pip install --group plot && python tests/bench/plot.py

speeds.json is what lease.py measured: ours and native of one machine in one hour. Others' figures in it are their best ones, of
RESULTS.md, and of the machine that "machine" names for them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("speeds.json")
PLOT = Path(__file__).with_name("speeds.svg")
COLORS = {"webllm-build": "#2563eb", "llama.cpp CUDA (native)": "#8b95a5", "transformers.js 4.3.1": "#c98a2b", "wllama 3.8.1": "#7a9e5f"}
INK = "#7d8590"  # reads well on white and on black
BAR = 0.8


def digest(data: bytes) -> str:
    """What a plot says of the data that it was made from."""
    return f"speeds.json {hashlib.sha256(data).hexdigest()}"


def decode_speeds(data: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Tokens a second by shape and engine, of the shapes whose own speed was measured."""
    found = {}
    for name, shape in data["shapes"].items():
        ours, native = shape["parts"].get("speed", {}).get("decode"), shape["parts"].get("native", {}).get("decode", {}).get("mean")
        if ours is None:
            continue
        speeds = dict(zip(COLORS, (ours, native, *(by_shape.get(name) for by_shape in data["others"].values())), strict=True))
        found[name] = {engine: speed for engine, speed in speeds.items() if speed is not None}
    return found


def main() -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "speeds", "svg.fonttype": "none", "font.family": "sans-serif", "text.color": INK})
    from matplotlib import pyplot

    data = DATA.read_bytes()
    measured = json.loads(data)
    speeds = decode_speeds(measured)
    bars = sum(len(by_engine) for by_engine in speeds.values())
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.3 * bars))
    place, ticks = 0.0, {}
    shown: set[str] = set()
    for model, by_engine in speeds.items():
        first = place
        for engine, speed in by_engine.items():
            axes.barh(place, speed, BAR, color=COLORS[engine], label=None if engine in shown else engine)
            shown.add(engine)
            weight = "bold" if engine == next(iter(COLORS)) else "normal"
            axes.text(speed + 12, place, f"{speed:,.0f}", va="center", fontsize=9, weight=weight)
            place += 1
        ticks[model] = (first + place - 1) / 2
        place += 0.8
    axes.set_yticks(list(ticks.values()), list(ticks), color=INK, fontsize=10)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title("Decoding, tokens a second", loc="left", fontsize=12, weight="bold")
    axes.legend(frameon=False, loc="lower right", fontsize=9)
    figure.text(0.01, 0.01, measured["machine"], fontsize=8)
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    figure.savefig(PLOT, transparent=True, metadata={"Date": None, "Creator": None, "Description": digest(data)})


if __name__ == "__main__":
    main()
