"""README's plot of speeds: speeds.json → speeds.svg.

    pip install --group plot && python tests/bench/plot.py

speeds.json has figures of RESULTS.md, which tells their commits, machines and commands: ours and native of one machine in one hour, the
others' best ones of a machine of the same kind.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

DATA = Path(__file__).with_name("speeds.json")
PLOT = Path(__file__).with_name("speeds.svg")
COLORS = {"ours": "#2563eb", "native": "#8b95a5", "transformers.js": "#c98a2b", "wllama": "#7a9e5f"}
INK = "#7d8590"  # reads well on white and on black
BAR = 0.8


def digest(data: bytes) -> str:
    """What a plot says of the data that it was made from."""
    return f"speeds.json {hashlib.sha256(data).hexdigest()}"


def main() -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "speeds", "svg.fonttype": "none", "font.family": "sans-serif", "text.color": INK})
    from matplotlib import pyplot

    data = DATA.read_bytes()
    speeds = json.loads(data)
    figure, axes = pyplot.subplots(figsize=(8, 4.2))
    place, ticks = 0.0, {}
    for model, by_engine in speeds["decode"].items():
        first = place
        for engine, speed in by_engine.items():
            label = speeds["engines"][engine]
            axes.barh(place, speed, BAR, color=COLORS[engine], label=label if model == next(iter(speeds["decode"])) else None)
            axes.text(speed + 12, place, f"{speed:,}", va="center", fontsize=9, weight="bold" if engine == "ours" else "normal")
            place += 1
        ticks[model] = (first + place - 1) / 2
        place += 0.8
    axes.set_yticks(list(ticks.values()), list(ticks), color=INK, fontsize=10)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(speeds["title"], loc="left", fontsize=12, weight="bold")
    axes.legend(frameon=False, loc="lower right", fontsize=9)
    figure.text(0.01, 0.01, speeds["machine"], fontsize=8)
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    figure.savefig(PLOT, transparent=True, metadata={"Date": None, "Creator": None, "Description": digest(data)})


if __name__ == "__main__":
    main()
