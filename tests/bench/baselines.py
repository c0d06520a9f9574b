"""What a model has to beat: every baseline on both splits of a dataset, with intervals.

    python -m tests.bench.baselines DATASET [--run RUN] [--out FILE.json] [--split SPLIT] [--only A,B]

RUN is any run trained on the dataset: its features feed the baselines that read content. Settings are chosen on
validation, fitted again on all before the test, and measured by full ranking of live histories. The table is printed
and, with --out, kept as JSON.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.dataset.split import interactions, split, through_validation
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.evaluation.figures import COLD_ONLY, figures, ground
from engine.evaluation.outcome import observe, ranker_batches
from engine.evaluation.tables import table
from engine.features.catalogue import Catalogue
from engine.features.content import content_features, held_modalities
from engine.files import write_json
from engine.jobs import finish
from engine.model.baselines import BASELINES
from engine.model.baselines.choose import choose
from engine.training.config import SPLITS

HEAD = ["", "NDCG@10 (95 %)", "Recall@10", "MRR@10", "cold", "tail", "short", "coverage", "s fit", "s rank", "setting"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--split", choices=SPLITS, action="append")
    parser.add_argument("--only", default="")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    names = [name for name in BASELINES if not parsed.only or name in parsed.only.split(",")]
    catalogue = Catalogue.load(parsed.run / "tokens") if parsed.run else None
    dataset = Dataset.open(parsed.dataset)
    kept: dict[str, Any] = {"dataset": dataset.manifest.name, "counts": dataset.manifest.counts, "splits": {}}
    for kind in parsed.split or SPLITS:
        rows = list(_rows(dataset, kind, names, catalogue))
        kept["splits"][kind] = rows
        print(f"\n{dataset.manifest.name}, {kind}, {rows[0]['targets']:,} targets, full ranking")
        print(table(HEAD, [_cells(row) for row in rows if "metrics" in row]), flush=True)
        for row in rows:
            if "not_run" in row:
                print(f"not run: {row['name']}: {row['not_run']}")
        if parsed.out:
            write_json(parsed.out, kept)


def _rows(dataset: Dataset, kind: str, names: list[str], catalogue: Catalogue | None) -> Any:
    data = interactions(dataset)
    parts = split(kind, data)
    content = tuple(content_features(catalogue, name) for name in held_modalities(catalogue)) if catalogue else ()
    on = ground(data, parts.test, through_validation(data, parts).train, 10, content)
    cold = on.popularity == 0
    for name in names:
        began = time.monotonic()
        try:
            ranker = finish(choose(BASELINES[name], data, parts, catalogue))
        except HeedmapError as error:
            yield {"name": name, "targets": len(parts.test), "not_run": str(error)}
            continue
        fitted = time.monotonic()
        outcome = finish(observe(ranker_batches(ranker, data, parts.test), data, cold, 10, len(parts.test), name))
        ranked = time.monotonic()
        row = figures(name, ranker.setting, outcome, on, fitted - began).to_json()
        row |= {
            "targets": len(parts.test),
            "rank_seconds": ranked - fitted,
            "median rank": float(np.median(outcome.ranks)),
        }
        yield row


def _cells(row: dict[str, Any]) -> list[str]:
    ndcg = row["metrics"]["ndcg"]
    slices = [row["slices"][name]["ndcg"] for name in ("cold products", "long tail", "histories under 5")]
    return [
        row["name"],
        f"{ndcg['mean']:.4f} ({ndcg['low']:.4f} to {ndcg['high']:.4f})",
        *(f"{row['metrics'][name]['mean']:.4f}" for name in ("recall", "mrr")),
        f"{slices[0]['mean']:.4f}/{row['slices'][COLD_ONLY]['ndcg']['mean']:.4f}",
        *(f"{one['mean']:.4f}" for one in slices[1:]),
        f"{row['beyond']['coverage']:.2f}",
        f"{row['seconds']:.1f}",
        f"{row['rank_seconds']:.1f}",
        ", ".join(f"{name} {value}" for name, value in row["setting"].items()),
    ]


if __name__ == "__main__":
    main()
