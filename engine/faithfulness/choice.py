"""The method that `auto` stands for: the one that was measured most faithful for a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.files import read_json

FILE = "faithfulness.json"  # in a run's folder, written by `heedmap faithfulness`


def kept(folder: Path) -> dict[str, Any] | None:
    """The table that was measured for a run, if any."""
    return read_json(folder / FILE) if (folder / FILE).is_file() else None


def automatic(folder: Path) -> tuple[str, str]:
    """The method, and why, in a sentence. Without a table it is the exact one."""
    table = kept(folder)
    if table is None:
        return "contribution", (
            "The methods were not compared for this run yet (heedmap faithfulness), so the exact one is shown."
        )
    best, *others = table["methods"]
    z = table["methods"][best]["z"]
    reason = (
        f"Of {len(others) + 1} methods, {best} was measured most faithful for this run over {table['explanations']}"
        f" maps: {z['mean']:.1f} standard deviations better than random order ({z['low']:.1f} to {z['high']:.1f})"
    )
    if others:
        reason += f", next {others[0]} with {table['methods'][others[0]]['z']['mean']:.1f}"
    return best, reason + "."
