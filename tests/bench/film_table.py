"""How well the recommender ranks: popularity, identity only, the full model; both splits, several seeds.

    python -m tests.bench.film_table DATASET OUT [--seeds 3] [--set key=value]

DATASET is an imported dataset. Each training is a run in OUT, resumed if it was stopped; the table is printed and kept
as OUT/table.json. Means over seeds with their standard deviation; the popularity ranking has no seed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

from engine.files import read_json, write_json
from engine.jobs import Progress, finish
from engine.training.config import SPLITS, Config
from engine.training.loop import train

MODELS: dict[str, dict[str, Any]] = {"identity only": {"modalities": ""}, "full": {}}
FIGURES = ("ndcg@10", "recall@10")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[])
    parsed = parser.parse_args()
    settings = dict(pair.split("=", 1) for pair in parsed.set)
    rows: list[dict[str, Any]] = []
    for split in SPLITS:
        for name, choice in MODELS.items():
            cards = [
                _run(parsed.dataset, parsed.out, split, name, seed, {**settings, **choice})
                for seed in range(1, parsed.seeds + 1)
            ]
            if name == "identity only":
                rows.append({"split": split, "model": "popularity", **_figures(cards[:1], "popularity ")})
            rows.append({"split": split, "model": name, **_figures(cards, "")})
            write_json(parsed.out / "table.json", rows)
    for row in rows:
        print(" ".join(f"{value:>14}" if not isinstance(value, float) else f"{value:14.4f}" for value in row.values()))


def _run(dataset: Path, out: Path, split: str, name: str, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    run = out / f"{split}-{name.replace(' ', '-')}-{seed}"
    resume = (run / "run.json").is_file()
    if resume and read_json(run / "run.json")["state"] == "done":
        card: dict[str, Any] = read_json(run / "run.json")
    else:
        config = Config.from_settings({**settings, "split": split, "seed": seed})
        finish(train(dataset, run, Config() if resume else config, resume=resume), _watch(run.name))
        card = read_json(run / "run.json")
    history = read_json(run / "history.json")
    return {**card, "seconds_per_epoch": statistics.median(row["seconds"] for row in history)}


def _watch(name: str) -> Any:
    def watch(progress: Progress) -> None:
        if "ndcg@10" in progress.data:
            print(f"{time.strftime('%H:%M:%S')} {name} {progress.data}", flush=True)

    return watch


def _figures(cards: list[dict[str, Any]], prefix: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for figure in FIGURES:
        values = [card["metrics"][f"{prefix}test {figure}"] for card in cards]
        found[figure] = statistics.mean(values)
        found[f"{figure} sd"] = statistics.stdev(values) if len(values) > 1 else 0.0
    found["targets"] = cards[0]["metrics"]["test targets"]
    found["seconds/epoch"] = 0.0 if prefix else statistics.mean(card["seconds_per_epoch"] for card in cards)
    found["best epoch"] = 0.0 if prefix else statistics.mean(card["best_epoch"] for card in cards)
    return found


if __name__ == "__main__":
    main()
