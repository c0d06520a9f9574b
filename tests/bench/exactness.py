"""The largest |sum of contributions - score| over random (shopper, product) pairs, for each fusion.

    python -m tests.bench.exactness DATASET OUT [--pairs 1000]

Trains one epoch of each fusion on DATASET into OUT (a heatmap must be exact whatever the weights are).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from engine.explain import contribution
from engine.explain.case import Case
from engine.jobs import finish
from engine.recommend import Recommender
from engine.training.config import FUSIONS, Config
from engine.training.loop import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pairs", type=int, default=1000)
    parsed = parser.parse_args()
    for fusion in FUSIONS:
        run = parsed.out / fusion
        if not (run / "run.json").is_file():
            finish(train(parsed.dataset, run, Config.from_settings({"epochs": 1, "fusion": fusion, "negatives": 512})))
        recommender: Recommender = finish(Recommender.open(run))
        random = np.random.default_rng(1)
        worst = worst_relative = largest = 0.0
        for _ in range(parsed.pairs):
            user = recommender.data.users[int(random.integers(len(recommender.data.users)))]
            item = recommender.data.items[int(random.integers(len(recommender.data.items)))]
            case = Case(recommender, user, item)
            gap = abs(float(contribution.by_head(case).sum()) + case.bias - case.score)
            worst = max(worst, gap)
            worst_relative = max(worst_relative, gap / max(1.0, abs(case.score)))
            largest = max(largest, abs(case.score))
        print(
            f"{fusion:<10} {parsed.pairs} pairs: largest gap {worst:.2e}, relative to max(1, |score|)"
            f" {worst_relative:.2e} (bound 1e-4); largest |score| {largest:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
